//! One-time codes: what they are good for, how often, and what they do not tell.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::{LOGIN, REGISTER, REQUEST, by_code, by_password, codes, contact, user_errors};
use crate::harness::{Person, TestApp};

const RESET: &str =
    "mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { ok userErrors { code field } } }";

const FORGOT: &str =
    "mutation ($contact: ContactInput!) { requestPasswordReset(contact: $contact) { ok userErrors { code } } }";

const WHO: &str = "{ viewer { user { username } } }";

const MINUTE: Duration = Duration::from_secs(61);

#[tokio::test(flavor = "multi_thread")]
async fn the_first_use_of_a_code_makes_the_account() {
    let app = TestApp::start().await;
    for (number, (to, stored)) in
        [("New@Example.com", "new@example.com"), ("13800138000", "+8613800138000")].into_iter().enumerate()
    {
        app.request_code(to, "LOGIN").await;
        let code = app.wait_for_code(stored, 1).await;
        let made = app.payload(LOGIN, by_code(to, &code)).await;
        assert_eq!(codes(&made), Vec::<&str>::new());
        let account = 10_000_000 + number;
        assert_eq!(made["user"]["username"], format!("u{account}"));
        assert_eq!((&made["user"]["accountNumber"], &made["user"]["score"]), (&json!(account), &json!(10)));
        assert_eq!(made["user"]["nickname"], "新手咸鱼人员");
        assert_eq!(made["tokens"]["needsPasswordUpdate"], true);
        let person = Person::new(app.address, &made);
        let private = person.private().await;
        let kind = if to.contains('@') { "email" } else { "phone" };
        assert_eq!((&private[kind], &private[format!("{kind}Verified")]), (&json!(stored), &json!(true)));
        // Still without a password when the tokens are refreshed.
        let refresh = "mutation ($t: String!) { refreshSession(refreshToken: $t) { tokens { needsPasswordUpdate } userErrors { code } } }";
        assert_eq!(app.payload(refresh, json!({ "t": person.refresh })).await["tokens"]["needsPasswordUpdate"], true);

        app.advance_clock(MINUTE);
        app.request_code(to, "LOGIN").await;
        let code = app.wait_for_code(stored, 2).await;
        let again = app.payload(LOGIN, by_code(to, &code)).await;
        assert_eq!(again["user"]["id"], made["user"]["id"], "the second time it signs in");
        // A first password needs no current one; then the contact and it sign in.
        let change = "mutation { changePassword(input: { newPassword: \"a first password\" }) { tokens { needsPasswordUpdate } userErrors { code } } }";
        let changed = Person::new(app.address, &again).payload(change, json!({})).await;
        assert_eq!(changed["tokens"]["needsPasswordUpdate"], false);
        let signed_in = app.payload(LOGIN, by_password(to, "a first password")).await;
        assert_eq!(signed_in["user"]["id"], made["user"]["id"]);
        assert_eq!(signed_in["tokens"]["needsPasswordUpdate"], false);
    }
    assert_eq!(app.query_number("select count(*) from users").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_with_codes_proves_the_contacts() {
    let app = TestApp::start().await;
    // By phone alone, as the market has it.
    let code = app.receive_code("13800138000", "REGISTER", 1).await;
    let input = json!({ "phone": "13800138000", "phoneCode": format!(" {code} "), "password": "a long password" });
    let made = app.payload(REGISTER, json!({ "input": input })).await;
    assert_eq!((codes(&made).len(), &made["user"]["username"]), (0, &json!("u10000000")));
    assert_eq!(made["tokens"]["needsPasswordUpdate"], false);
    // By name, with an address that has its code and a number that has not, as the help circle has it.
    let code = app.receive_code("bo@example.com", "REGISTER", 1).await;
    let input = json!({ "username": "bo", "email": "BO@example.com", "emailCode": code, "phone": "+8613900139000",
        "password": "a long password" });
    let bo = Person::new(app.address, &app.payload(REGISTER, json!({ "input": input })).await);
    let private = bo.private().await;
    assert_eq!((&private["email"], &private["emailVerified"]), (&json!("bo@example.com"), &json!(true)));
    assert_eq!((&private["phone"], &private["pendingPhone"]), (&Value::Null, &json!("+8613900139000")));
    for (account, found) in [("13800138000", "u10000000"), ("Bo@Example.com", "bo"), ("BO", "bo")] {
        let signed_in = app.payload(LOGIN, by_password(account, "a long password")).await;
        assert_eq!(signed_in["user"]["username"], found, "{account}");
    }
    let unproven = app.payload(LOGIN, by_password("13900139000", "a long password")).await;
    assert_eq!(codes(&unproven), ["INVALID_CREDENTIALS"]);
    // The number was sent its code by itself.
    let code = app.wait_for_code("+8613900139000", 1).await;
    let verify = "mutation ($c: String!) { verifyContact(contact: { phone: \"13900139000\" }, code: $c) { user { private { phone pendingPhone } } userErrors { code } } }";
    let verified = bo.payload(verify, json!({ "c": code })).await;
    assert_eq!(verified["user"]["private"], json!({ "phone": "+8613900139000", "pendingPhone": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_registering_lacks_is_told() {
    let app = TestApp::start().await;
    let cases = [
        (json!({ "password": "a long password" }), vec!["REQUIRED input.username"]),
        (json!({ "password": "a long password", "email": "a@b.c" }), vec!["REQUIRED input.username"]),
        (json!({ "password": "password", "username": "ada" }), vec!["WEAK_PASSWORD input.password"]),
        (
            json!({ "password": "a long password", "username": "ada", "phoneCode": "123456" }),
            vec!["REQUIRED input.phone"],
        ),
        (
            json!({ "password": "a long password", "email": "a@b.c", "emailCode": "123456" }),
            vec!["CODE_INVALID input.emailCode"],
        ),
    ];
    for (input, expected) in cases {
        assert_eq!(user_errors(&app.payload(REGISTER, json!({ "input": input })).await), expected, "{input}");
    }
    assert_eq!(app.query_number("select count(*) from users").await, 0);
    let answer = app.run(REGISTER, json!({ "input": { "password": "a long password", "email": "nobody" } })).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT", "no address at all");
    let long = format!("{} 文", "a long password ".repeat(7));
    let input = json!({ "username": "ada", "password": long });
    assert_eq!(codes(&app.payload(REGISTER, json!({ "input": input })).await), Vec::<&str>::new());
    assert_eq!(app.payload(LOGIN, by_password("ada", &long)).await["user"]["username"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_right_code_tells_that_a_contact_is_taken() {
    let app = TestApp::start().await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    app.payload(LOGIN, by_code("ada@example.com", &code)).await;
    app.advance_clock(MINUTE);
    let input = |username: &str, email: &str, code: Option<&str>| json!({ "input": { "username": username, "email": email, "emailCode": code, "password": "a long password" } });
    // Without a code a known address is as good as an unknown one.
    let known = app.payload(REGISTER, input("bo", "ada@example.com", None)).await;
    let unknown = app.payload(REGISTER, input("lan", "lan@example.com", None)).await;
    for payload in [&known, &unknown] {
        assert_eq!(codes(payload), Vec::<&str>::new());
    }
    // Both were sent a code; with it, and only then, it shows.
    let bo = Person::new(app.address, &known);
    let code = app.wait_for_code("ada@example.com", 2).await;
    let verify = "mutation ($e: EmailAddress!, $c: String!) { verifyContact(contact: { email: $e }, code: $c) { user { id } userErrors { code field } } }";
    let verified = bo.payload(verify, json!({ "e": "ada@example.com", "c": "000000" })).await;
    assert_eq!(user_errors(&verified), ["CODE_INVALID code"]);
    let verified = bo.payload(verify, json!({ "e": "ada@example.com", "c": code })).await;
    assert_eq!(codes(&verified), ["EMAIL_TAKEN"]);
    assert_eq!(bo.private().await["pendingEmail"], "ada@example.com", "nothing has changed");

    app.advance_clock(MINUTE);
    let code = app.receive_code("ada@example.com", "REGISTER", 3).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(codes(&app.payload(REGISTER, input("xia", "ada@example.com", Some(wrong))).await), ["CODE_INVALID"]);
    let taken = app.payload(REGISTER, input("xia", "ada@example.com", Some(&code))).await;
    assert_eq!(user_errors(&taken), ["EMAIL_TAKEN input.email"]);
    assert_eq!(app.query_number("select count(*) from users where username = 'xia'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_wrong_codes_ten_are_compared() {
    let settings =
        [("PLAZA_LIMIT_MUTATIONS", "2000"), ("PLAZA_LIMIT_REQUESTS", "2000"), ("PLAZA_LIMIT_DB_CONNECTIONS", "16")];
    let app = TestApp::with(&settings).await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    let guesses = (0..1000_u32).map(|n| format!("{:06}", n * 7)).filter(|guess| *guess != code);
    let answers = join_all(guesses.map(|guess| {
        let app = &app;
        async move { app.run(LOGIN, by_code("ada@example.com", &guess)).await }
    }))
    .await;
    assert!(answers.len() >= 999);
    for answer in answers {
        // A busy machine refuses some before they are a try at all.
        let refused = answer.body.get("errors").is_some();
        let code = if refused { answer.code() } else { codes(&answer.data()["login"])[0] };
        assert_eq!(code, if refused { "OVERLOADED" } else { "CODE_INVALID" }, "{}", answer.body);
    }
    assert_eq!(app.query_number("select tries::bigint from one_time_codes").await, 10);
    let late = app.payload(LOGIN, by_code("ada@example.com", &code)).await;
    assert_eq!(user_errors(&late), ["CODE_INVALID input.credential.emailCode.code"], "the right one comes too late");
    assert_eq!(app.query_number("select count(*) from users").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_code_counts_once() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    let tries = (0..40).map(|n| {
        let app = if n % 2 == 0 { &app } else { &other };
        app.payload(LOGIN, by_code("ada@example.com", &code))
    });
    let answers = join_all(tries).await;
    let signed_in = answers.iter().filter(|payload| codes(payload).is_empty()).count();
    assert_eq!(signed_in, 1);
    assert!(answers.iter().filter(|payload| !codes(payload).is_empty()).all(|p| codes(p) == ["CODE_INVALID"]));
    assert_eq!(app.query_number("select count(*) from users").await, 1);
    assert_eq!(app.query_number("select count(*) from sessions").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_is_registered_twice_at_once_is_one_account() {
    let app = TestApp::start().await;
    let login = app.receive_code("ada@example.com", "LOGIN", 1).await;
    app.advance_clock(MINUTE);
    let register = app.receive_code("ada@example.com", "REGISTER", 2).await;
    let input = json!({ "email": "ada@example.com", "emailCode": register, "password": "a long password" });
    let (signed_in, registered) = tokio::join!(
        app.payload(LOGIN, by_code("ada@example.com", &login)),
        app.payload(REGISTER, json!({ "input": input }))
    );
    assert_eq!(codes(&signed_in), Vec::<&str>::new(), "a code signs in, to an account of either origin");
    assert!(codes(&registered).is_empty() || codes(&registered) == ["EMAIL_TAKEN"], "{registered}");
    assert_eq!(app.query_number("select count(*) from users").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_for_its_contact_its_purpose_and_ten_minutes() {
    let app = TestApp::start().await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    assert_eq!(app.query_number("select count(*) from one_time_codes where octet_length(code_hash) = 32").await, 1);
    assert_eq!(codes(&app.payload(LOGIN, by_code("bo@example.com", &code)).await), ["CODE_INVALID"]);
    let input = json!({ "email": "ada@example.com", "emailCode": code, "password": "a long password" });
    assert_eq!(codes(&app.payload(REGISTER, json!({ "input": input })).await), ["CODE_INVALID"]);
    let reset = json!({ "contact": contact("ada@example.com"), "code": code, "newPassword": "a long password" });
    assert_eq!(codes(&app.payload(RESET, json!({ "input": reset })).await), ["CODE_INVALID"]);
    app.advance_clock(Duration::from_secs(599));
    let wrong = if code == "000000" { "000001" } else { "000000" };
    app.advance_clock(Duration::from_secs(2));
    assert_eq!(codes(&app.payload(LOGIN, by_code("ada@example.com", wrong)).await), ["CODE_INVALID"]);
    let late = app.payload(LOGIN, by_code("ada@example.com", &code)).await;
    assert_eq!(codes(&late), ["CODE_EXPIRED"], "only who knows it is told that it was right");
    // A new one takes the place of the old.
    let second = app.receive_code("ada@example.com", "LOGIN", 2).await;
    if second != code {
        assert_eq!(codes(&app.payload(LOGIN, by_code("ada@example.com", &code)).await), ["CODE_INVALID"]);
    }
    assert_eq!(codes(&app.payload(LOGIN, by_code("ada@example.com", &second)).await), Vec::<&str>::new());
    plaza::domains::accounts::service::codes::delete_expired_codes(&app.app).await.unwrap();
    app.advance_clock(Duration::from_mins(11));
    app.receive_code("bo@example.com", "LOGIN", 1).await;
    app.advance_clock(Duration::from_mins(11));
    assert_eq!(plaza::domains::accounts::service::codes::delete_expired_codes(&app.app).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_gets_one_code_a_minute_and_ten_a_day_from_all_instances() {
    let one = TestApp::start().await;
    let two = one.another_instance().await;
    let asks =
        (0..8).map(|n| if n % 2 == 0 { &one } else { &two }).map(|app| app.request_code("ada@example.com", "LOGIN"));
    let answers = join_all(asks).await;
    assert_eq!(answers.iter().filter(|payload| codes(payload).is_empty()).count(), 1);
    let refused = answers.iter().find(|payload| !codes(payload).is_empty()).unwrap();
    assert_eq!((codes(refused), &refused["ok"]), (vec!["RATE_LIMITED"], &json!(false)));
    let wait = refused["userErrors"][0]["retryAfterSeconds"].as_i64().unwrap();
    assert!((55..=61).contains(&wait), "{wait}");
    // Whatever the purpose; and who asks too soon does not have to wait the longer for it.
    let forgot = one.payload(FORGOT, json!({ "contact": contact("ada@example.com") })).await;
    assert_eq!(codes(&forgot), ["RATE_LIMITED"]);
    for n in 1..10 {
        one.advance_clock(MINUTE);
        two.advance_clock(MINUTE);
        let app = if n % 2 == 0 { &one } else { &two };
        assert_eq!(codes(&app.request_code("ada@example.com", "REGISTER").await), Vec::<&str>::new(), "code {n}");
    }
    one.advance_clock(MINUTE);
    let refused = one.request_code("ada@example.com", "LOGIN").await;
    assert_eq!(codes(&refused), ["RATE_LIMITED"]);
    assert!(refused["userErrors"][0]["retryAfterSeconds"].as_i64().unwrap() > 80_000);
    assert_eq!(codes(&one.request_code("bo@example.com", "LOGIN").await), Vec::<&str>::new(), "others get theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_reset_by_a_code() {
    let app = TestApp::start().await;
    let code = app.receive_code("13800138000", "REGISTER", 1).await;
    let input = json!({ "username": "ada", "phone": "13800138000", "phoneCode": code, "password": "a long password" });
    let ada = Person::new(app.address, &app.payload(REGISTER, json!({ "input": input })).await);
    app.advance_clock(MINUTE);
    let forgot = app.payload(FORGOT, json!({ "contact": contact("13800138000") })).await;
    assert_eq!(forgot, json!({ "ok": true, "userErrors": [] }));
    let code = app.wait_for_code("+8613800138000", 2).await;
    let input = |code: &str, password: &str| json!({ "input": { "contact": contact("13800138000"), "code": code, "newPassword": password } });
    assert_eq!(user_errors(&app.payload(RESET, input(&code, "password1")).await), ["WEAK_PASSWORD input.newPassword"]);
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(user_errors(&app.payload(RESET, input(wrong, "another password")).await), ["CODE_INVALID input.code"]);
    assert_eq!(app.payload(RESET, input(&code, "another password")).await, json!({ "ok": true, "userErrors": [] }));
    assert_eq!(codes(&app.payload(RESET, input(&code, "a third password")).await), ["CODE_INVALID"], "once");
    assert_eq!(ada.run(WHO, json!({})).await.status, 401, "all sessions are over");
    assert_eq!(codes(&app.payload(LOGIN, by_password("ada", "a long password")).await), ["INVALID_CREDENTIALS"]);
    assert_eq!(app.payload(LOGIN, by_password("ada", "another password")).await["user"]["username"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_reset_tells_nothing_of_an_account() {
    let app = TestApp::start().await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    app.payload(LOGIN, by_code("ada@example.com", &code)).await;
    app.advance_clock(MINUTE);
    let (known, unknown) = (contact("ada@example.com"), contact("nobody@example.com"));
    for contact in [known, unknown] {
        let answer = app.run(FORGOT, json!({ "contact": contact })).await;
        assert_eq!(answer.body, json!({ "data": { "requestPasswordReset": { "ok": true, "userErrors": [] } } }));
    }
    app.wait_for_code("ada@example.com", 2).await;
    crate::harness::until("the queue is empty", || async {
        app.query_number("select count(*) from outgoing_messages").await == 0
    })
    .await;
    assert!(app.outbox().iter().all(|message| message["to"] != "nobody@example.com"), "no mail to an unknown contact");
    assert_eq!(app.query_number("select count(*) from one_time_codes where purpose = 'RESET_PASSWORD'").await, 2);
    // Nor does trying a code, soon or late.
    for pass in [0, 700] {
        app.advance_clock(Duration::from_secs(pass));
        for contact in ["ada@example.com", "nobody@example.com", "never@example.com"] {
            let input = json!({ "contact": { "email": contact }, "code": "000000", "newPassword": "a long password" });
            let payload = app.payload(RESET, json!({ "input": input })).await;
            assert_eq!(user_errors(&payload), ["CODE_INVALID input.code"], "{contact}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_for_other_things_are_not_had_by_asking() {
    let app = TestApp::start().await;
    assert_eq!(
        user_errors(&app.request_code("ada@example.com", "RESET_PASSWORD").await),
        ["INVALID_INPUT input.purpose"]
    );
    assert_eq!(user_errors(&app.request_code("13800138000", "VERIFY_EMAIL").await), ["INVALID_INPUT input.purpose"]);
    let input = json!({ "contact": contact("ada@example.com"), "purpose": "VERIFY_EMAIL" });
    assert_eq!(app.run(REQUEST, json!({ "input": input })).await.code(), "UNAUTHENTICATED");
    let ada = app.as_user("ada").await;
    assert_eq!(user_errors(&ada.payload(REQUEST, json!({ "input": input })).await), ["INVALID_INPUT input.contact"]);
    assert!(app.outbox().is_empty());
    let none = json!({ "contact": { "email": "a@b.c", "phone": "13800138000" }, "purpose": "LOGIN" });
    assert_eq!(app.run(REQUEST, json!({ "input": none })).await.code(), "BAD_USER_INPUT", "one of the two");
}
