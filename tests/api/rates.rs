//! Rate limits: by address on each instance, and by account over all of them.

use std::time::Duration;

use axum::http::Method;
use chrono::TimeDelta;
use futures_util::future::join_all;
use plaza::rate_limit::{self, Bucket};
use serde_json::{Value, json};

use crate::harness::http::{JSON, Reply, send};
use crate::harness::{Answer, Person, Socket, TestApp};

const LOGIN: &str = "mutation ($name: String!, $password: String!) {
    login(input: { credential: { password: { account: $name, password: $password } } }) {
        user { username } userErrors { __typename code field ... on RateLimitedError { retryAfterSeconds } } } }";

async fn ask(app: &TestApp, address: &str) -> Reply {
    let headers = [JSON, ("x-client", address)];
    send(app.address, Method::POST, "/graphql", &headers, r#"{"query":"{ __typename }"}"#).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_asks_so_often_and_no_more() {
    let settings = [("PLAZA_LIMIT_REQUESTS_PER_SECOND", "1"), ("PLAZA_TRUSTED_PROXY_HEADER", "X-Client")];
    let app = TestApp::with(&settings).await;
    for n in 0..5 {
        assert_eq!(ask(&app, "6.6.6.6, 1.2.3.4").await.status, 200, "request {n} of a burst of five");
    }
    let refused = ask(&app, "1.2.3.4").await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "RATE_LIMITED"));
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
    // What stands before the proxy's own word is the client's, and changes nothing.
    assert_eq!(ask(&app, "7.7.7.7, 1.2.3.4").await.status, 429);
    assert_eq!(ask(&app, "1.2.3.5").await.status, 200);
    // A whole network of the newer kind is one.
    for n in 0..5 {
        assert_eq!(ask(&app, &format!("2001:db8::{n}")).await.status, 200);
    }
    assert_eq!(ask(&app, "2001:db8::ffff").await.status, 429);
    assert_eq!(send(app.address, Method::GET, "/healthz", &[], "").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_of_a_socket_count_as_well() {
    let app = TestApp::with(&[("PLAZA_LIMIT_REQUESTS_PER_SECOND", "1")]).await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        socket.subscribe("{ __typename }", json!({})).await;
        let message = socket.receive().await;
        if message["type"] == "next" {
            socket.receive().await;
        } else {
            codes.push(message["payload"][0]["extensions"]["code"].clone());
        }
    }
    assert_eq!(codes, ["RATE_LIMITED", "RATE_LIMITED"], "the socket's own request is the first of five");
}

/// Without the setting the header is not trusted: its sender only stops being taken for a program of this machine.
#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_header_is_no_disguise() {
    let app = TestApp::with(&[("PLAZA_LIMIT_REQUESTS_PER_SECOND", "1")]).await;
    for n in 0..6 {
        let headers = [JSON, ("x-forwarded-for", &*format!("1.2.3.{n}"))];
        let reply = send(app.address, Method::POST, "/graphql", &headers, r#"{"query":"{ __typename }"}"#).await;
        assert_eq!(reply.status, if n < 5 { 200 } else { 429 });
    }
    // And this machine's own programs are spared where no limit is set.
    let spared = TestApp::start().await;
    let many = join_all((0..1200).map(|_| spared.run("{ __typename }", json!({})))).await;
    assert!(many.iter().all(|answer| answer.status == 200));
}

async fn login(app: &TestApp, name: &str, password: &str, address: &str) -> Value {
    let body = json!({ "query": LOGIN, "variables": { "name": name, "password": password } }).to_string();
    let reply = send(app.address, Method::POST, "/graphql", &[JSON, ("x-client", address)], body).await;
    Answer { status: reply.status, body: reply.json() }.data()["login"].clone()
}

fn code(login: &Value) -> &str {
    login["userErrors"][0]["code"].as_str().unwrap_or("none")
}

