//! Contacts: a new one waits until it was proven, by code or by link.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::accounts::{LOGIN, REQUEST, UPDATE, by_code, by_password, codes, contact, user_errors};
use crate::harness::http::send;
use crate::harness::{Person, TestApp, until};

const VERIFY: &str = "mutation ($contact: ContactInput!, $code: String!) { verifyContact(contact: $contact, code: $code) {
    user { private { email emailVerified pendingEmail phone phoneVerified pendingPhone } } userErrors { code field } } }";

const LINK: &str = "mutation { sendEmailVerification { ok userErrors { code field } } }";

const OPEN: &str = "mutation ($token: String!) { verifyEmail(token: $token) {
    user { username private { email } } userErrors { code field } } }";

const MINUTE: Duration = Duration::from_secs(61);

async fn update(person: &Person, input: Value) -> Value {
    person.payload(UPDATE, json!({ "input": input })).await
}

async fn verify(person: &Person, to: &str, code: &str) -> Value {
    person.payload(VERIFY, json!({ "contact": contact(to), "code": code })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_contact_waits_for_its_code() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let changed = update(&ada, json!({ "email": "Ada@Example.com", "phone": "13800138000" })).await;
    let private = &changed["user"]["private"];
    assert_eq!((&private["email"], &private["pendingEmail"]), (&Value::Null, &json!("ada@example.com")));
    assert_eq!((&private["phone"], &private["pendingPhone"]), (&Value::Null, &json!("+8613800138000")));
    let unproven = app.payload(LOGIN, by_password("ada@example.com", Person::PASSWORD)).await;
    assert_eq!(codes(&unproven), ["INVALID_CREDENTIALS"]);

    let code = app.wait_for_code("ada@example.com", 1).await;
    let message = app.wait_for_mail("ada@example.com", 1).await;
    assert_eq!((&message["kind"], &message["code"]), (&json!("email"), &json!(code)));
    assert!(message["body"].as_str().unwrap().contains(&code) && message["subject"].as_str().unwrap().contains(&code));
    assert_eq!(app.wait_for_mail("+8613800138000", 1).await["kind"], "sms");
    // The first request is answered by the one that is on its way; the next has to wait.
    let input = json!({ "input": { "contact": contact("ada@example.com"), "purpose": "VERIFY_EMAIL" } });
    assert_eq!(codes(&ada.payload(REQUEST, input.clone()).await), Vec::<&str>::new());
    assert_eq!(codes(&ada.payload(REQUEST, input).await), ["RATE_LIMITED"]);

    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(user_errors(&verify(&ada, "ada@example.com", wrong).await), ["CODE_INVALID code"]);
    assert_eq!(user_errors(&verify(&ada, "bo@example.com", &code).await), ["INVALID_INPUT contact"]);
    let verified = verify(&ada, "ada@example.com", &code).await;
    let private = &verified["user"]["private"];
    assert_eq!(
        (&private["email"], &private["emailVerified"], &private["pendingEmail"]),
        (&json!("ada@example.com"), &json!(true), &Value::Null)
    );
    assert_eq!(
        user_errors(&verify(&ada, "ada@example.com", &code).await),
        ["INVALID_INPUT contact"],
        "it waits no more"
    );
    let signed_in = app.payload(LOGIN, by_password("ADA@example.com", Person::PASSWORD)).await;
    assert_eq!(signed_in["user"]["username"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_contact_holds_until_the_new_one_is_proven() {
    let app = TestApp::start().await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    let ada = Person::new(app.address, &app.payload(LOGIN, by_code("ada@example.com", &code)).await);
    update(&ada, json!({ "email": "new@example.com" })).await;
    let private = ada.private().await;
    assert_eq!((&private["email"], &private["pendingEmail"]), (&json!("ada@example.com"), &json!("new@example.com")));
    // Named again, the old one ends the change; a code that went out is of no use then.
    let code = app.wait_for_code("new@example.com", 1).await;
    update(&ada, json!({ "email": "ada@example.com" })).await;
    assert_eq!(ada.private().await["pendingEmail"], Value::Null);
    assert_eq!(user_errors(&verify(&ada, "new@example.com", &code).await), ["INVALID_INPUT contact"]);
    // Without a password it is the only way in.
    assert_eq!(user_errors(&update(&ada, json!({ "email": null })).await), ["INVALID_INPUT input.email"]);
    let change = "mutation { changePassword(input: { newPassword: \"a long password\" }) { tokens { accessToken refreshToken } user { id } userErrors { code } } }";
    let ada = Person::new(app.address, &ada.payload(change, json!({})).await);
    assert_eq!(codes(&update(&ada, json!({ "email": null })).await), Vec::<&str>::new());
    assert_eq!(ada.private().await["email"], Value::Null);
    // The old one is told.
    let told = app.wait_for_mail("ada@example.com", 2).await;
    assert!(told["code"].is_null() && told["body"].as_str().unwrap().contains("u10000000"), "{told}");
    // Free for others.
    app.advance_clock(MINUTE);
    let bo = app.as_user("bo").await;
    update(&bo, json!({ "email": "ada@example.com" })).await;
    let code = app.wait_for_code("ada@example.com", 3).await;
    assert_eq!(verify(&bo, "ada@example.com", &code).await["user"]["private"]["email"], "ada@example.com");
}

/// The link in the last mail to an address.
async fn link(app: &TestApp, to: &str, count: usize) -> String {
    let message = app.wait_for_mail(to, count).await;
    assert_eq!(message["code"], Value::Null);
    let body = message["body"].as_str().unwrap();
    let link = body.lines().find(|line| line.starts_with("http")).unwrap_or_else(|| panic!("no link in {body}"));
    let base = &app.app.config.public_url;
    link.strip_prefix(base.as_str()).unwrap_or_else(|| panic!("{link} is not {base}'s")).to_owned()
}

fn token(link: &str) -> &str {
    link.strip_prefix("/verify-email?token=").expect("a token")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailed_link_verifies_by_page_and_by_mutation() {
    let app = TestApp::with(&[("PLAZA_PUBLIC_URL", "https://plaza.example.com/community/")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    assert_eq!(user_errors(&ada.payload(LINK, json!({})).await), ["INVALID_INPUT "], "nothing is waiting");
    assert_eq!(app.run(LINK, json!({})).await.code(), "UNAUTHENTICATED");
    for (person, email) in [(&ada, "ada@example.com"), (&bo, "bo@example.com")] {
        update(person, json!({ "email": email })).await;
        app.wait_for_mail(email, 1).await;
        assert_eq!(person.payload(LINK, json!({})).await, json!({ "ok": true, "userErrors": [] }));
        assert_eq!(codes(&person.payload(LINK, json!({})).await), ["RATE_LIMITED"]);
        // Limits by address hold as well: with a public address no client is spared.
        app.advance_clock(MINUTE);
    }
    let by_page = link(&app, "ada@example.com", 2).await;
    // Opened by those who scan mail: it shows whose account it is, and proves nothing.
    for method in [Method::HEAD, Method::GET] {
        let page = send(app.address, method.clone(), &by_page, &[], "").await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-security-policy").contains("form-action 'self'"));
        let shown = page.text.contains("<form method=\"post\">") && page.text.contains("<b>ada</b>");
        assert!(method == Method::HEAD || shown, "{}", page.text);
        assert_eq!(ada.private().await["emailVerified"], false);
    }
    // Confirmed twice: it is as good the second time.
    for _ in 0..2 {
        let page = send(app.address, Method::POST, &by_page, &[], "").await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(
            page.text.contains("邮箱已验证") && page.text.contains("Your e-mail address is verified."),
            "{}",
            page.text
        );
        assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"));
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
    }
    assert_eq!(ada.private().await["emailVerified"], true);

    let by_mutation = link(&app, "bo@example.com", 2).await;
    let opened = app.payload(OPEN, json!({ "token": token(&by_mutation) })).await;
    assert_eq!(opened["user"], json!({ "username": "bo", "private": null }), "the token is no sign-in");
    assert_eq!(bo.private().await["email"], "bo@example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_for_its_account_its_address_and_a_day() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    update(&ada, json!({ "email": "ada@example.com" })).await;
    app.wait_for_mail("ada@example.com", 1).await;
    ada.payload(LINK, json!({})).await;
    let mailed = link(&app, "ada@example.com", 2).await;
    let good = token(&mailed).to_owned();
    let open = async |token: &str| user_errors(&app.payload(OPEN, json!({ "token": token })).await).join(", ");
    let page = async |token: &str| {
        send(app.address, Method::POST, &format!("/verify-email?token={token}"), &[], "").await.status
    };
    let middle = good.len() / 2;
    let swapped = if good.as_bytes()[middle] == b'A' { "B" } else { "A" };
    let changed = format!("{}{swapped}{}", &good[..middle], &good[middle + 1..]);
    for bad in ["", "x", "a.b.c", &changed, &ada.token] {
        assert_eq!(open(bad).await, "CODE_INVALID token", "{bad}");
        assert_eq!(page(bad).await, 400, "{bad}");
    }
    for query in ["", "?token=a&token=b", "?token=%ff"] {
        let page = send(app.address, Method::GET, &format!("/verify-email{query}"), &[], "").await;
        assert!(page.status == 400 && page.text.contains("This link is not valid."), "{query}: {}", page.text);
    }
    // A link is no access token either.
    let answer = Person { token: good.clone(), ..ada.clone() }.run("{ viewer { user { id } } }", json!({})).await;
    assert_eq!(answer.code(), "UNAUTHENTICATED");
    // Another user verified the address meanwhile.
    app.advance_clock(MINUTE);
    update(&bo, json!({ "email": "ada@example.com" })).await;
    let code = app.wait_for_code("ada@example.com", 3).await;
    assert_eq!(codes(&verify(&bo, "ada@example.com", &code).await), Vec::<&str>::new());
    assert_eq!(open(&good).await, "EMAIL_TAKEN input.email");
    assert_eq!(page(&good).await, 409);
    // The address was changed since.
    update(&ada, json!({ "email": "other@example.com" })).await;
    assert_eq!(open(&good).await, "CODE_EXPIRED token");
    assert_eq!(page(&good).await, 410);
    app.wait_for_mail("other@example.com", 1).await;
    ada.payload(LINK, json!({})).await;
    let late = link(&app, "other@example.com", 2).await;
    app.advance_clock(Duration::from_hours(24));
    assert_eq!(open(token(&late)).await, "CODE_EXPIRED token");
    assert_eq!(page(token(&late)).await, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_prove_one_address_at_once_one_gets_it() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let mut links = Vec::new();
    for person in [&ada, &bo] {
        update(person, json!({ "email": "wanted@example.com" })).await;
        app.advance_clock(MINUTE);
        person.payload(LINK, json!({})).await;
        app.advance_clock(MINUTE);
    }
    until("both got their link", || async {
        app.outbox().iter().filter(|message| message["code"] == Value::Null).count() == 2
    })
    .await;
    for message in app.outbox().iter().filter(|message| message["code"] == Value::Null) {
        let body = message["body"].as_str().unwrap();
        links.push(body.lines().find_map(|line| line.split_once("token=")).unwrap().1.to_owned());
    }
    let open = |token: &String| app.payload(OPEN, json!({ "token": token }));
    let (one, two) = tokio::join!(open(&links[0]), open(&links[1]));
    let won = [&one, &two].iter().filter(|payload| codes(payload).is_empty()).count();
    assert_eq!(won, 1, "{one} {two}");
    assert_eq!(app.query_number("select count(*) from users where email = 'wanted@example.com'").await, 1);
}

/// The thief of a session had set their own address, and has its link: a new password makes the link useless.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_forgets_what_waits() {
    let app = TestApp::start().await;
    let code = app.receive_code("ada@example.com", "LOGIN", 1).await;
    let ada = Person::new(app.address, &app.payload(LOGIN, by_code("ada@example.com", &code)).await);
    for (way, thief) in [("reset", "one@evil.example"), ("change", "two@evil.example")] {
        let thief_there = match way {
            "reset" => ada.clone(),
            _ => Person::new(app.address, &app.payload(LOGIN, by_password("ada@example.com", "a long password")).await),
        };
        update(&thief_there, json!({ "email": thief })).await;
        let code = app.wait_for_code(thief, 1).await;
        thief_there.payload(LINK, json!({})).await;
        let stolen = link(&app, thief, 2).await;
        app.advance_clock(MINUTE);
        if way == "reset" {
            let forgot =
                "mutation { requestPasswordReset(contact: { email: \"ada@example.com\" }) { ok userErrors { code } } }";
            app.payload(forgot, json!({})).await;
            let reset = "mutation ($c: String!) { resetPassword(input: { contact: { email: \"ada@example.com\" }, code: $c, newPassword: \"a long password\" }) { ok userErrors { code } } }";
            let code = app.wait_for_code("ada@example.com", 2).await;
            assert_eq!(app.payload(reset, json!({ "c": code })).await["ok"], true);
        } else {
            let change = "mutation { changePassword(input: { currentPassword: \"a long password\", newPassword: \"another password\" }) { userErrors { code } } }";
            assert_eq!(codes(&thief_there.payload(change, json!({})).await), Vec::<&str>::new());
            let input = json!({ "contact": contact(thief), "code": code });
            assert_eq!(thief_there.run(VERIFY, input).await.code(), "UNAUTHENTICATED", "its token is over as well");
        }
        let opened = app.payload(OPEN, json!({ "token": token(&stolen) })).await;
        assert_eq!(user_errors(&opened), ["CODE_EXPIRED token"], "{way}");
        assert_eq!(app.query_number("select count(*) from users where email = 'ada@example.com'").await, 1);
    }
}
