//! What one address may use up of what many share, and of what belongs to other users: codes, tries, SMS, look-ups.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::accounts::{LOGIN, REQUEST, UPDATE, by_code, by_password, codes, contact, user_errors};
use crate::harness::{Person, TestApp};

const MINUTE: Duration = Duration::from_secs(61);

const CLIENT: (&str, &str) = ("PLAZA_TRUSTED_PROXY_HEADER", "X-Client");

const FORGOT: &str =
    "mutation ($contact: ContactInput!) { requestPasswordReset(contact: $contact) { ok userErrors { code } } }";

async fn ask(app: &TestApp, from: &str, to: &str) -> String {
    let input = json!({ "contact": contact(to), "purpose": "LOGIN" });
    codes(&app.payload_from(from, REQUEST, json!({ "input": input })).await).join(" ")
}

async fn enter(app: &TestApp, from: &str, account: &str, password: &str) -> String {
    codes(&app.payload_from(from, LOGIN, by_password(account, password)).await).join(" ")
}

/// Thirty people behind one address each get a code in one minute, and there is a bound all the same.
#[tokio::test(flavor = "multi_thread")]
async fn people_behind_one_address_get_their_codes() {
    let settings = [CLIENT, ("PLAZA_LIMIT_CODES", "3")];
    let one = TestApp::with(&settings).await;
    let two = TestApp::on_database(one.url.clone(), &settings).await;
    for n in 0..30 {
        let app = if n % 2 == 0 { &one } else { &two };
        assert_eq!(ask(app, "1.1.1.1", &format!("a{n}@b.c")).await, "", "person {n}");
    }
    assert_eq!(ask(&two, "1.1.1.1", "d@e.f").await, "RATE_LIMITED");
    assert_eq!(ask(&two, "2.2.2.2", "d@e.f").await, "", "elsewhere there is none to wait for");
}

/// Of a contact's nine codes a day one address asks for three; of a contact's whose account is signed in from there
/// before, strangers use up none.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_use_up_the_codes_of_a_contact() {
    let app = TestApp::with(&[CLIENT, ("PLAZA_LIMIT_CODES", "9")]).await;
    for _ in 0..3 {
        assert_eq!(ask(&app, "9.9.9.9", "v@b.c").await, "");
        app.advance_clock(MINUTE);
    }
    let reset = json!({ "contact": contact("v@b.c") });
    assert_eq!(codes(&app.payload_from("9.9.9.9", FORGOT, reset).await), ["RATE_LIMITED"], "whatever the purpose");
    assert_eq!(ask(&app, "3.3.3.3", "v@b.c").await, "");
    // Its holder signs in, and three strangers ask for the rest of the day's.
    let code = app.wait_for_code("v@b.c", 4).await;
    assert_eq!(codes(&app.payload_from("3.3.3.3", LOGIN, by_code("v@b.c", &code)).await), [""; 0]);
    for n in 0..5 {
        app.advance_clock(MINUTE);
        assert_eq!(ask(&app, &format!("8.8.8.{}", n / 3), "v@b.c").await, "");
    }
    app.advance_clock(MINUTE);
    assert_eq!(ask(&app, "7.7.7.7", "v@b.c").await, "RATE_LIMITED", "the day's are used up");
    assert_eq!(ask(&app, "3.3.3.3", "v@b.c").await, "", "but not for where the account is signed in from");
}

/// A code that a stranger asks for does not replace the holder's.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_replace_a_code() {
    let app = TestApp::with(&[CLIENT]).await;
    assert_eq!(ask(&app, "1.1.1.1", "v@b.c").await, "");
    let first = app.wait_for_code("v@b.c", 1).await;
    assert_eq!(ask(&app, "9.9.9.9", "v@b.c").await, "", "in the same minute");
    let second = app.wait_for_code("v@b.c", 2).await;
    assert_eq!(
        codes(&app.payload_from("2.2.2.2", LOGIN, by_code("v@b.c", &first)).await),
        [""; 0],
        "wherever it is used"
    );
    assert_eq!(
        codes(&app.payload_from("2.2.2.2", LOGIN, by_code("v@b.c", &second)).await),
        ["CODE_INVALID"],
        "both are used up"
    );
}

/// One address has three tries at a code, and all strangers together ten: the network that asked for it still has its own.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_burn_a_code() {
    let app = TestApp::with(&[CLIENT]).await;
    assert_eq!(ask(&app, "1.1.1.1", "v@b.c").await, "");
    let code = app.wait_for_code("v@b.c", 1).await;
    let guess =
        async |from: &str, code: &str| codes(&app.payload_from(from, LOGIN, by_code("v@b.c", code)).await).join(" ");
    for from in ["9.9.9.1", "9.9.9.2", "9.9.9.3"] {
        for _ in 0..3 {
            assert_eq!(guess(from, "x").await, "CODE_INVALID");
        }
        assert_eq!(guess(from, &code).await, "RATE_LIMITED", "the right one as well");
    }
    assert_eq!(guess("9.9.9.4", "x").await, "CODE_INVALID");
    assert_eq!(guess("9.9.9.4", &code).await, "CODE_INVALID", "strangers have had ten");
    assert_eq!(guess("1.1.1.1", "x").await, "CODE_INVALID");
    assert_eq!(guess("1.1.1.1", &code).await, "");
}