/// Wrong passwords are counted over all instances, before they are compared, and for unknown accounts alike.
#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_counted_on_all_instances() {
    let settings = [("PLAZA_LIMIT_LOGINS", "3"), ("PLAZA_TRUSTED_PROXY_HEADER", "X-Client")];
    let one = TestApp::with(&settings).await;
    let two = TestApp::on_database(one.url.clone(), &settings).await;
    one.as_user("ada").await;
    for name in ["ada", "nobody"] {
        let tries =
            join_all((0..4).flat_map(|_| [&one, &two]).map(|app| login(app, name, "wrong wrong", "1.1.1.1"))).await;
        let count = |wanted: &str| tries.iter().filter(|login| code(login) == wanted).count();
        assert_eq!((count("INVALID_CREDENTIALS"), count("RATE_LIMITED")), (3, 5), "{name}: {tries:?}");
        let refused = tries.iter().find(|login| code(login) == "RATE_LIMITED").unwrap();
        let error = &refused["userErrors"][0];
        assert_eq!((&error["__typename"], &error["field"]), (&json!("RateLimitedError"), &Value::Null));
        let seconds = error["retryAfterSeconds"].as_i64().unwrap();
        assert!((890..=901).contains(&seconds), "{seconds}");
    }
    // The right password is of no use meanwhile from there, but from elsewhere it is.
    assert_eq!(code(&login(&two, "ada", Person::PASSWORD, "1.1.1.1").await), "RATE_LIMITED");
    assert_eq!(code(&login(&two, "Ada", Person::PASSWORD, "2.2.2.2").await), "none");
    for app in [&one, &two] {
        app.advance_clock(Duration::from_secs(15 * 60 + 1));
    }
    assert_eq!(code(&login(&one, "ada", Person::PASSWORD, "1.1.1.1").await), "none");
    // Right ones don't count.
    for _ in 0..5 {
        assert_eq!(code(&login(&one, "ada", Person::PASSWORD, "1.1.1.1").await), "none");
    }
    assert_eq!(
        one.query_number("select count(*) from rate_counts where used >= 3").await,
        4,
        "those of the unknown account"
    );
    assert!(
        plaza::rate_limit::delete_expired(&one.app.database, one.app.clock.now()).await.unwrap() > 0,
        "and go with the sweep"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn new_accounts_are_counted_by_address() {
    let settings = [("PLAZA_LIMIT_REGISTRATIONS", "2"), ("PLAZA_TRUSTED_PROXY_HEADER", "X-Client")];
    let one = TestApp::with(&settings).await;
    let two = TestApp::on_database(one.url.clone(), &settings).await;
    let register = async |app: &TestApp, name: &str, address: &str| {
        let query = "mutation ($name: String!) { register(input: { username: $name, password: \"correct horse\" }) {
            userErrors { code } } }";
        let body = json!({ "query": query, "variables": { "name": name } }).to_string();
        let reply = send(app.address, Method::POST, "/graphql", &[JSON, ("x-client", address)], body).await;
        code(&reply.json()["data"]["register"]).to_owned()
    };
    assert_eq!(register(&one, "bad name", "1.1.1.1").await, "INVALID_INPUT", "what is refused anyway does not count");
    assert_eq!(register(&one, "ada", "1.1.1.1").await, "none");
    assert_eq!(register(&two, "bo", "1.1.1.1").await, "none");
    assert_eq!(register(&one, "lan", "1.1.1.1").await, "RATE_LIMITED");
    assert_eq!(register(&two, "lan", "1.1.1.2").await, "none");
    assert_eq!(one.query_number("select count(*) from users").await, 3);
}

