//! Who asks: every form of a token, what a bad one stops and what not, tickets for event streams, and whose pages may ask.

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::accounts::{LOGIN, by_password};
use crate::harness::http::{JSON, Reply, client, send};
use crate::harness::{Person, Socket, TestApp};

const WHO: &str = "{ viewer { user { username } } }";
const PUBLIC: &str = "{ items(first: 1) { nodes { id } } }";

/// An access token that is over.
fn expired(app: &TestApp, person: &Person) -> String {
    let viewer = app.app.authenticate(&person.token).unwrap();
    let (now, lifetime) = (app.app.clock.now(), chrono::TimeDelta::seconds(-5));
    app.app.tokens.issue_for(viewer.user_id, viewer.session_id, now, lifetime).unwrap().0
}

async fn ask(app: &TestApp, authorization: &str, document: &str, variables: Value) -> Reply {
    let body = json!({ "query": document, "variables": variables }).to_string();
    send(app.address, Method::POST, "/graphql", &[JSON, ("authorization", authorization)], body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_stops_only_what_needs_a_viewer() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let refresh =
        "mutation ($t: String!) { refreshSession(refreshToken: $t) { tokens { accessToken } userErrors { code } } }";
    let bearer = |token: &str| format!("Bearer {token}");
    for (authorization, code) in
        [(bearer(&expired(&app, &ada)), "TOKEN_EXPIRED"), (bearer("nonsense"), "TOKEN_INVALID")]
    {
        for (document, variables) in [
            (LOGIN, by_password("ada", Person::PASSWORD)),
            (PUBLIC, json!({})),
            ("{ __schema { queryType { name } } }", json!({})),
            ("{ userByAccountNumber(accountNumber: 10000000) { username } }", json!({})),
        ] {
            let reply = ask(&app, &authorization, document, variables).await;
            let answer = reply.json();
            assert_eq!((reply.status, answer.get("errors")), (200, None), "{document}: {answer}");
            assert_eq!(answer["extensions"]["authentication"]["code"], code, "{document}: {answer}");
        }
        for document in [WHO, "mutation { logout { ok } }", "subscription { events { cursor } }"] {
            let reply = ask(&app, &authorization, document, json!({})).await;
            assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"), "{document}");
            assert!(!reply.header("www-authenticate").is_empty(), "{document}");
        }
        // Each part for itself.
        let both =
            ask(&app, &authorization, "{ items(first: 1) { nodes { id } } viewer { eventCursor } }", json!({})).await;
        let answer = both.json();
        assert_eq!((both.status, &answer["data"]["items"]["nodes"]), (200, &json!([])), "{answer}");
        assert_eq!(both.code(), "UNAUTHENTICATED");
    }
    let reply = ask(&app, &bearer(&expired(&app, &ada)), refresh, json!({ "t": ada.refresh })).await.json();
    assert_eq!(reply["data"]["refreshSession"]["userErrors"], json!([]), "{reply}");
    // Without a token, and with a good one, nothing is said.
    for headers in [vec![JSON], vec![JSON, ("authorization", &bearer(&ada.token))], vec![JSON, ("authorization", "")]] {
        let body = json!({ "query": PUBLIC }).to_string();
        let reply = send(app.address, Method::POST, "/graphql", &headers, body).await;
        assert_eq!(reply.json().get("extensions"), None, "{headers:?}");
    }
    ada.data("mutation { logout { ok } }", json!({})).await;
    let reply = ask(&app, &bearer(&ada.token), PUBLIC, json!({})).await.json();
    assert_eq!(reply["extensions"]["authentication"]["code"], "SESSION_ENDED", "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_are_not_understood_are_refused() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    for authorization in ["Basic YWRhOng=", "Bearer", "nonsense", "Bearer a b"] {
        let reply = ask(&app, authorization, PUBLIC, json!({})).await;
        assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"), "{authorization}");
        assert!(reply.text.contains("Bearer <access token>"), "{}", reply.text);
        assert_eq!(Socket::try_connect(app.address, &[("authorization", authorization)]).await.err(), Some(401));
    }
    for payload in [
        json!({ "authorization": "Basic YWRhOng=" }),
        json!({ "jwt": ada.token }),
        json!({ "token": { "access": ada.token } }),
        json!({ "headers": { "X-Auth-Token": ada.token } }),
    ] {
        let mut socket = Socket::try_connect(app.address, &[]).await.unwrap();
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        let (code, reason) = socket.wait_for_close().await;
        assert!(code == 4401 && reason.contains("Bearer <access token>"), "{payload}: {code} {reason}");
    }
}

/// A credential in a place where none is read is refused: else its sender would be answered as one without an account.
#[tokio::test(flavor = "multi_thread")]
async fn credentials_in_other_places_are_refused() {
    let app = TestApp::start().await;
    let body = json!({ "query": PUBLIC }).to_string();
    let get = "query=%7B__typename%7D";
    for name in ["access_token", "token", "authorization", "api_key", "X-Auth", "jwt", "ticket"] {
        let path = format!("/graphql?{get}&{name}=a.b.c");
        let reply = send(app.address, Method::GET, &path, &[], "").await;
        assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"), "GET {name}");
        let reply = send(app.address, Method::POST, &path, &[JSON], body.clone()).await;
        assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"), "POST {name}");
        for path in ["/graphql", "/graphql/ws"] {
            let refused = Socket::try_connect_at(app.address, &format!("{path}?{name}=a.b.c"), &[]).await;
            assert_eq!(refused.err(), Some(401), "{path} {name}");
        }
        let path = format!("/graphql?{get}&{name}=");
        assert_eq!(send(app.address, Method::GET, &path, &[], "").await.status, 200, "an empty {name}");
    }
    for name in ["x-api-key", "apikey", "x-auth-token", "x-access-token", "x-auth", "x-authorization", "token"] {
        let reply = send(app.address, Method::POST, "/graphql", &[JSON, (name, "a.b.c")], body.clone()).await;
        assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"), "{name}");
        assert!(reply.text.contains("Bearer <access token>"), "{}", reply.text);
        assert_eq!(Socket::try_connect(app.address, &[(name, "a.b.c")]).await.err(), Some(401), "{name}");
        let reply = send(app.address, Method::POST, "/graphql", &[JSON, (name, "")], body.clone()).await;
        assert_eq!(reply.status, 200, "an empty {name}");
    }
    // What proxies add is none of Plaza's.
    for name in ["x-csrf-token", "cf-access-jwt-assertion", "x-amzn-oidc-accesstoken", "x-forwarded-access-token"] {
        let reply = send(app.address, Method::POST, "/graphql", &[JSON, (name, "a.b.c")], body.clone()).await;
        assert_eq!(reply.status, 200, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_takes_every_usual_form_of_a_token() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let bearer = format!("Bearer {}", ada.token);
    let (token, none) = (&ada.token, Value::Null);
    for (header, payload) in [
        (Some(bearer.as_str()), none.clone()),
        (Some(bearer.as_str()), json!({})),
        // What is said last counts.
        (Some("Bearer nonsense"), json!({ "token": token })),
        (None, json!({ "token": token })),
        (None, json!({ "Authorization": bearer })),
        (None, json!({ "authorization": token })),
        (None, json!({ "headers": { "Authorization": bearer } })),
        (None, json!({ "authToken": token })),
        (None, json!({ "accessToken": token })),
    ] {
        let headers: Vec<_> = header.iter().map(|value| ("authorization", *value)).collect();
        let mut socket = Socket::try_connect(app.address, &headers).await.unwrap();
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.receive().await["type"], "connection_ack", "{header:?} {payload}");
        socket.subscribe(WHO, json!({})).await;
        assert_eq!(socket.next().await["viewer"]["user"]["username"], "ada", "{header:?} {payload}");
    }
    let late = expired(&app, &ada);
    let mut socket = Socket::try_connect(app.address, &[("authorization", &format!("Bearer {late}"))]).await.unwrap();
    socket.send(json!({ "type": "connection_init" })).await;
    assert_eq!(socket.wait_for_close().await, (4403, "token-expired".into()));
}

/// What a client's JSON writer let through is an error of that operation, and the socket lives on.
#[tokio::test(flavor = "multi_thread")]
async fn unreadable_variables_end_their_operation_alone() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let mut socket = ada.socket().await;
    socket.subscribe_live(&app, "subscription { events { cursor } }", json!({})).await;
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for variables in [r#"{"q":"cut \ud83d"}"#.to_owned(), format!(r#"{{"q":{deep}}}"#), r#"{"q":1e999}"#.to_owned()] {
        let payload = format!(
            r#"{{"query":"query($q:String!){{searchUsers(query:$q){{nodes{{id}}}}}}","variables":{variables}}}"#
        );
        let frame = format!(r#"{{"id":"bad","type":"subscribe","payload":{payload}}}"#);
        socket.send_frame(tokio_tungstenite::tungstenite::Message::text(frame)).await;
        let message = socket.receive().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("bad")), "{message}");
        assert_eq!(message["payload"][0]["extensions"]["code"], "BAD_USER_INPUT", "{message}");
        let reply = send(app.address, Method::POST, "/graphql", &[JSON], payload).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "BAD_USER_INPUT"), "{variables}");
    }
    ada.send_message(&ada, "still there").await;
    socket.next().await;
}