/// After three wrong tries a new code can be tried at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_code_has_new_tries() {
    let app = TestApp::with(&[CLIENT]).await;
    let guess = async |code: &str| codes(&app.payload_from("1.1.1.1", LOGIN, by_code("v@b.c", code)).await).join(" ");
    assert_eq!(ask(&app, "1.1.1.1", "v@b.c").await, "");
    for expected in ["CODE_INVALID", "CODE_INVALID", "CODE_INVALID", "RATE_LIMITED"] {
        assert_eq!(guess("x").await, expected);
    }
    app.advance_clock(MINUTE);
    assert_eq!(ask(&app, "1.1.1.1", "v@b.c").await, "");
    assert_eq!(guess(&app.wait_for_code("v@b.c", 2).await).await, "");
}

/// Strangers who ask for codes to sign in use up none of those that verify a new contact.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_use_up_the_verifications_of_a_contact() {
    let app = TestApp::with(&[CLIENT, ("PLAZA_LIMIT_CODES", "3")]).await;
    let ada = app.as_user("ada").await;
    for n in 0..3 {
        assert_eq!(ask(&app, &format!("9.9.9.{n}"), "v@b.c").await, "");
    }
    assert_eq!(ask(&app, "9.9.9.9", "v@b.c").await, "RATE_LIMITED");
    let changed = ada.payload_from("1.1.1.1", UPDATE, json!({ "input": { "email": "v@b.c" } })).await;
    assert_eq!(codes(&changed), [""; 0]);
    app.wait_for_code("v@b.c", 4).await;
    // Several users may claim a contact, and the day's of it are bounded all the same.
    for n in 0..9 {
        let claimer = app.as_user(&format!("claimer{n}")).await;
        let from = format!("8.8.8.{n}");
        claimer.payload_from(&from, UPDATE, json!({ "input": { "email": "v@b.c" } })).await;
    }
    let asked = json!({ "input": { "contact": contact("v@b.c"), "purpose": "VERIFY_EMAIL" } });
    app.advance_clock(MINUTE);
    assert_eq!(codes(&ada.payload_from("1.1.1.1", REQUEST, asked).await), ["RATE_LIMITED"]);
}

