//! GraphQL over HTTP: methods, media types, statuses, origins, and the pages beside it. npm's audits run in `clients`.

use std::time::Instant;

use axum::http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::TestApp;
use crate::harness::engine::schema;
use crate::harness::http::{JSON, Reply, send};

async fn post(app: &TestApp, headers: &[(&str, &str)], body: &str) -> Reply {
    send(app.address, Method::POST, "/graphql", headers, body.to_owned()).await
}

async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Reply {
    send(app.address, Method::GET, path, headers, "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_with_a_code() {
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, u16, &'a str);
    let app = TestApp::start().await;
    let huge = json!({ "query": format!("{{ __typename }} # {}", "x".repeat(70_000)) }).to_string();
    let two = json!({ "query": "query A { __typename } query B { __typename }" }).to_string();
    let other = json!({ "query": "query A { __typename }", "operationName": "B" }).to_string();
    let batch = json!(vec![json!({ "query": "{ __typename }" }); 10]).to_string();
    let latin = ("content-type", "application/json; charset=iso-8859-1");
    let expired = ("authorization", "Bearer nonsense");
    let cases: [Case<'_>; 19] = [
        (&[("content-type", "text/plain")], "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[("content-type", "application/x-www-form-urlencoded")], "query={a}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[latin], "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[], "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[JSON], "{", 400, "BAD_USER_INPUT"),
        (&[JSON], "", 400, "BAD_USER_INPUT"),
        (&[JSON], "null", 400, "BAD_USER_INPUT"),
        (&[JSON], &batch, 400, "BAD_USER_INPUT"),
        (&[JSON], r#"{"variables": {}}"#, 400, "BAD_USER_INPUT"),
        (&[JSON], r#"{"query": 1}"#, 400, "BAD_USER_INPUT"),
        (&[JSON], r#"{"query": "{ __typename }", "extensions": []}"#, 400, "BAD_USER_INPUT"),
        (&[JSON], r#"{"query": "{ __typename }", "variables": []}"#, 400, "BAD_USER_INPUT"),
        (&[JSON], r#"{"query": "{ __typename }", "operationName": {}}"#, 400, "BAD_USER_INPUT"),
        (&[JSON], &huge, 413, "PAYLOAD_TOO_LARGE"),
        (&[JSON, ("accept", "image/png")], "{}", 406, "NOT_ACCEPTABLE"),
        (&[JSON, expired], r#"{"query": "{ viewer { eventCursor } }"}"#, 401, "UNAUTHENTICATED"),
        (&[JSON], r#"{"query": "{"}"#, 200, "GRAPHQL_PARSE_FAILED"),
        (&[JSON], &two, 200, "OPERATION_RESOLUTION_FAILURE"),
        (&[JSON], &other, 200, "OPERATION_RESOLUTION_FAILURE"),
    ];
    for (headers, body, status, code) in cases {
        let reply = post(&app, headers, body).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{body}: {}", reply.text);
        assert_eq!(reply.json().get("data"), None, "a request error has no data");
        assert!(
            !reply.text.contains("Error {") && !reply.text.contains("line 1"),
            "no text of a library: {}",
            reply.text
        );
        assert_eq!(reply.header("x-trace-id").len(), 16);
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let reply = send(app.address, method, "/graphql", &[], "").await;
        assert_eq!((reply.status, reply.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
        assert_eq!(reply.header("allow"), "GET, POST");
    }
}

/// A validation error and a variable that does not fit, for each media type: request errors, without data.
#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_as_the_media_type_has_it() {
    let app = TestApp::start().await;
    let invalid = json!({ "query": "{ nothing }" });
    let unfit = json!({ "query": "query ($id: ID!) { node(id: $id) { id } }", "variables": { "id": true } });
    let missing = json!({ "query": "query ($id: ID!) { node(id: $id) { id } }" });
    let range = json!({ "query": "query ($n: Int!) { userByAccountNumber(accountNumber: $n) { id } }",
        "variables": { "n": 4_000_000_000_u64 } });
    let literal = json!({ "query": "{ userByAccountNumber(accountNumber: 4000000000) { id } }" });
    let field = json!({ "query": "{ conversation(id: \"x\") { id } }" });
    for (accept, media_type, refused) in [
        ("application/graphql-response+json", "application/graphql-response+json; charset=utf-8", 400),
        ("application/json", "application/json; charset=utf-8", 200),
        ("*/*", "application/json; charset=utf-8", 200),
    ] {
        for (body, code) in [
            (&invalid, "GRAPHQL_VALIDATION_FAILED"),
            (&unfit, "BAD_USER_INPUT"),
            (&missing, "BAD_USER_INPUT"),
            (&range, "BAD_USER_INPUT"),
            (&literal, "GRAPHQL_VALIDATION_FAILED"),
        ] {
            let reply = post(&app, &[JSON, ("accept", accept)], &body.to_string()).await;
            assert_eq!((reply.status, reply.code().as_str()), (refused, code), "{accept} {body}: {}", reply.text);
            assert_eq!((reply.json().get("data"), reply.header("content-type")), (None, media_type));
        }
        let reply = post(&app, &[JSON, ("accept", accept)], &field.to_string()).await;
        assert_eq!((reply.status, &reply.json()["data"]), (200, &json!({ "conversation": null })), "{}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn get_runs_queries_alone() {
    let app = TestApp::start().await;
    let two = "query%20A%7Ba:__typename%7Dquery%20B%7Bb:__typename%7D";
    for (query, expected) in [
        ("query=%7B__typename%7D".to_owned(), json!({ "__typename": "Query" })),
        ("query=%7B__typename%7D&variables=&operationName=&extensions=".to_owned(), json!({ "__typename": "Query" })),
        (format!("query={two}&operationName=B"), json!({ "b": "Query" })),
        (
            "query=query($n:Int!)%7BuserByAccountNumber(accountNumber:$n)%7Bid%7D%7D&variables=%7B%22n%22:1%7D"
                .to_owned(),
            json!({ "userByAccountNumber": null }),
        ),
    ] {
        let reply = get(&app, &format!("/graphql?{query}"), &[]).await;
        assert_eq!(reply.json(), json!({ "data": expected }), "{query}");
    }
    let reply = get(&app, "/graphql?query=mutation%7Blogout%7Bok%7D%7D", &[]).await;
    assert_eq!((reply.status, reply.code().as_str(), reply.header("allow")), (405, "METHOD_NOT_ALLOWED", "POST"));
    for query in ["nothing=1", "query=%7B__typename%7D&variables=%5B1", "query=%7B__typename%7D&variables=1", ""] {
        let reply = get(&app, &format!("/graphql?{query}"), &[]).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_USER_INPUT"), "{query}");
    }
    let reply = get(&app, "/graphql?query=subscription%7Bevents%7Bcursor%7D%7D", &[]).await;
    assert_eq!((reply.status, reply.code().as_str()), (406, "NOT_ACCEPTABLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_graphiql_but_not_in_production() {
    let app = TestApp::start().await;
    let html = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for path in ["/", "/graphql", "/graphql?query=%7B__typename%7D"] {
        let reply = get(&app, path, &html).await;
        assert!(reply.status == 200 && reply.header("content-type").starts_with("text/html"), "{path}");
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("http"), "{policy}");
    }
    for path in
        ["/graphiql/index.html", "/graphiql/nothing.js", "/graphiql/../Cargo.toml", "/graphiql/%2e%2e/index.html"]
    {
        assert_eq!(get(&app, path, &[]).await.status, 404, "{path}");
    }
    let production = TestApp::with(&[("PLAZA_PRODUCTION", "true")]).await;
    assert_eq!(get(&production, "/", &html).await.status, 404);
    let reply = get(&production, "/graphql?query=%7B__typename%7D", &html).await;
    assert_eq!(reply.json(), json!({ "data": { "__typename": "Query" } }));
    let introspection = production.run("{ __schema { types { name } } }", json!({})).await;
    assert_eq!(introspection.code(), "GRAPHQL_VALIDATION_FAILED", "{}", introspection.body);
    assert!(introspection.body.get("data").is_none(), "{}", introspection.body);
    let misspelt = production.run("{ viewr { user { id } } }", json!({})).await;
    assert!(!misspelt.body.to_string().contains("Did you mean"), "{}", misspelt.body);
}

/// Browsers ask before they send; only the sites that are allowed are told yes.
#[tokio::test(flavor = "multi_thread")]
async fn other_sites_need_permission() {
    let app = TestApp::with(&[("PLAZA_ALLOWED_ORIGINS", "https://shop.example, http://localhost:5173")]).await;
    let ask = [("access-control-request-method", "POST"), ("access-control-request-headers", "content-type")];
    for (origin, allowed) in [
        ("https://shop.example", "https://shop.example"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("https://evil.example", ""),
        ("null", ""),
    ] {
        let asked = [("origin", origin), ask[0], ask[1]];
        let reply = send(app.address, Method::OPTIONS, "/graphql", &asked, "").await;
        assert_eq!(reply.header("access-control-allow-origin"), allowed, "{origin}");
        let body = r#"{"query": "{ __typename }"}"#;
        let reply = post(&app, &[JSON, ("origin", origin)], body).await;
        assert_eq!(reply.header("access-control-allow-origin"), allowed, "{origin}");
        assert_eq!(reply.header("access-control-allow-credentials"), "");
    }
    let wrong = TestApp::start().await;
    let asked = [("origin", "https://shop.example"), ask[0], ask[1]];
    let reply = send(wrong.address, Method::OPTIONS, "/graphql", &asked, "").await;
    assert_eq!(reply.header("access-control-allow-origin"), "", "only configured origins are allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_caught_counted_and_masked() {
    let (engine, _) = schema();
    let app = TestApp::with_engine(engine, &[]).await;
    for document in ["{ panic }", "mutation { panic }"] {
        let answer = app.run(document, json!({})).await;
        assert_eq!((answer.status, answer.code()), (200, "INTERNAL"), "{}", answer.body);
        assert_eq!(answer.body["errors"][0]["message"], "Internal error.");
        assert!(answer.body["errors"][0]["extensions"]["traceId"].is_string());
    }
    assert_eq!(app.run("{ echo(number: 1) }", json!({})).await.data()["echo"], "1");
    let metrics = get(&app, "/metrics", &[]).await.text;
    for line in [
        "plaza_panics_total 2",
        "plaza_errors_total{code=\"INTERNAL\"} 2",
        "plaza_requests_total{transport=\"http\",kind=\"query\"} 2",
        "plaza_requests_total{transport=\"http\",kind=\"mutation\"} 1",
        "plaza_request_seconds_count{transport=\"http\",kind=\"query\"} 2",
        "plaza_http_requests_in_flight 0",
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_figures_are_there() {
    let app = TestApp::start().await;
    assert_eq!(get(&app, "/healthz", &[]).await.text, "ok\n");
    assert_eq!(get(&app, "/readyz", &[]).await.status, 200);
    let metrics = get(&app, "/metrics", &[]).await;
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text"));
    for name in [
        "event_feed_lag_seconds",
        "event_sequencer",
        "subscriptions",
        "queued_events",
        "queued_frames",
        "sockets",
        "event_streams",
        "stream_operations",
        "mutations",
        "db_connections",
        "db_connections_idle",
        "db_statements_total",
    ] {
        assert!(metrics.text.contains(&format!("\nplaza_{name} ")), "{name} is missing in {}", metrics.text);
    }
    app.app.draining.cancel();
    assert_eq!(get(&app, "/readyz", &[]).await.status, 503);
}

/// Figures are for programs of this machine and for requests with the token; readiness is looked up once in half a second at
/// most, and both are within the limit of requests.
#[tokio::test(flavor = "multi_thread")]
async fn figures_are_for_operators_and_readiness_is_remembered() {
    let token = "a token of the tests that is long enough";
    let from = ("x-client", "1.2.3.4");
    let proxied = ("PLAZA_TRUSTED_PROXY_HEADER", "X-Client");
    let limit = ("PLAZA_LIMIT_REQUESTS_PER_SECOND", "20");
    let app = TestApp::with(&[proxied, limit, ("PLAZA_METRICS_TOKEN", token)]).await;
    assert_eq!(get(&app, "/metrics", &[from]).await.status, 404);
    assert_eq!(get(&app, "/metrics", &[from, ("authorization", "Bearer another")]).await.status, 404);
    let bearer = format!("Bearer {token}");
    assert_eq!(get(&app, "/metrics", &[from, ("authorization", &*bearer)]).await.status, 200);
    let (headers, start) = ([from], Instant::now());
    let (replies, cost) =
        app.count_statements(futures_util::future::join_all((0..50).map(|_| get(&app, "/readyz", &headers)))).await;
    assert!(replies.iter().all(|reply| reply.status == 200));
    let halves = u64::try_from(start.elapsed().as_millis() / 500).unwrap();
    assert!(cost <= 1 + halves, "{cost} in {halves} half seconds");
    let replies = futures_util::future::join_all((0..200).map(|_| get(&app, "/readyz", &headers))).await;
    assert!(replies.iter().any(|reply| reply.status == 429));
    let closed = TestApp::with(&[proxied]).await;
    assert_eq!(get(&closed, "/metrics", &[from]).await.status, 404, "without a token they are sent to no client");
    // A proxy on this machine may have forgotten the client's address.
    assert_eq!(get(&closed, "/metrics", &[]).await.status, 404);
    let public = TestApp::with(&[("PLAZA_PUBLIC_URL", "https://plaza.example")]).await;
    assert_eq!(get(&public, "/metrics", &[]).await.status, 404);
    assert_eq!(get(&TestApp::start().await, "/metrics", &[]).await.status, 200);
}

/// A pool without a free connection gives a clear error in time, and the process goes on.
#[tokio::test(flavor = "multi_thread")]
async fn an_exhausted_pool_is_an_overload() {
    let app = TestApp::start().await;
    let (short, long) = ("{ userByAccountNumber(accountNumber: 1) { id } }", "{ items { totalCount } }");
    let mut held = Vec::new();
    // Of four connections one is shared by short reads.
    for _ in 0..3 {
        held.push(app.app.database.get().await.unwrap());
    }
    let start = std::time::Instant::now();
    let answer = app.run(long, json!({})).await;
    assert_eq!(answer.code(), "OVERLOADED");
    assert!(start.elapsed() < std::time::Duration::from_millis(2900), "after {:?}", start.elapsed());
    app.run(short, json!({})).await.data();
    assert_eq!(get(&app, "/healthz", &[]).await.status, 200);
    held.clear();
    for query in [long, short] {
        app.run(query, json!({})).await.data();
    }
}

/// Slow senders take no place from requests that have arrived.
#[tokio::test(flavor = "multi_thread")]
async fn slow_senders_shut_no_request_out() {
    let app = TestApp::with(&[("PLAZA_LIMIT_REQUESTS", "2")]).await;
    let mut slow = Vec::new();
    for _ in 0..10 {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    app.run("{ __typename }", json!({})).await.data();
    // Who asks before sending what is too large is told before sending.
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 999999\r\n\
        Expect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
}

/// More than may be answered at once are told so at once; health is answered all the same.
#[tokio::test(flavor = "multi_thread")]
async fn too_many_at_once_are_refused() {
    let (engine, gate) = schema();
    let app = TestApp::with_engine(engine, &[("PLAZA_LIMIT_REQUESTS", "2")]).await;
    let waiting = [(); 2].map(|()| {
        let address = app.address;
        tokio::spawn(async move { crate::harness::post(address, None, "mutation { wait }", json!({})).await })
    });
    crate::harness::until("both run", || async { app.app.tracker.len() == 2 }).await;
    let reply = post(&app, &[JSON], r#"{"query": "{ echo(number: 1) }"}"#).await;
    assert_eq!((reply.status, reply.code().as_str(), reply.header("retry-after")), (503, "OVERLOADED", "1"));
    assert_eq!(get(&app, "/healthz", &[]).await.status, 200);
    gate.add_permits(2);
    for answer in waiting {
        assert_eq!(answer.await.unwrap().data()["wait"], true);
    }
    assert_eq!(app.run("{ echo(number: 1) }", json!({})).await.data()["echo"], "1");
}

/// A HEAD is answered before any of its body is read: one that never ends holds nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_head_of_graphql_reads_no_body() {
    let app = TestApp::start().await;
    for media_type in ["application/json", "multipart/form-data; boundary=x"] {
        let head = format!(
            "HEAD /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n{{\"que\r\n"
        );
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        let read = stream.read_exact(&mut answer);
        tokio::time::timeout(std::time::Duration::from_secs(5), read).await.expect("it is answered").unwrap();
        assert_eq!(&answer, b"HTTP/1.1 405", "{media_type}");
    }
}