/// They count among what an address may ask, as those that can be read do.
#[tokio::test(flavor = "multi_thread")]
async fn unreadable_operations_are_counted() {
    let app = TestApp::with(&[("PLAZA_LIMIT_REQUESTS_PER_SECOND", "1")]).await;
    let mut socket = Socket::open(app.address, json!({})).await;
    let mut told = Vec::new();
    for n in 0..20 {
        let frame =
            format!(r#"{{"id":"{n}","type":"subscribe","payload":{{"query":"{{a}}","variables":{{"a":"\ud83d"}}}}}}"#);
        socket.send_frame(tokio_tungstenite::tungstenite::Message::text(frame)).await;
        told.push(socket.receive().await["payload"][0]["extensions"]["code"].as_str().unwrap().to_owned());
    }
    assert_eq!(told[0], "BAD_USER_INPUT", "{told:?}");
    assert_eq!(told[19], "RATE_LIMITED", "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_opens_an_event_stream_without_a_header() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let create = "mutation { createStreamTicket { ticket expiresAt userErrors { code } } }";
    let ticket = async |person: &Person| {
        let made = person.data(create, json!({})).await["createStreamTicket"]["ticket"].clone();
        made.as_str().unwrap().to_owned()
    };
    assert_eq!(app.run(create, json!({})).await.code(), "UNAUTHENTICATED");
    let good = ticket(&ada).await;
    let url = |ticket: &str, query: &str| format!("/graphql?ticket={ticket}&query={query}");
    let stream = ("accept", "text/event-stream");
    // Several streams within its minute: an EventSource that reconnects at once sends the same.
    for _ in 0..2 {
        let request =
            client().get(format!("http://{}{}", app.address, url(&good, "subscription%7Bevents%7Bcursor%7D%7D")));
        let mut response = request.header(stream.0, stream.1).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        crate::harness::until("it listens", || async { app.live.hub.live() > 0 }).await;
        ada.send_message(&ada, "heard").await;
        let mut heard = String::new();
        while !heard.contains("cursor") {
            heard.push_str(std::str::from_utf8(&response.chunk().await.unwrap().expect("it goes on")).unwrap());
        }
        drop(response);
        crate::harness::until("it is gone", || async { app.live.hub.live() == 0 }).await;
    }
    let refused = async |ticket: &str, headers: &[(&str, &str)], status: u16| {
        let reply = send(app.address, Method::GET, &url(ticket, "%7Bviewer%7BeventCursor%7D%7D"), headers, "").await;
        assert_eq!(reply.status, status, "{}", reply.text);
    };
    // For streams alone, and neither an access token nor beside one; and a token is no ticket.
    refused(&good, &[], 401).await;
    refused(&good, &[stream], 401).await;
    refused(&good, &[stream, ("x-api-key", &ada.token)], 401).await;
    let path = url(&good, "mutation%7Blogout%7Bok%7D%7D");
    assert_eq!(send(app.address, Method::GET, &path, &[stream], "").await.status, 405);
    refused(&good, &[stream, ("authorization", &format!("Bearer {}", ada.token))], 400).await;
    refused(&ada.token, &[stream], 401).await;
    refused("nonsense", &[stream], 401).await;
    assert_eq!(Person { token: good.clone(), ..ada.clone() }.run(WHO, json!({})).await.status, 401);
    // Over after a minute, or with its session.
    app.advance_clock(std::time::Duration::from_secs(61));
    refused(&good, &[stream], 401).await;
    let fresh = ticket(&ada).await;
    ada.data("mutation { logout { ok } }", json!({})).await;
    refused(&fresh, &[stream], 401).await;
}

/// Pages that a developer's machine serves to itself may ask, outside production; preflights allow what they ask for.
#[tokio::test(flavor = "multi_thread")]
async fn pages_on_localhost_may_ask_outside_production() {
    let app = TestApp::with(&[("PLAZA_ALLOWED_ORIGINS", "capacitor://localhost, https://shop.example:443")]).await;
    let production =
        TestApp::with(&[("PLAZA_PRODUCTION", "true"), ("PLAZA_ALLOWED_ORIGINS", "https://shop.example")]).await;
    let asked = "authorization,apollographql-client-name,apollographql-client-version,traceparent,sentry-trace";
    for (app, origin, allowed) in [
        (&app, "http://localhost:5173", true),
        (&app, "http://127.0.0.1:3000", true),
        (&app, "http://[::1]:3000", true),
        (&app, "https://localhost:5173", true),
        (&app, "https://127.0.0.1", true),
        (&app, "https://[::1]:3000", true),
        (&app, "capacitor://localhost", true),
        (&app, "ionic://localhost", false),
        (&app, "https://shop.example", true),
        (&app, "http://localhost.evil.example", false),
        (&app, "https://evil.example", false),
        (&app, "null", false),
        (&production, "https://shop.example", true),
        (&production, "http://localhost:5173", false),
        (&production, "http://127.0.0.1:3000", false),
        (&production, "https://localhost:5173", false),
    ] {
        let expected = if allowed { origin } else { "" };
        let headers =
            [("origin", origin), ("access-control-request-method", "POST"), ("access-control-request-headers", asked)];
        let reply = send(app.address, Method::OPTIONS, "/graphql", &headers, "").await;
        assert_eq!(reply.header("access-control-allow-origin"), expected, "{origin}");
        assert_eq!(reply.header("access-control-allow-headers"), asked, "{origin}");
        let body = json!({ "query": "{ __typename }" }).to_string();
        let reply = send(app.address, Method::POST, "/graphql", &[JSON, ("origin", origin)], body).await;
        assert_eq!(reply.header("access-control-allow-origin"), expected, "{origin}");
        let socket = Socket::try_connect(app.address, &[("origin", origin)]).await;
        assert_eq!(socket.err(), (!allowed).then_some(403), "{origin}");
    }
}

/// Python's gql looks for the subprotocol's name in these very capitals.
#[tokio::test(flavor = "multi_thread")]
async fn header_names_are_written_in_title_case() {
    let app = TestApp::start().await;
    let upgrade = "GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n";
    let healthz = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for (request, names) in [
        (healthz, &["Content-Type: ", "Content-Length: ", "X-Trace-Id: "][..]),
        (upgrade, &["Sec-WebSocket-Protocol: graphql-transport-ws", "Sec-WebSocket-Accept: ", "Upgrade: "]),
    ] {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        for name in names {
            assert!(head.contains(&format!("\r\n{name}")), "{name} is missing in {head}");
        }
    }
}