/// What is answered to a wrong password does not tell that a number is an account's.
#[tokio::test(flavor = "multi_thread")]
async fn tries_do_not_tell_that_two_names_are_of_one_account() {
    let app = TestApp::with(&[CLIENT, ("PLAZA_LIMIT_LOGINS", "5")]).await;
    let code = app.receive_code("13800138000", "LOGIN", 1).await;
    let entered = app.payload(LOGIN, by_code("13800138000", &code)).await;
    let ada = Person::new(app.address, &entered);
    ada.payload(UPDATE, json!({ "input": { "username": "ada" } })).await;
    let first = "mutation { changePassword(input: { newPassword: \"a long password\" }) { userErrors { code } } }";
    assert_eq!(codes(&ada.payload(first, json!({})).await), [""; 0]);
    for expected in ["INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "CAPTCHA_INVALID"] {
        assert_eq!(enter(&app, "1.1.1.1", "ada", "wrong wrong").await, expected);
    }
    for _ in 0..3 {
        for account in ["13800138000", "13800138001"] {
            assert_eq!(enter(&app, "1.1.1.1", account, "wrong wrong").await, "INVALID_CREDENTIALS", "{account}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sms_are_bounded_in_all_and_by_address() {
    let app = TestApp::with(&[CLIENT, ("PLAZA_LIMIT_SMS", "20")]).await;
    let sms = async |n: usize| ask(&app, &format!("1.1.1.{}", n / 2), &format!("138001380{n:02}")).await;
    for n in 0..20 {
        assert_eq!(sms(n).await, "", "number {n}");
    }
    assert_eq!(ask(&app, "2.2.2.2", "13800138099").await, "RATE_LIMITED");
    assert_eq!(ask(&app, "2.2.2.2", "a@b.c").await, "", "mail goes on");
    app.advance_clock(Duration::from_mins(61));
    assert_eq!(ask(&app, "2.2.2.2", "13800138097").await, "");
    assert_eq!(ask(&app, "2.2.2.2", "13800138098").await, "");
    assert_eq!(ask(&app, "2.2.2.2", "13800138099").await, "RATE_LIMITED", "a tenth of them from one address");
}

/// By username and e-mail an account has as many tries as by one of them.
#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_an_account_share_its_tries() {
    let app = TestApp::with(&[CLIENT, ("PLAZA_LIMIT_LOGINS", "3")]).await;
    let ada = app.as_user("ada").await;
    ada.payload(UPDATE, json!({ "input": { "email": "ada@example.com" } })).await;
    let code = app.wait_for_code("ada@example.com", 1).await;
    let verify = "mutation ($c: ContactInput!, $code: String!) { verifyContact(contact: $c, code: $code) { userErrors { code } } }";
    ada.payload(verify, json!({ "c": contact("ada@example.com"), "code": code })).await;
    for account in ["ada", "ada@example.com", "ADA"] {
        assert_eq!(enter(&app, "1.1.1.1", account, "wrong wrong").await, "INVALID_CREDENTIALS");
    }
    // Not said to be too many: that would tell that the address is ada's.
    for account in ["ada", "ada@example.com"] {
        assert_eq!(enter(&app, "1.1.1.1", account, Person::PASSWORD).await, "INVALID_CREDENTIALS", "{account}");
    }
    assert_eq!(enter(&app, "2.2.2.2", "ada@example.com", Person::PASSWORD).await, "");
}

/// Strangers at many addresses use up the tries at an account, and its owner signs in all the same, from where they did.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_do_not_shut_an_owner_out() {
    let app = TestApp::with(&[CLIENT, ("PLAZA_LIMIT_LOGINS", "2")]).await;
    app.as_user("ada").await;
    assert_eq!(enter(&app, "1.1.1.1", "ada", Person::PASSWORD).await, "");
    for n in 0..20 {
        let code = enter(&app, &format!("9.9.9.{}", n / 2), "ada", "wrong wrong").await;
        assert_eq!(code, "INVALID_CREDENTIALS", "try {n}");
    }
    assert_eq!(enter(&app, "9.9.8.1", "ada", Person::PASSWORD).await, "RATE_LIMITED");
    assert_eq!(enter(&app, "1.1.1.1", "ada", Person::PASSWORD).await, "");
    // Their tries are bounded all the same.
    for expected in ["INVALID_CREDENTIALS", "INVALID_CREDENTIALS", "RATE_LIMITED"] {
        assert_eq!(enter(&app, "1.1.1.1", "ada", "wrong wrong").await, expected);
    }
}

/// Many accounts at one address find out no more numbers than three people would.
#[tokio::test(flavor = "multi_thread")]
async fn look_ups_of_contacts_are_bounded_by_address() {
    let app = TestApp::with(&[CLIENT]).await;
    let fields: Vec<String> =
        (0..20).map(|n| format!("f{n}: searchUsers(query: \"{n}@example.com\") {{ nodes {{ id }} }}")).collect();
    let twenty = format!("{{ {} }}", fields.join(" "));
    for n in 0..3 {
        let person = app.as_user(&format!("p{n}")).await;
        for _ in 0..5 {
            person.payload_from("1.1.1.1", &twenty, json!({})).await;
        }
    }
    let late = app.as_user("late").await;
    let one = "{ searchUsers(query: \"x@example.com\") { nodes { id } } }";
    let authorization = format!("Bearer {}", late.token);
    let body = json!({ "query": one }).to_string();
    let headers = [crate::harness::http::JSON, ("x-client", "1.1.1.1"), ("authorization", &*authorization)];
    let refused = crate::harness::http::send(app.address, axum::http::Method::POST, "/graphql", &headers, body).await;
    assert_eq!(refused.code(), "RATE_LIMITED", "{}", refused.text);
    assert_eq!(late.payload_from("2.2.2.2", one, json!({})).await["nodes"], json!([]));
}

/// Two contacts that are changed at once both get their code.
#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_at_once_both_get_a_code() {
    let app = TestApp::with(&[("PLAZA_LIMIT_CODES", "10")]).await;
    let ada = app.as_user("ada").await;
    let both = json!({ "email": "ada@example.com", "phone": "13800138000" });
    assert_eq!(user_errors(&ada.payload(UPDATE, json!({ "input": both })).await), [""; 0]);
    app.wait_for_code("ada@example.com", 1).await;
    app.wait_for_code("+8613800138000", 1).await;
    let input: Value =
        json!({ "username": "bo", "password": Person::PASSWORD, "email": "bo@example.com", "phone": "13800138001" });
    let registered = app.payload(crate::harness::accounts::REGISTER, json!({ "input": input })).await;
    assert_eq!(codes(&registered), [""; 0]);
    app.wait_for_code("bo@example.com", 1).await;
    app.wait_for_code("+8613800138001", 1).await;
}
