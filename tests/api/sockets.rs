//! graphql-transport-ws in raw frames: every rule and close code, fairness, and the end of a socket.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::harness::engine::schema;
use crate::harness::{Person, Socket, TestApp, until};
use crate::live::RECEIVE;

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_s_rules_are_kept() {
    let app = TestApp::start().await;
    let connect = || Socket::connect(app.address, Some("graphql-transport-ws"));

    let mut socket = Socket::connect(app.address, None).await;
    assert_eq!(socket.wait_for_close().await.0, 4406);
    // Sockets are taken on both paths.
    let mut socket = Socket::connect_to(app.address, "/graphql", Some("graphql-transport-ws")).await;
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.receive().await["type"], "connection_ack");
    let mut socket = connect().await;
    socket.subscribe("{ __typename }", json!({})).await;
    assert_eq!(socket.wait_for_close().await, (4401, "Unauthorized".into()));
    // Before it is known who speaks, only pings are answered; what says nothing is let pass.
    let mut socket = connect().await;
    socket.send(json!({ "type": "pong" })).await;
    socket.send(json!({ "type": "complete", "id": "1" })).await;
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong" }));
    for frame in [Message::text("{"), Message::text("{\"type\":\"start\"}"), Message::binary(vec![1])] {
        let mut socket = connect().await;
        socket.send_frame(frame).await;
        assert_eq!(socket.wait_for_close().await.0, 4400);
    }
    let mut socket = connect().await;
    socket.send(json!({ "type": "connection_init", "payload": { "authorization": "Bearer nonsense" } })).await;
    assert_eq!(socket.wait_for_close().await, (4401, "token-invalid".into()));
    let mut socket = Socket::open(app.address, Value::Null).await;
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.wait_for_close().await.0, 4429);

    let ada = app.as_user("ada").await;
    let mut socket = ada.socket().await;
    let payload = json!({ "query": "subscription { events { cursor } }" });
    let subscribe = json!({ "type": "subscribe", "id": "same", "payload": payload });
    socket.send(subscribe.clone()).await;
    socket.send(subscribe).await;
    assert_eq!(socket.wait_for_close().await.0, 4409);

    // GraphiQL passes on its headers as they were typed.
    let mut socket = Socket::open(app.address, json!({ "Authorization": format!("bearer {}", ada.token) })).await;
    socket.send(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(socket.receive().await, json!({ "type": "pong", "payload": { "n": 1 } }));
    // A finished id is free again at once; a query on a socket answers and completes.
    for _ in 0..3 {
        let payload = json!({ "query": "{ viewer { user { username } } }" });
        socket.send(json!({ "type": "subscribe", "id": "again", "payload": payload })).await;
        assert_eq!(socket.next().await["viewer"]["user"]["username"], "ada");
        assert_eq!(socket.receive().await, json!({ "type": "complete", "id": "again" }));
    }
    // What was executed is a result, errors and all; only what was not is an error.
    let ids: Vec<&str> = vec![&ada.id; 101];
    socket.subscribe("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
    let message = socket.receive().await;
    assert_eq!((&message["type"], &message["payload"]["data"]), (&json!("next"), &Value::Null));
    assert_eq!(socket.receive().await["type"], "complete");
    // Completed by the client: nothing more comes, and the hub forgets it.
    let id = socket.subscribe_live(&app, RECEIVE, json!({})).await;
    socket.send(json!({ "type": "complete", "id": id })).await;
    until("the hub has forgotten it", || async { app.live.hub.subscriptions() == 0 }).await;
}

/// A socket without `connection_init` within eight seconds is closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_client_is_cut() {
    let app = TestApp::start().await;
    let start = Instant::now();
    let mut socket = Socket::connect(app.address, Some("graphql-transport-ws")).await;
    assert_eq!(socket.wait_for_close().await, (4408, "Connection initialisation timeout".into()));
    let took = start.elapsed();
    assert!(took > Duration::from_secs(7) && took < Duration::from_secs(10), "{took:?}");
}

/// A client that closes hears back that it was heard; frames that are none are told apart from a broken line.
#[tokio::test(flavor = "multi_thread")]
async fn a_close_is_answered() {
    let app = TestApp::start().await;
    for acknowledged in [false, true] {
        let mut socket = Socket::connect(app.address, Some("graphql-transport-ws")).await;
        if acknowledged {
            socket.send(json!({ "type": "connection_init" })).await;
            assert_eq!(socket.receive().await["type"], "connection_ack");
        }
        socket.send_frame(Message::Close(Some(CloseFrame { code: 1000.into(), reason: "bye".into() }))).await;
        assert_eq!(socket.wait_for_close().await.0, 1000);
    }
    let handshake = "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    // A text frame without the mask that a client's has to have.
    stream.write_all(&[handshake.as_bytes(), &[0x81, 0x02, b'h', b'i']].concat()).await.unwrap();
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    let frame = &heard[heard.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4..];
    assert_eq!((frame[0], &frame[2..4]), (0x88, &1002_u16.to_be_bytes()[..]), "{frame:?}");
}

