//! Event streams: graphql-sse's distinct connections, read byte by byte.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::engine::schema;
use crate::harness::http::{JSON, client, send};
use crate::harness::{Person, TestApp, WAIT_TIMEOUT, until};
use crate::live::RECEIVE;

/// An open stream.
struct Stream {
    response: reqwest::Response,
    text: String,
}

/// What one event says.
#[derive(Debug, Default, PartialEq)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

impl Stream {
    async fn open(app: &TestApp, person: Option<&Person>, headers: &[(&str, &str)], body: Value) -> Self {
        let mut request = client()
            .post(format!("http://{}/graphql", app.address))
            .header("accept", "text/event-stream")
            .timeout(Duration::from_hours(1))
            .json(&body);
        if let Some(person) = person {
            request = request.bearer_auth(&person.token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        let media_type = response.headers()["content-type"].to_str().unwrap();
        assert_eq!(media_type, "text/event-stream; charset=utf-8");
        Self { response, text: String::new() }
    }

    /// The next block of lines, or nothing at the stream's end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, _)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text.drain(..block.len() + 2);
                return Some(block);
            }
            let chunk =
                timeout(WAIT_TIMEOUT, self.response.chunk()).await.expect("it speaks in time").expect("it is whole")?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event, comments aside.
    async fn event(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            if block == ":" {
                continue;
            }
            let mut event = Event::default();
            for line in block.lines() {
                match line.split_once(':').unwrap_or_else(|| panic!("{line}")) {
                    ("event", name) => name.trim().clone_into(&mut event.name),
                    ("id", id) => event.id = Some(id.trim().to_owned()),
                    ("data", "") => {}
                    ("data", data) => event.data = serde_json::from_str(data).unwrap(),
                    other => panic!("{other:?}"),
                }
            }
            return Some(event);
        }
    }

    async fn message(&mut self) -> (i64, String) {
        let event = self.event().await.expect("an event");
        assert_eq!((event.name.as_str(), event.data.get("errors")), ("next", None), "{event:?}");
        let seq = event.data["data"]["messageReceived"]["message"]["seq"].as_i64().unwrap();
        (seq, event.id.expect("an id"))
    }

