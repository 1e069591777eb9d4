//! GraphQL over HTTP, and the pages beside it.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::TestApp;

struct Reply {
    status: u16,
    media_type: String,
    text: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    fn code(&self) -> String {
        self.json()["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

async fn send(app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut request = reqwest::Client::new().request(method, format!("http://{}{path}", app.address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.body(body.to_owned()).send().await.unwrap();
    let media_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    Reply {
        status: response.status().as_u16(),
        media_type: media_type.unwrap_or_default(),
        text: response.text().await.unwrap(),
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_with_a_code() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, u16, &'a str);
    let app = TestApp::start().await;
    let huge = json!({ "query": format!("{{ __typename }} # {}", "x".repeat(70_000)) }).to_string();
    let two = json!({ "query": "query A { __typename } query B { __typename }" }).to_string();
    let other = json!({ "query": "query A { __typename }", "operationName": "B" }).to_string();
    let cases: [Case<'_>; 9] = [
        (&[("content-type", "text/plain")], "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[], "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[JSON], "{", 400, "BAD_USER_INPUT"),
        (&[JSON], "[]", 200, "BAD_USER_INPUT"),
        (&[JSON], r#"{"variables": {}}"#, 200, "BAD_USER_INPUT"),
        (&[JSON], &huge, 413, "PAYLOAD_TOO_LARGE"),
        (&[JSON], r#"{"query": "{"}"#, 200, "GRAPHQL_PARSE_FAILED"),
        (&[JSON], &two, 200, "OPERATION_RESOLUTION_FAILURE"),
        (&[JSON], &other, 200, "OPERATION_RESOLUTION_FAILURE"),
    ];
    for (headers, body, status, code) in cases {
        let reply = send(&app, Method::POST, "/graphql", headers, body).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}", reply.text);
        assert_eq!(reply.json().get("data"), None, "a request error has no data");
        assert!(!reply.text.contains("Error {"), "no Debug text: {}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_comes_in_the_media_type_that_was_asked_for() {
    let app = TestApp::start().await;
    let invalid = json!({ "query": "{ nothing }" }).to_string();
    let accept = ("accept", "application/graphql-response+json");
    let reply = send(&app, Method::POST, "/graphql", &[JSON, accept], &invalid).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "GRAPHQL_VALIDATION_FAILED"));
    assert_eq!(reply.media_type, "application/graphql-response+json; charset=utf-8");
    let reply = send(&app, Method::POST, "/graphql", &[JSON, ("accept", "application/json")], &invalid).await;
    assert_eq!((reply.status, reply.media_type.as_str()), (200, "application/json; charset=utf-8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn get_runs_queries_alone() {
    let app = TestApp::start().await;
    let reply = send(&app, Method::GET, "/graphql?query=%7B__typename%7D", &[], "").await;
    assert_eq!(reply.json(), json!({ "data": { "__typename": "Query" } }));
    let reply = send(&app, Method::GET, "/graphql?query=mutation%7Blogout%7Bok%7D%7D", &[], "").await;
    assert_eq!((reply.status, reply.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    let reply = send(&app, Method::GET, "/graphql?nothing=1", &[], "").await;
    assert_eq!((reply.status, reply.code().as_str()), (200, "BAD_USER_INPUT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_graphiql_but_not_in_production() {
    let app = TestApp::start().await;
    let html = [("accept", "text/html,application/xhtml+xml")];
    for path in ["/", "/graphql"] {
        let reply = send(&app, Method::GET, path, &html, "").await;
        assert!(reply.status == 200 && reply.media_type.starts_with("text/html"), "{path}");
        assert!(reply.text.contains("GraphiQL") && reply.text.contains("/graphql/ws"), "{path}");
    }
    let production = TestApp::with(&[("PLAZA_PRODUCTION", "true")]).await;
    assert_eq!(send(&production, Method::GET, "/", &html, "").await.status, 404);
    let introspection = production.run("{ __schema { types { name } } }", json!({})).await;
    assert!(introspection.body["data"]["__schema"].is_null(), "{}", introspection.body);
    let misspelt = production.run("{ viewr { user { id } } }", json!({})).await;
    assert!(!misspelt.body.to_string().contains("Did you mean"), "{}", misspelt.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_figures_are_there() {
    let app = TestApp::start().await;
    assert_eq!(send(&app, Method::GET, "/healthz", &[], "").await.text, "ok\n");
    assert_eq!(send(&app, Method::GET, "/readyz", &[], "").await.status, 200);
    let metrics = send(&app, Method::GET, "/metrics", &[], "").await.text;
    for name in ["plaza_event_feed_lag_seconds", "plaza_event_sequencer", "plaza_subscriptions", "plaza_db_connections"]
    {
        assert!(metrics.contains(&format!("\n{name} ")), "{name} is missing in {metrics}");
    }
    app.app.draining.cancel();
    assert_eq!(send(&app, Method::GET, "/readyz", &[], "").await.status, 503);
}

/// A pool without a free connection gives a clear error in time, and the process goes on.
#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_is_an_overload() {
    let app = TestApp::start().await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(app.app.database.get().await.unwrap());
    }
    let start = std::time::Instant::now();
    let answer = app.run("{ userByAccountNumber(accountNumber: 1) { id } }", json!({})).await;
    assert_eq!(answer.code(), "OVERLOADED");
    assert!(start.elapsed() < std::time::Duration::from_millis(2900), "after {:?}", start.elapsed());
    assert_eq!(send(&app, Method::GET, "/healthz", &[], "").await.status, 200);
    held.clear();
    app.run("{ userByAccountNumber(accountNumber: 1) { id } }", json!({})).await.data();
}
