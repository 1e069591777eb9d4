//! Accounts: registering, signing in, staying signed in, signing out.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Answer, Person, TestApp, until};

const REGISTER: &str = "mutation ($input: RegisterInput!) { register(input: $input) {
    tokens { accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt needsPasswordUpdate }
    user { id accountNumber username nickname deleted role } userErrors { code message field } } }";

const LOGIN: &str = "mutation ($account: String!, $password: String!) {
    login(input: { credential: { password: { account: $account, password: $password } } }) {
        tokens { accessToken refreshToken } user { id username } userErrors { code message field } } }";

const REFRESH: &str = "mutation ($token: String!) { refreshSession(refreshToken: $token) {
    tokens { accessToken refreshToken } user { username } userErrors { code field } } }";

const WHO: &str = "{ viewer { user { username } } }";

async fn login(app: &TestApp, account: &str, password: &str) -> Value {
    app.run(LOGIN, json!({ "account": account, "password": password })).await.data()["login"].clone()
}

async fn refresh(app: &TestApp, token: &Value) -> Value {
    app.run(REFRESH, json!({ "token": token })).await.data()["refreshSession"].clone()
}

fn codes(payload: &Value) -> Vec<&str> {
    let errors = payload["userErrors"].as_array().expect("user errors");
    errors.iter().map(|error| error["code"].as_str().expect("a code")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_makes_an_account_and_signs_it_in() {
    let app = TestApp::start().await;
    let input = json!({ "username": "Ada.L", "password": "correct horse", "nickname": "Ada 女士" });
    let answer = app.run(REGISTER, json!({ "input": input })).await;
    insta::assert_json_snapshot!(answer.body, {
        ".data.register.tokens.accessToken" => "[token]",
        ".data.register.tokens.refreshToken" => "[token]",
        ".data.register.tokens.accessTokenExpiresAt" => "[time]",
        ".data.register.tokens.refreshTokenExpiresAt" => "[time]",
    });
    let token = answer.data()["register"]["tokens"]["accessToken"].as_str().unwrap();
    let person = Person::new(app.address, &answer.data()["register"]);
    assert_eq!(person.token, token);
    assert_eq!(person.data(WHO, json!({})).await["viewer"]["user"]["username"], "Ada.L");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_wrong_with_a_registration_is_told_at_once() {
    let app = TestApp::start().await;
    let input =
        json!({ "username": "no spaces please", "password": "short", "nickname": " ", "deviceName": "x".repeat(101) });
    let answer = app.run(REGISTER, json!({ "input": input })).await;
    insta::assert_json_snapshot!(answer.body);
    assert_eq!(app.query_number("select count(*) from users").await, 0);
    let answer = app.run(REGISTER, json!({ "input": { "password": "long enough" } })).await;
    assert_eq!(codes(&answer.data()["register"]), ["REQUIRED"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_username_is_taken_whatever_its_case() {
    let app = TestApp::start().await;
    app.as_user("ada").await;
    let input = json!({ "username": "ADA", "password": "correct horse" });
    let answer = app.run(REGISTER, json!({ "input": input })).await;
    assert_eq!(
        answer.data()["register"]["userErrors"],
        json!([{ "code": "USERNAME_TAKEN", "message": "This username is taken.", "field": ["input", "username"] }])
    );
    assert_eq!(answer.data()["register"]["tokens"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_a_username_one_gets_it() {
    let app = TestApp::start().await;
    let input = json!({ "input": { "username": "wanted", "password": "correct horse" } });
    let answers = join_all((0..8).map(|_| app.run(REGISTER, input.clone()))).await;
    let won = answers.iter().filter(|answer| answer.data()["register"]["user"] != Value::Null).count();
    assert_eq!(won, 1);
    assert_eq!(app.query_number("select count(*) from users").await, 1);
    assert_eq!(app.query_number("select count(*) from sessions").await, 1, "nothing is left of those who lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn account_numbers_start_at_ten_million() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let query = "query ($n: Int!) { userByAccountNumber(accountNumber: $n) { id } }";
    for (number, id) in [(10_000_000, json!({ "id": ada.id })), (10_000_001, json!({ "id": bo.id })), (7, Value::Null)]
    {
        assert_eq!(app.run(query, json!({ "n": number })).await.data()["userByAccountNumber"], id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_takes_the_right_password_and_any_case_of_the_name() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let payload = login(&app, "ADA", Person::PASSWORD).await;
    assert_eq!(payload["user"], json!({ "id": ada.id, "username": "ada" }));
    assert_ne!(payload["tokens"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_and_a_wrong_password_are_answered_alike() {
    let app = TestApp::start().await;
    app.as_user("ada").await;
    let (unknown, wrong) = (login(&app, "nobody", "whatever it is").await, login(&app, "ada", "whatever it is").await);
    assert_eq!(unknown, wrong);
    assert_eq!(codes(&wrong), ["INVALID_CREDENTIALS"]);

    // In time as well: both hash once. The medians of a few are close even on a busy machine; a skipped hash is not.
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..9 {
        for (index, account) in ["nobody", "ada"].into_iter().enumerate() {
            let start = Instant::now();
            login(&app, account, "whatever it is").await;
            times[index].push(start.elapsed());
        }
    }
    let [unknown, wrong] = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    });
    assert!((0.5..2.0).contains(&(unknown / wrong)), "unknown {unknown} s, wrong {wrong} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_exchanged_once() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let first = refresh(&app, &json!(ada.refresh)).await;
    assert_eq!(first["user"]["username"], "ada");
    let second = refresh(&app, &first["tokens"]["refreshToken"]).await;
    assert_eq!(codes(&second), Vec::<&str>::new());
    assert_ne!(first["tokens"]["refreshToken"], second["tokens"]["refreshToken"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_whose_answer_was_lost_gets_the_same_successor() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let token = json!(ada.refresh);
    let answers = join_all((0..6).map(|_| refresh(&app, &token))).await;
    app.advance_clock(Duration::from_secs(29));
    let late = refresh(&app, &token).await;
    for answer in &answers {
        assert_eq!(answer["tokens"]["refreshToken"], late["tokens"]["refreshToken"]);
    }
    assert_eq!(app.query_number("select count(*) from refresh_tokens").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_refresh_token_ends_the_session() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let first = refresh(&app, &json!(ada.refresh)).await;
    let second = refresh(&app, &first["tokens"]["refreshToken"]).await;
    // Within the 30 seconds, but the successor was used: the token was stolen.
    let reuse = refresh(&app, &json!(ada.refresh)).await;
    assert_eq!(reuse["userErrors"], json!([{ "code": "INVALID_CREDENTIALS", "field": ["refreshToken"] }]));
    assert_eq!(codes(&refresh(&app, &second["tokens"]["refreshToken"]).await), ["INVALID_CREDENTIALS"]);
    until("the access token has stopped", || async { ada.run(WHO, json!({})).await.status == 401 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchanged_refresh_token_after_thirty_seconds_ends_the_session() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let first = refresh(&app, &json!(ada.refresh)).await;
    app.advance_clock(Duration::from_secs(31));
    assert_eq!(codes(&refresh(&app, &json!(ada.refresh)).await), ["INVALID_CREDENTIALS"]);
    assert_eq!(codes(&refresh(&app, &first["tokens"]["refreshToken"]).await), ["INVALID_CREDENTIALS"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end_in_time() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    app.advance_clock(Duration::from_mins(13));
    assert_eq!(ada.run(WHO, json!({})).await.status, 200);
    app.advance_clock(Duration::from_mins(4));
    let answer = ada.run(WHO, json!({})).await;
    assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"));
    // A refresh prolongs the session; thirty days without one end it.
    let fresh = refresh(&app, &json!(ada.refresh)).await;
    app.advance_clock(Duration::from_hours(30 * 24));
    assert_eq!(codes(&refresh(&app, &fresh["tokens"]["refreshToken"]).await), ["INVALID_CREDENTIALS"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_stops_the_tokens_on_every_instance() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let ada = app.as_user("ada").await;
    assert_eq!(ada.on_instance(other.address).run(WHO, json!({})).await.status, 200);
    let data = ada.data("mutation { logout { ok userErrors { code } } }", json!({})).await;
    assert_eq!(data["logout"], json!({ "ok": true, "userErrors": [] }));
    assert_eq!(ada.run(WHO, json!({})).await.code(), "UNAUTHENTICATED");
    let start = Instant::now();
    until("the other instance knows", || async {
        ada.on_instance(other.address).run(WHO, json!({})).await.status == 401
    })
    .await;
    assert!(start.elapsed() < Duration::from_secs(2), "it took {:?}", start.elapsed());
    assert_eq!(codes(&refresh(&app, &json!(ada.refresh)).await), ["INVALID_CREDENTIALS"]);
    // An instance that starts later knows as well.
    let late = app.another_instance().await;
    assert_eq!(ada.on_instance(late.address).run(WHO, json!({})).await.status, 401);
}

const CHANGE: &str = "mutation ($input: ChangePasswordInput!) { changePassword(input: $input) {
    tokens { accessToken refreshToken } user { username } userErrors { code field } } }";

#[tokio::test(flavor = "multi_thread")]
async fn changing_the_password_ends_all_other_sessions() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let phone = Person::new(app.address, &login(&app, "ada", Person::PASSWORD).await);
    let input = json!({ "currentPassword": Person::PASSWORD, "newPassword": "another horse" });
    let changed = ada.data(CHANGE, json!({ "input": input })).await["changePassword"].clone();
    assert_eq!(codes(&changed), Vec::<&str>::new());
    until("the phone is signed out", || async { phone.run(WHO, json!({})).await.status == 401 }).await;
    assert_eq!(codes(&refresh(&app, &json!(phone.refresh)).await), ["INVALID_CREDENTIALS"]);
    assert_eq!(codes(&refresh(&app, &json!(ada.refresh)).await), ["INVALID_CREDENTIALS"], "only the new one is good");
    assert_eq!(codes(&refresh(&app, &changed["tokens"]["refreshToken"]).await), Vec::<&str>::new());
    assert_eq!(ada.run(WHO, json!({})).await.status, 401, "a copy of the request's own token is over");
    let fresh = Person { token: changed["tokens"]["accessToken"].as_str().unwrap().to_owned(), ..ada.clone() };
    assert_eq!(fresh.run(WHO, json!({})).await.status, 200);
    assert_eq!(codes(&login(&app, "ada", Person::PASSWORD).await), ["INVALID_CREDENTIALS"]);
    assert_eq!(login(&app, "ada", "another horse").await["user"]["username"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_only_by_who_knows_it() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let cases = [
        (json!({ "currentPassword": "a wrong one", "newPassword": "another horse" }), "INVALID_CREDENTIALS"),
        (json!({ "newPassword": "another horse" }), "INVALID_CREDENTIALS"),
        (json!({ "currentPassword": Person::PASSWORD, "newPassword": "short" }), "WEAK_PASSWORD"),
        (json!({ "currentPassword": Person::PASSWORD, "newPassword": "x".repeat(129) }), "WEAK_PASSWORD"),
    ];
    for (input, code) in cases {
        let payload = ada.data(CHANGE, json!({ "input": input })).await["changePassword"].clone();
        assert_eq!(codes(&payload), [code], "{input}");
    }
    assert_eq!(codes(&login(&app, "ada", Person::PASSWORD).await), Vec::<&str>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_simultaneous_password_changes_one_wins() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let change = |new: &'static str| {
        let input = json!({ "currentPassword": Person::PASSWORD, "newPassword": new });
        let ada = ada.clone();
        async move { ada.data(CHANGE, json!({ "input": input })).await["changePassword"].clone() }
    };
    let (one, two) = tokio::join!(change("first horse"), change("second horse"));
    let won = [&one, &two].iter().filter(|payload| codes(payload).is_empty()).count();
    assert_eq!(won, 1, "{one} {two}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_token_says_so() {
    let app = TestApp::start().await;
    assert_eq!(app.run(WHO, json!({})).await.data()["viewer"], Value::Null);
    for document in [
        "mutation { logout { ok } }",
        "mutation { changePassword(input: { newPassword: \"long enough\" }) { user { id } } }",
        "mutation { sendMessage(input: { to: { userId: \"VXNlcjox\" }, content: { text: { text: \"x\" } } }) { message { id } } }",
        "mutation { markConversationRead { conversation { id } } }",
        "mutation { markConversationDelivered(to: { userId: \"VXNlcjox\" }, upToSeq: 1) { conversation { id } } }",
        "{ conversation(id: \"Q29udmVyc2F0aW9uOjE\") { id } }",
        "{ conversationWith(userId: \"VXNlcjox\") { id } }",
        "{ message(id: \"TWVzc2FnZTox\") { id } }",
    ] {
        let answer = app.run(document, json!({})).await;
        assert_eq!(answer.code(), "UNAUTHENTICATED", "{document}");
        // The field is null, not the whole answer.
        assert!(answer.body["data"].is_object(), "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_tokens_are_refused_everywhere() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let (head, rest) = ada.token.split_once('.').unwrap();
    let (claims, _) = rest.split_once('.').unwrap();
    let none = "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0";
    for token in ["", "x", "a.b.c", &format!("{none}.{claims}."), &format!("{head}.{claims}.AAAA"), &ada.refresh] {
        let person = Person { token: token.to_owned(), ..ada.clone() };
        let answer: Answer = person.run(WHO, json!({})).await;
        assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"), "{token}");
        assert_eq!(answer.body.get("data"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_found_by_id_and_by_nothing_else() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let user = "query ($id: ID!) { user(id: $id) { username } }";
    assert_eq!(app.run(user, json!({ "id": ada.id })).await.data()["user"]["username"], "ada");
    assert_eq!(app.run(user, json!({ "id": plaza::ids::UserId(999).global() })).await.data()["user"], Value::Null);
    for id in [plaza::ids::MessageId(1).global().to_string(), "nonsense".into()] {
        let answer = app.run(user, json!({ "id": id })).await;
        assert_eq!((answer.code(), &answer.body["data"]["user"]), ("BAD_USER_INPUT", &Value::Null));
    }
    let nodes = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on User { username } } }";
    let ids = json!([ada.id, "nonsense", plaza::ids::UserId(999).global(), plaza::ids::MessageId(1).global()]);
    let answer = app.run(nodes, json!({ "ids": ids })).await;
    assert_eq!(
        answer.body["data"]["nodes"],
        json!([{ "__typename": "User", "id": ada.id, "username": "ada" }, null, null, null])
    );
    assert_eq!(answer.code(), "BAD_USER_INPUT");
    assert_eq!(answer.body["errors"][0]["path"], json!(["nodes", 1]));
    assert_eq!(answer.body["errors"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn hashing_is_bounded_and_other_queries_go_on() {
    let app = TestApp::with_default_password_cost().await;
    app.as_user("ada").await;
    let start = Instant::now();
    let logins = join_all((0..200).map(|_| app.run(LOGIN, json!({ "account": "ada", "password": "wrong one" }))));
    let queries = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..20 {
            let start = Instant::now();
            app.run(WHO, json!({})).await.data();
            slowest = slowest.max(start.elapsed());
        }
        slowest
    };
    let (answers, slowest) = tokio::join!(logins, queries);
    assert!(start.elapsed() < Duration::from_secs(15));
    assert!(slowest < Duration::from_secs(2), "a query took {slowest:?}");
    for answer in answers {
        let refused = answer.body.get("errors").is_some();
        let code = if refused { answer.code() } else { codes(&answer.data()["login"])[0] };
        assert!(["INVALID_CREDENTIALS", "OVERLOADED"].contains(&code), "{}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_the_database_can_t_hold_are_refused() {
    let app = TestApp::start().await;
    let input = json!({ "username": "ada", "password": "correct horse", "deviceName": "a\u{0}b" });
    let answer = app.run(REGISTER, json!({ "input": input })).await;
    assert_eq!(codes(&answer.data()["register"]), ["INVALID_INPUT"]);
    assert_eq!(codes(&login(&app, "a\u{0}", "x\u{0}").await), ["INVALID_INPUT"]);
    let input = json!({ "username": "ada", "password": "correct\u{0}horse" });
    assert_eq!(codes(&app.run(REGISTER, json!({ "input": input })).await.data()["register"]), Vec::<&str>::new());
    assert_eq!(login(&app, "ada", "correct\u{0}horse").await["user"]["username"], "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn usernames_that_look_alike_are_refused() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let input = json!({ "username": "ａｄａ", "password": "correct horse" });
    assert_eq!(codes(&app.run(REGISTER, json!({ "input": input })).await.data()["register"]), ["USERNAME_TAKEN"]);
    assert_eq!(login(&app, "ＡＤＡ", Person::PASSWORD).await["user"]["id"], ada.id);
}