    /// The stream's end, with a farewell and without.
    async fn ends(&mut self, farewell: bool) {
        if farewell {
            assert_eq!(self.event().await.map(|event| event.name), Some("complete".into()));
        }
        assert_eq!(self.event().await, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resumes_by_its_last_event_id() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let body = json!({ "query": RECEIVE, "variables": { "after": bo.event_cursor().await } });
    for n in 1..=3 {
        ada.send_message(&bo, &format!("message {n}")).await;
    }
    let mut stream = Stream::open(&app, Some(&bo), &[], body.clone()).await;
    assert_eq!(stream.block().await.as_deref(), Some(":"), "something comes at once");
    let first = stream.message().await;
    let second = stream.message().await;
    assert_eq!((first.0, second.0), (1, 2));
    drop(stream);
    // The same document and variables, and the id: it goes on behind that, here and on another instance.
    let other = app.another_instance().await;
    for instance in [&app, &other] {
        let mut stream = Stream::open(instance, Some(&bo), &[("last-event-id", &second.1)], body.clone()).await;
        assert_eq!(stream.message().await.0, 3);
    }
    let mut stream = Stream::open(&app, Some(&bo), &[("last-event-id", &second.1)], body).await;
    assert_eq!(stream.message().await.0, 3);
    ada.send_message(&bo, "message 4").await;
    assert_eq!(stream.message().await.0, 4);
    drop(stream);
    until("the hub has forgotten them", || async { app.live.hub.subscriptions() == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_events_can_be_resumed() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let body = json!({ "query": "subscription { events { cursor payload { __typename } } }" });
    let mut stream = Stream::open(&app, Some(&bo), &[], body.clone()).await;
    until("it is live", || async { app.live.hub.live() == 1 }).await;
    let message = ada.send_message(&bo, "teh").await;
    let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"the\") { userErrors { code } } }";
    ada.data(edit, json!({ "id": message["id"] })).await;
    let created = stream.event().await.unwrap();
    assert_eq!(created.data["data"]["events"]["payload"]["__typename"], "MessageCreated");
    assert_eq!(created.id.as_deref(), created.data["data"]["events"]["cursor"].as_str(), "the id is the cursor");
    let mut resumed = Stream::open(&app, Some(&bo), &[("last-event-id", &created.id.unwrap())], body).await;
    let edited = resumed.event().await.unwrap();
    assert_eq!(edited.data["data"]["events"]["payload"]["__typename"], "MessageUpdated");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_says_so() {
    let app = TestApp::with_engine(schema().0, &[]).await;
    let open = async |document: &str| Stream::open(&app, None, &[], json!({ "query": document })).await;
    let mut query = open("{ echo(number: 1) }").await;
    assert_eq!(query.event().await.unwrap().data, json!({ "data": { "echo": "1" } }));
    query.ends(true).await;
    let mut mutation = open("mutation { panic }").await;
    assert_eq!(mutation.event().await.unwrap().data["errors"][0]["extensions"]["code"], "INTERNAL");
    mutation.ends(true).await;
    let mut count = open("subscription { count(to: 2) }").await;
    for n in 1..=2 {
        assert_eq!(count.event().await.unwrap().data, json!({ "data": { "count": n } }));
    }
    count.ends(true).await;
    // Refused: one result of errors, without data.
    for (document, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { panic(a: 1) }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription ($n: Int!) { count(to: $n) }", "BAD_USER_INPUT"),
        (&"{a".repeat(70), "QUERY_TOO_EXPENSIVE"),
    ] {
        let mut stream = open(document).await;
        let event = stream.event().await.unwrap();
        assert_eq!((event.name.as_str(), event.data.get("data")), ("next", None), "{document}");
        assert_eq!(event.data["errors"][0]["extensions"]["code"], code, "{document}");
        stream.ends(true).await;
    }
    let mut panics = open("subscription { panic }").await;
    assert_eq!(panics.event().await.unwrap().data, json!({ "data": { "panic": 0 } }));
    assert_eq!(panics.event().await.unwrap().data["errors"][0]["extensions"]["code"], "INTERNAL");
    panics.ends(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_or_asks_wrongly_is_told() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let receive = json!({ "query": RECEIVE });
    let mut anonymous = Stream::open(&app, None, &[], receive.clone()).await;
    assert_eq!(anonymous.event().await.unwrap().data["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    anonymous.ends(true).await;
    let head = app.app.events.head();
    let ahead = plaza::events::StreamCursor { position: 1_000_000, ..head }.encode();
    for (id, code) in [("nonsense", "BAD_USER_INPUT"), (ahead.as_str(), "CURSOR_EXPIRED")] {
        let mut stream = Stream::open(&app, Some(&ada), &[("last-event-id", id)], receive.clone()).await;
        assert_eq!(stream.event().await.unwrap().data["errors"][0]["extensions"]["code"], code);
        stream.ends(true).await;
    }
    let stream = ("accept", "text/event-stream");
    for (headers, body, status, code) in [
        (
            vec![JSON, stream, ("authorization", "Bearer x")],
            "{\"query\":\"subscription{events{cursor}}\"}",
            401,
            "UNAUTHENTICATED",
        ),
        (vec![JSON, stream], "{}", 400, "BAD_USER_INPUT"),
        (vec![stream], "{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        let reply = send(app.address, Method::POST, "/graphql", &headers, body).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{}", reply.text);
    }
    // A subscription may come by GET, as a browser's EventSource sends it; a mutation may not.
    let path = "/graphql?query=mutation%7Blogout%7Bok%7D%7D";
    let reply = send(app.address, Method::GET, path, &[stream], "").await;
    assert_eq!((reply.status, reply.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    let path = format!("http://{}/graphql?query=subscription%7Bevents%7Bcursor%7D%7D", app.address);
    let request = client().get(path).header("accept", "text/event-stream").bearer_auth(&ada.token);
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
}

/// Like a socket, a stream ends with its session, its token and the process: without a farewell, so that the client
/// comes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_session_its_token_and_the_process() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let viewer = app.app.authenticate(&bo.token).unwrap();
    let (now, lifetime) = (app.app.clock.now(), chrono::TimeDelta::seconds(2));
    let (token, _) = app.app.tokens.issue_for(viewer.user_id, viewer.session_id, now, lifetime).unwrap();
    let short = Person { token, ..bo };
    let start = Instant::now();
    let receive = json!({ "query": RECEIVE });
    let mut streams = Vec::new();
    for person in [&ada, &short, &lan] {
        streams.push(Stream::open(&app, Some(person), &[], receive.clone()).await);
    }
    ada.data("mutation { logout { ok } }", json!({})).await;
    streams[0].ends(false).await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    streams[1].ends(false).await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    app.app.draining.cancel();
    streams[2].ends(false).await;
    until("nothing runs", || async { app.app.tracker.is_empty() }).await;
}

/// A comment comes in each silence, and a client that has gone is noticed.
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_broken_by_comments() {
    let app = TestApp::with_engine(schema().0, &[]).await;
    let mut stream = Stream::open(&app, None, &[], json!({ "query": "subscription { silence }" })).await;
    assert_eq!(stream.block().await.as_deref(), Some(":"));
    let start = Instant::now();
    assert_eq!(stream.block().await.as_deref(), Some(":"));
    assert!(start.elapsed() > Duration::from_secs(10), "{:?}", start.elapsed());
    let metrics = send(app.address, Method::GET, "/metrics", &[], "").await.text;
    assert!(metrics.contains("\nplaza_event_streams 1\n"), "{metrics}");
    drop(stream);
    until("it is gone", || async { app.app.tracker.is_empty() }).await;
}

/// More streams than allowed are refused, and one that is not read is cut.
#[tokio::test(flavor = "multi_thread")]
async fn streams_are_bounded_in_number_and_patience() {
    let app = TestApp::with_engine(schema().0, &[("PLAZA_LIMIT_SOCKETS", "1")]).await;
    let start = Instant::now();
    let stuck = Stream::open(&app, None, &[], json!({ "query": "subscription { torrent }" })).await;
    let headers = [JSON, ("accept", "text/event-stream")];
    let reply = send(app.address, Method::POST, "/graphql", &headers, r#"{"query":"{ echo(number: 1) }"}"#).await;
    assert_eq!((reply.status, reply.code().as_str()), (503, "OVERLOADED"));
    until("it is cut", || async { app.app.tracker.is_empty() }).await;
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(10) && took < Duration::from_secs(15), "{took:?}");
    drop(stuck);
}
