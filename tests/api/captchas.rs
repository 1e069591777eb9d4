//! Image captchas: when they are asked for, and that each is good once, for one thing.

use std::time::Duration;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::{LOGIN, REGISTER, REQUEST, codes, contact, user_errors};
use crate::harness::http::{JSON, send};
use crate::harness::{Answer, Person, TestApp};

const CREATE: &str = "mutation ($purpose: CodePurpose!) { createImageCaptcha(purpose: $purpose) {
    captcha { key image expiresAt } userErrors { code } } }";

/// A captcha whose answer is known: a test can't read the picture, so its hash is replaced.
async fn solved(app: &TestApp, purpose: &str) -> Value {
    let captcha = app.payload(CREATE, json!({ "purpose": purpose })).await["captcha"].clone();
    let key = captcha["key"].as_str().expect("a key");
    let (by, hash) = (app.app.keys.hash(&[key]), app.app.keys.hash(&[key, "ade46"]));
    let sql = "update image_captchas set answer_hash = $1 where key_hash = $2";
    assert_eq!(app.sql().await.execute(sql, &[&hash, &by]).await.unwrap(), 1, "nothing but hashes is stored");
    json!({ "key": key, "answer": " ADe46 " })
}

fn login(name: &str, password: &str, captcha: &Value) -> Value {
    json!({ "input": { "credential": { "password": { "account": name, "password": password, "captcha": captcha } } } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captcha_is_a_picture_for_five_minutes() {
    let app = TestApp::start().await;
    let before = app.app.clock.now();
    let captcha = app.payload(CREATE, json!({ "purpose": "LOGIN" })).await["captcha"].clone();
    let png = STANDARD.decode(captcha["image"].as_str().unwrap()).unwrap();
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!((&png[16..20], &png[20..24]), (&240_u32.to_be_bytes()[..], &100_u32.to_be_bytes()[..]));
    let ends: chrono::DateTime<chrono::Utc> = captcha["expiresAt"].as_str().unwrap().parse().unwrap();
    assert!((295..=301).contains(&(ends - before).num_seconds()));
    let other = app.payload(CREATE, json!({ "purpose": "LOGIN" })).await["captcha"].clone();
    assert_ne!((&captcha["key"], &captcha["image"]), (&other["key"], &other["image"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_settings_want_one_it_is_asked_for() {
    let app = TestApp::with(&[("PLAZA_REQUIRE_CAPTCHA", "true")]).await;
    let register =
        |captcha: Value| json!({ "input": { "username": "ada", "password": Person::PASSWORD, "captcha": captcha } });
    assert_eq!(user_errors(&app.payload(REGISTER, register(Value::Null)).await), ["CAPTCHA_INVALID input.captcha"]);
    assert_eq!(codes(&app.payload(REGISTER, register(solved(&app, "LOGIN").await)).await), ["CAPTCHA_INVALID"]);
    let captcha = solved(&app, "REGISTER").await;
    assert_eq!(codes(&app.payload(REGISTER, register(captcha.clone())).await), Vec::<&str>::new());
    assert_eq!(codes(&app.payload(REGISTER, register(captcha)).await), ["CAPTCHA_INVALID"], "once");

    let missing = app.payload(LOGIN, login("ada", Person::PASSWORD, &Value::Null)).await;
    assert_eq!(user_errors(&missing), ["CAPTCHA_INVALID input.credential.password.captcha"]);
    let captcha = solved(&app, "LOGIN").await;
    let right = app.payload(LOGIN, login("ada", Person::PASSWORD, &captcha)).await;
    assert_eq!(right["user"]["username"], "ada");

    let code = |purpose: &str, captcha: Value| json!({ "input": { "contact": contact("a@b.c"), "purpose": purpose, "captcha": captcha } });
    assert_eq!(user_errors(&app.payload(REQUEST, code("LOGIN", Value::Null)).await), ["CAPTCHA_INVALID input.captcha"]);
    assert_eq!(codes(&app.payload(REQUEST, code("LOGIN", solved(&app, "REGISTER").await)).await), ["CAPTCHA_INVALID"]);
    assert_eq!(codes(&app.payload(REQUEST, code("LOGIN", solved(&app, "LOGIN").await)).await), Vec::<&str>::new());

    let forgot = "mutation ($captcha: ImageCaptchaAnswer) { requestPasswordReset(contact: { email: \"x@b.c\" }, captcha: $captcha) { ok userErrors { code field } } }";
    assert_eq!(user_errors(&app.payload(forgot, json!({})).await), ["CAPTCHA_INVALID captcha"]);
    let captcha = solved(&app, "RESET_PASSWORD").await;
    assert_eq!(app.payload(forgot, json!({ "captcha": captcha })).await["ok"], true);
    // A code is proof enough of a person.
    let code = app.wait_for_code("a@b.c", 1).await;
    let by_code = json!({ "input": { "credential": { "emailCode": { "email": "a@b.c", "code": code } } } });
    assert_eq!(codes(&app.payload(LOGIN, by_code).await), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_counts_once_whether_right_or_wrong_and_not_for_long() {
    let settings = [("PLAZA_REQUIRE_CAPTCHA", "true")];
    let app = TestApp::with(&settings).await;
    let other = TestApp::on_database(app.url.clone(), &settings).await;
    let captcha = solved(&app, "LOGIN").await;
    let wrong = json!({ "key": captcha["key"], "answer": "nnnnn" });
    assert_eq!(codes(&app.payload(LOGIN, login("ada", "a wrong one", &wrong)).await), ["CAPTCHA_INVALID"]);
    assert_eq!(codes(&app.payload(LOGIN, login("ada", "a wrong one", &captcha)).await), ["CAPTCHA_INVALID"]);
    let captcha = solved(&app, "LOGIN").await;
    for app in [&app, &other] {
        app.advance_clock(Duration::from_secs(301));
    }
    assert_eq!(codes(&app.payload(LOGIN, login("ada", "a wrong one", &captcha)).await), ["CAPTCHA_INVALID"]);
    // Of many at once, on two instances, one is let through to the password.
    let captcha = solved(&other, "LOGIN").await;
    let tries = (0..20).map(|n| if n % 2 == 0 { &app } else { &other });
    let answers = join_all(tries.map(|app| app.payload(LOGIN, login("ada", "a wrong one", &captcha)))).await;
    let through = answers.iter().filter(|payload| codes(payload) == ["INVALID_CREDENTIALS"]).count();
    let refused = answers.iter().filter(|payload| codes(payload) == ["CAPTCHA_INVALID"]).count();
    assert_eq!((through, refused), (1, 19), "{answers:?}");
    for nonsense in [json!({ "key": "", "answer": "" }), json!({ "key": "a\u{0}b", "answer": "a\u{0}" })] {
        assert_eq!(codes(&app.payload(LOGIN, login("ada", "a wrong one", &nonsense)).await), ["CAPTCHA_INVALID"]);
    }
}

async fn login_from(app: &TestApp, ip: &str, variables: Value) -> Value {
    let body = json!({ "query": LOGIN, "variables": variables }).to_string();
    let reply = send(app.address, Method::POST, "/graphql", &[JSON, ("x-client", ip)], body).await;
    Answer { status: reply.status, body: reply.json() }.data()["login"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_wrong_passwords_ask_for_one_on_all_instances() {
    let settings = [("PLAZA_TRUSTED_PROXY_HEADER", "X-Client")];
    let one = TestApp::with(&settings).await;
    let two = TestApp::on_database(one.url.clone(), &settings).await;
    one.as_user("ada").await;
    for name in ["ada", "nobody"] {
        for app in [&one, &two, &one] {
            let wrong = login_from(app, "1.1.1.1", login(name, "a wrong one", &Value::Null)).await;
            assert_eq!(codes(&wrong), ["INVALID_CREDENTIALS"]);
        }
        for app in [&one, &two] {
            let right = login_from(app, "1.1.1.1", login(name, Person::PASSWORD, &Value::Null)).await;
            assert_eq!(codes(&right), ["CAPTCHA_INVALID"], "{name}");
        }
    }
    // From elsewhere, and with a captcha, the right one is right.
    assert_eq!(
        codes(&login_from(&two, "2.2.2.2", login("ada", Person::PASSWORD, &Value::Null)).await),
        Vec::<&str>::new()
    );
    let captcha = solved(&one, "LOGIN").await;
    let right = login_from(&two, "1.1.1.1", login("ada", Person::PASSWORD, &captcha)).await;
    assert_eq!(right["user"]["username"], "ada");
    // What was refused for want of a captcha was no try.
    for _ in 0..12 {
        let refused = login_from(&one, "1.1.1.1", login("ada", Person::PASSWORD, &Value::Null)).await;
        assert_eq!(codes(&refused), ["CAPTCHA_INVALID"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_gets_so_many_and_no_more() {
    let settings = [("PLAZA_LIMIT_CAPTCHAS", "3")];
    let one = TestApp::with(&settings).await;
    let two = TestApp::on_database(one.url.clone(), &settings).await;
    let mut refused = 0;
    for n in 0..5 {
        let app = if n % 2 == 0 { &one } else { &two };
        let made = app.payload(CREATE, json!({ "purpose": "LOGIN" })).await;
        refused += usize::from(codes(&made) == ["RATE_LIMITED"] && made["captcha"] == Value::Null);
    }
    assert_eq!(refused, 2);
    one.advance_clock(Duration::from_mins(11));
    assert_eq!(codes(&one.payload(CREATE, json!({ "purpose": "LOGIN" })).await), Vec::<&str>::new());
}