/// No more operations and no larger messages than allowed.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_holds_so_many_operations_and_no_larger_message() {
    let app = TestApp::with_engine(schema().0, &[]).await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    for _ in 0..50 {
        socket.subscribe("subscription { silence }", json!({})).await;
    }
    let id = socket.subscribe("{ echo(number: 1) }", json!({})).await;
    let message = socket.receive().await;
    assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)));
    assert_eq!(message["payload"][0]["extensions"]["code"], "OVERLOADED");
    socket.send(json!({ "type": "complete", "id": "op-1" })).await;
    socket.subscribe("{ echo(number: 1) }", json!({})).await;
    assert_eq!(socket.next().await["echo"], "1");

    let mut socket = Socket::open(app.address, Value::Null).await;
    let text = "x".repeat(60 << 10);
    socket.subscribe("query ($text: String) { echo(text: $text) }", json!({ "text": text })).await;
    assert_eq!(socket.next().await["echo"], text);
    let mut socket = Socket::open(app.address, Value::Null).await;
    socket.send_frame(Message::text("x".repeat((64 << 10) + 1))).await;
    assert_eq!(socket.wait_for_close().await.0, 1009);
}

/// Request errors are `error` messages, on every kind of operation; the socket lives on.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_run_is_an_error_of_its_id() {
    let app = TestApp::with_engine(schema().0, &[]).await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    for (document, variables, code) in [
        ("{", json!({}), "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { count(to: 1) flood }", json!({}), "GRAPHQL_VALIDATION_FAILED"),
        ("query ($n: Int!) { echo(number: $n) }", json!({}), "BAD_USER_INPUT"),
        ("subscription ($n: Int!) { count(to: $n) }", json!({ "n": "x" }), "BAD_USER_INPUT"),
        ("query A { __typename } query B { __typename }", json!({}), "OPERATION_RESOLUTION_FAILURE"),
        ("", json!({}), "BAD_USER_INPUT"),
        (&"[".repeat(5000), json!({}), "QUERY_TOO_EXPENSIVE"),
    ] {
        let id = socket.subscribe(document, variables).await;
        let message = socket.receive().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{message}");
    }
    // A panic ends its own operation, and nothing else.
    for document in ["{ panic }", "mutation { panic }"] {
        socket.subscribe(document, json!({})).await;
        let message = socket.receive().await;
        assert!(message.to_string().contains("\"INTERNAL\""), "{message}");
        if message["type"] == "next" {
            assert_eq!(socket.receive().await["type"], "complete");
        }
    }
    socket.subscribe("subscription { panic }", json!({})).await;
    assert_eq!(socket.next().await["panic"], 0);
    let message = socket.receive().await;
    assert_eq!((&message["type"], &message["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("INTERNAL")));
    socket.subscribe("{ echo(number: 7) }", json!({})).await;
    assert_eq!(socket.next().await["echo"], "7");
}

/// A stream without end neither holds up the others of its socket, nor is it got rid of by anything but `complete`.
#[tokio::test(flavor = "multi_thread")]
async fn no_stream_starves_the_others() {
    let app = TestApp::with_engine(schema().0, &[]).await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    let flood = socket.subscribe("subscription { flood }", json!({})).await;
    for _ in 0..200 {
        socket.next().await;
    }
    let others = [
        socket.subscribe("subscription { count(to: 5) }", json!({})).await,
        socket.subscribe("{ echo(number: 1) }", json!({})).await,
    ];
    let mut left = others.len();
    let mut between = 0;
    while left > 0 {
        let message = socket.receive().await;
        between += u32::from(message["id"] == json!(flood));
        left -= usize::from(message["type"] == "complete");
    }
    assert!(between < 2000, "{between} frames of the flood went first");
    socket.send(json!({ "type": "complete", "id": flood })).await;
    socket.send(json!({ "type": "ping" })).await;
    while socket.receive().await["type"] != "pong" {}
    // The same id names something else at once; nothing of the flood comes under it.
    let payload = json!({ "query": "subscription { count(to: 3) }" });
    socket.send(json!({ "type": "subscribe", "id": flood, "payload": payload })).await;
    let mut heard = Vec::new();
    loop {
        let message = socket.receive().await;
        if message["type"] == "complete" {
            break;
        }
        heard.push(message["payload"]["data"].clone());
    }
    heard.retain(|data| data.get("count").is_some());
    assert_eq!(heard, [json!({ "count": 1 }), json!({ "count": 2 }), json!({ "count": 3 })]);
}

/// A client that reads nothing is disconnected, and delays no other.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_reading_is_cut() {
    let app = TestApp::with_engine(schema().0, &[]).await;
    let mut stuck = Socket::open(app.address, Value::Null).await;
    let start = Instant::now();
    stuck.subscribe("subscription { torrent }", json!({})).await;
    until("it is cut", || async { app.app.tracker.is_empty() }).await;
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(10) && took < Duration::from_secs(15), "{took:?}");
    drop(stuck);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_opens_no_socket() {
    let app = TestApp::with(&[("PLAZA_ALLOWED_ORIGINS", "https://shop.example")]).await;
    let own = format!("http://{}", app.address);
    for (origin, allowed) in [
        (Some("https://shop.example"), true),
        (Some(own.as_str()), true),
        (None, true),
        (Some("https://evil.example"), false),
        (Some("https://shop.example.evil.example"), false),
        (Some("null"), false),
    ] {
        for path in ["/graphql", "/graphql/ws"] {
            let mut request = format!("ws://{}{path}", app.address).into_client_request().unwrap();
            request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
            if let Some(origin) = origin {
                request.headers_mut().insert("origin", origin.parse().unwrap());
            }
            match tokio_tungstenite::connect_async(request).await {
                Ok(_) => assert!(allowed, "{origin:?} {path}"),
                Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                    assert_eq!((allowed, response.status().as_u16()), (false, 403), "{origin:?} {path}");
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_sockets_than_allowed_are_told_to_come_back() {
    let app = TestApp::with(&[("PLAZA_LIMIT_SOCKETS", "2")]).await;
    let held = [Socket::open(app.address, Value::Null).await, Socket::open(app.address, Value::Null).await];
    let mut third = Socket::connect(app.address, Some("graphql-transport-ws")).await;
    assert_eq!(third.wait_for_close().await, (1013, "overloaded".into()));
    drop(held);
    until("there is room", || async { app.app.tracker.is_empty() }).await;
    Socket::open(app.address, Value::Null).await;
}

/// A logout over the socket is answered before the socket closes, however soon that is.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_hears_its_own_answer() {
    let app = TestApp::start().await;
    let names = ["ada", "bo", "lan", "eve", "kim"];
    for person in join_all(names.map(|name| app.as_user(name))).await {
        let mut socket = person.socket().await;
        let id = socket.subscribe("mutation { logout { ok } }", json!({})).await;
        assert_eq!(socket.next().await["logout"]["ok"], true);
        assert_eq!(socket.receive().await, json!({ "type": "complete", "id": id }));
        assert_eq!(socket.wait_for_close().await, (4401, "signed-out".into()));
    }
}

/// At the end of the process a running mutation is answered before its socket closes; no new work is taken.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_answered_before_the_end() {
    let (engine, gate) = schema();
    let app = TestApp::with_engine(engine, &[]).await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    socket.subscribe("subscription { silence }", json!({})).await;
    let id = socket.subscribe("mutation { wait }", json!({})).await;
    until("it runs", || async { app.app.mutations.available_permits() < app.app.config.mutations }).await;
    app.app.draining.cancel();
    gate.add_permits(1);
    assert_eq!(socket.next().await["wait"], true);
    assert_eq!(socket.receive().await, json!({ "type": "complete", "id": id }));
    assert_eq!(socket.wait_for_close().await, (1001, "draining".into()));
}

/// A client that hangs up does not cancel its mutation.
#[tokio::test(flavor = "multi_thread")]
async fn a_mutation_outlives_its_socket() {
    let (engine, gate) = schema();
    let app = TestApp::with_engine(engine, &[]).await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    socket.subscribe("mutation { wait }", json!({})).await;
    until("it runs", || async { app.app.mutations.available_permits() < app.app.config.mutations }).await;
    drop(socket);
    until("the socket is gone", || async { app.app.tracker.len() == 1 }).await;
    gate.add_permits(1);
    until("it has finished", || async { app.app.tracker.is_empty() }).await;
    assert_eq!(gate.available_permits(), 0, "it took its turn");
}

/// A token of a few seconds closes its socket, and nothing is asked with it any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_ends_with_its_token() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let viewer = app.app.authenticate(&ada.token).unwrap();
    let lifetime = chrono::TimeDelta::seconds(2);
    let now = app.app.clock.now();
    let (token, expires_at) = app.app.tokens.issue_for(viewer.user_id, viewer.session_id, now, lifetime).unwrap();
    let mut socket = Person { token, ..ada }.socket().await;
    socket.subscribe_live(&app, RECEIVE, json!({})).await;
    assert_eq!(socket.wait_for_close().await, (4403, "token-expired".into()));
    let late = app.app.clock.now() - expires_at;
    assert!(late >= chrono::TimeDelta::zero() && late < chrono::TimeDelta::seconds(2), "{late}");
    assert_eq!(app.live.hub.subscriptions(), 0);
}