/// A flood at an account or contact from one address uses up only the tries of that address.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_from_one_address_locks_no_user_out() {
    let settings = [("PLAZA_TRUSTED_PROXY_HEADER", "X-Client"), ("PLAZA_LIMIT_LOGINS", "3")];
    let app = TestApp::with(&settings).await;
    app.as_user("ada").await;
    let flood = join_all((0..60).map(|_| login(&app, "ada", "wrong wrong", "9.9.9.9"))).await;
    assert_eq!(flood.iter().filter(|login| code(login) == "INVALID_CREDENTIALS").count(), 3);
    assert_eq!(
        app.query_number("select max(used)::bigint from rate_counts").await,
        3,
        "what is refused is not counted"
    );
    assert_eq!(code(&login(&app, "ada", Person::PASSWORD, "7.7.7.7").await), "none");

    let ask = async |query: Value, address: &str| {
        let reply =
            send(app.address, Method::POST, "/graphql", &[JSON, ("x-client", address)], query.to_string()).await;
        let data = Answer { status: reply.status, body: reply.json() }.data().clone();
        code(data.as_object().unwrap().values().next().unwrap()).to_owned()
    };
    let request = |to: &str| {
        let query = "mutation ($e: EmailAddress!) { requestVerificationCode(input: { contact: { email: $e }, purpose: LOGIN }) { userErrors { code } } }";
        json!({ "query": query, "variables": { "e": to } })
    };
    assert_eq!(ask(request("other@example.com"), "9.9.9.9").await, "none");
    let flooding = join_all((0..60).map(|_| ask(request("ada@example.com"), "9.9.9.9")));
    let (flooded, asked) = tokio::join!(flooding, ask(request("ada@example.com"), "7.7.7.7"));
    assert_eq!(flooded.iter().filter(|code| *code == "none").count(), 1, "{flooded:?}");
    assert_eq!(asked, "none", "their owner gets one in the same minute");

    // Nor does guessing use up one code after the other.
    let guess = |n: usize| {
        let query = "mutation ($c: String!) { login(input: { credential: { emailCode: { email: \"ada@example.com\", code: $c } } }) { user { id } userErrors { code } } }";
        json!({ "query": query, "variables": { "c": format!("x{n}") } })
    };
    let guesses = join_all((0..20).map(|n| ask(guess(n), "9.9.9.9"))).await;
    assert_eq!(guesses.iter().filter(|code| *code == "CODE_INVALID").count(), 3);
    let right = app.wait_for_code("ada@example.com", 2).await;
    let query = "mutation ($c: String!) { login(input: { credential: { emailCode: { email: \"ada@example.com\", code: $c } } }) { user { id } userErrors { code } } }";
    assert_eq!(ask(json!({ "query": query, "variables": { "c": right } }), "7.7.7.7").await, "none");
}

/// The current password is guessed no faster with a session, from any address.
#[tokio::test(flavor = "multi_thread")]
async fn the_current_password_is_guessed_so_often_and_no_more() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let change = "mutation ($p: String!) { changePassword(input: { currentPassword: $p, newPassword: \"another horse\" }) { userErrors { code } } }";
    let mut wrong = 0;
    for n in 0..12 {
        let payload = ada.data(change, json!({ "p": format!("guess {n}") })).await["changePassword"].clone();
        wrong += usize::from(code(&payload) == "INVALID_CREDENTIALS");
    }
    assert_eq!(wrong, 10);
    let payload = ada.data(change, json!({ "p": Person::PASSWORD })).await["changePassword"].clone();
    assert_eq!(code(&payload), "RATE_LIMITED");
    app.advance_clock(Duration::from_mins(12));
    let fresh = login(&app, "ada", Person::PASSWORD, "1.1.1.1").await;
    assert_eq!(code(&fresh), "none", "signing in is another matter");
}

/// Attempts that share some of their buckets, while these come and go: none waits for one that waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn attempts_that_share_buckets_do_not_deadlock() {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "20")]).await;
    let database = &app.app.database;
    let run = async |client: usize| {
        for round in 0..60 {
            let named =
                |what: &str, n: usize| Bucket::new(what, &(n % 3).to_string(), 1000, TimeDelta::milliseconds(40));
            let (one, other) = (named("name", client), named("address", client + round));
            let buckets = if round % 2 == 0 { vec![one, other, named("both", round)] } else { vec![other, one] };
            let conn = database.get().await.unwrap();
            let counted = match (client + round) % 8 {
                0 => rate_limit::clear(&conn, &buckets).await,
                1 => rate_limit::refund(&conn, &buckets).await,
                _ => rate_limit::consume(&conn, &buckets, app.app.clock.now()).await.map(drop),
            };
            drop(conn);
            counted.unwrap();
            if round % 10 == 0 {
                rate_limit::delete_expired(database, app.app.clock.now()).await.unwrap();
            }
        }
    };
    join_all((0..16).map(run)).await;
}
