//! What is sent to bring the endpoint down, against the built binary: it is refused fast, and the process lives.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::documents::{bomb, many, nested};
use crate::harness::http::{JSON, send};
use crate::harness::process::{Process, resident_kib};
use crate::harness::{Socket, cluster, is_full};

/// Far above what a refusal takes, far below what any of these took before there were limits.
const FAST: Duration = Duration::from_millis(500);

/// Documents that would end the process or keep it busy.
fn documents() -> Vec<(&'static str, String)> {
    let quote = "\"\"\"a\" ";
    vec![
        ("lists", format!("{{ user(id: {}) {{ id }} }}", nested(8000, "[", "", "]"))),
        ("lists that never end", format!("{{ user(id: {}", "[".repeat(16_000))),
        ("objects", format!("{{ user(id: {}) {{ id }} }}", nested(2500, "{a:", "1", "}"))),
        ("defaults of variables", format!("query ($a: Int = {}) {{ __typename }}", nested(8000, "[", "", "]"))),
        ("types of variables", format!("query ($a: {}) {{ __typename }}", nested(8000, "[", "Int", "]"))),
        ("selections", nested(5000, "{a", "", "}")),
        ("brackets behind a block string that never ends", format!("{{ user(id: [{quote} {}", "[".repeat(10_000))),
        ("brackets behind a comment", format!("{{ #\"\"\"\n user(id: {}", "[".repeat(10_000))),
        ("a bomb", bomb(40)),
        ("a bomb of unknown fragments", bomb(30).replace("{ __typename }", "{ ...Nowhere }")),
        ("numbers out of range", "{ userByAccountNumber(accountNumber: 1e400) { id } }".into()),
        ("copies", format!("{{ viewer {{ {} }} }}", "user { id } ".repeat(500))),
        ("aliases", format!("{{ {} }}", many(101, |n| format!("a{n}: __typename ")))),
        ("directives", format!("{{ viewer {} {{ eventCursor }} }}", "@a ".repeat(1000))),
        ("arguments", format!("{{ user({}) {{ id }} }}", many(600, |n| format!("a{n}:1 ")))),
        ("variables", format!("query ({}) {{ __typename }}", many(400, |n| format!("$a{n}:X ")))),
        ("an unknown type with a default", "query ($a: Nothing = 3) { __typename }".into()),
        ("fields that are not there", format!("{{ viewer {{ {} }} }}", many(390, |n| format!("f{n} ")))),
        ("fields that can't be merged", format!("{{ viewer {{ {} }} }}", "user { x: id x: username } ".repeat(20))),
        ("pages in pages", "{ viewer { conversations(first: 100) { nodes { messages(first: 100) { nodes { conversation { messages(first: 100) { nodes { id } } } } } } } } }".into()),
        ("an introspection in an introspection", nested(10, "{ __schema { types { fields { type ", "{ name }", " } } } }")),
    ]
}

fn many_of(uses: usize) -> String {
    many(uses, |n| format!("a{n}: nodes(ids: $v) {{ id }} "))
}

async fn refused(address: SocketAddr, what: &str, body: &str, headers: &[(&str, &str)]) {
    let start = Instant::now();
    let reply = send(address, Method::POST, "/graphql", headers, body.to_owned()).await;
    let took = start.elapsed();
    assert!((200..500).contains(&reply.status), "{what}: {}", reply.status);
    assert!(reply.text.contains("\"errors\"") && !reply.text.contains("\"data\""), "{what}: {}", reply.text);
    assert!(reply.text.len() <= 16_384, "{what}: {} bytes", reply.text.len());
    assert!(!reply.text.contains("INTERNAL"), "{what}: {}", reply.text);
    assert!(took < FAST, "{what} took {took:?}");
}

/// Documents of every kind of excess, on HTTP, event stream and socket.
#[tokio::test(flavor = "multi_thread")]
async fn no_document_brings_it_down() {
    let plaza = Process::on_database(&cluster().database().await).await;
    let stream = [JSON, ("accept", "text/event-stream")];
    let mut socket = Socket::open(plaza.address, Value::Null).await;
    for (what, document) in documents() {
        let body = json!({ "query": document }).to_string();
        refused(plaza.address, what, &body, &[JSON]).await;
        refused(plaza.address, what, &body, &stream).await;
        let id = socket.subscribe(&document, json!({})).await;
        let message = socket.receive().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{what}: {message}");
    }
    // A large variable in many places.
    let many = json!({ "query": format!("query ($v: [ID!]!) {{ nodes(ids: [{}]) {{ id }} }}", "$v ".repeat(900)), "variables": { "v": vec![0; 30_000] } });
    refused(plaza.address, "a list in a list", &many.to_string(), &[JSON]).await;
    let many =
        json!({ "query": format!("query ($v: [ID!]!) {{ {} }}", many_of(20)), "variables": { "v": vec![0; 30_000] } });
    refused(plaza.address, "a list in many places", &many.to_string(), &[JSON]).await;
    // A million levels are over the size of a body; a thousand fit.
    for levels in [100, 1000, 10_000, 1_000_000] {
        for body in [
            json!({ "query": format!("{{ user(id: {}) {{ id }} }}", nested(levels, "[", "", "]")) }).to_string(),
            format!(r#"{{"query": "{{ __typename }}", "variables": {{"a": {}}}}}"#, nested(levels, "[", "", "]")),
            nested(levels, "[", "", "]"),
            nested(levels, r#"{"query":"#, "1", "}"),
        ] {
            let reply = send(plaza.address, Method::POST, "/graphql", &[JSON], body).await;
            assert!((200..500).contains(&reply.status), "{levels}: {} {}", reply.status, reply.text);
        }
    }
    let answer = send(plaza.address, Method::POST, "/graphql", &[JSON], r#"{"query":"{ __typename }"}"#).await;
    assert_eq!(answer.json(), json!({ "data": { "__typename": "Query" } }));
    assert!((plaza.metric("plaza_panics_total").await).abs() < 0.5);
    let (status, _) = plaza.terminate().await;
    assert_eq!(status, Some(0));
}

/// Sends bodies that are too large: one of 50 MiB whose length is said beforehand, and 20 in chunks.
async fn send_large_bodies(address: SocketAddr, chunk: &str) {
    let reply = send(address, Method::POST, "/graphql", &[JSON], vec![b' '; 50 << 20]).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    let head =
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..64 {
            // The server stops reading, and may have closed already.
            if timeout(Duration::from_secs(1), stream.write_all(chunk.as_bytes())).await.is_err() {
                break;
            }
        }
    }
}

/// What is too large costs no memory, and who is slow is cut.
#[tokio::test(flavor = "multi_thread")]
async fn large_and_slow_requests_cost_nothing() {
    let plaza = Process::on_database(&cluster().database().await).await;
    let address = plaza.address;
    send(address, Method::POST, "/graphql", &[JSON], vec![b' '; 70_000]).await;
    let before = resident_kib(plaza.id());
    let chunk = "4000\r\n".to_owned() + &" ".repeat(0x4000) + "\r\n";
    send_large_bodies(address, &chunk).await;
    // What the first take stays, such as buffers and threads; it is no whole body.
    let after_first = resident_kib(plaza.id());
    let grown = after_first.saturating_sub(before);
    assert!(grown < 25 * 1024, "it grew by {grown} KiB");
    send_large_bodies(address, &chunk).await;
    let grown = resident_kib(plaza.id()).saturating_sub(after_first);
    assert!(grown < 5 * 1024, "it grew by {grown} KiB more");

    // A file that never ends, from a signed-in user.
    let register = json!({ "query": "mutation { register(input: { username: \"ada\", password: \"correct horse\" }) { tokens { accessToken } } }" });
    let token = send(address, Method::POST, "/graphql", &[JSON], register.to_string()).await.json();
    let token = token["data"]["register"]["tokens"]["accessToken"].as_str().unwrap().to_owned();
    let mut before = 0;
    for n in 0..32 {
        // What the first of all take, such as threads for files, stays.
        if n == 16 {
            before = resident_kib(plaza.id());
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=xx\r\nAuthorization: Bearer {token}\r\n\
             GraphQL-Require-Preflight: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let parts = "--xx\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{\"query\":\"{a}\",\"variables\":{\"a\":null}}\r\n\
             --xx\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{\"0\":[\"variables.a\"]}\r\n\
             --xx\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a\"\r\n\r\n";
        stream.write_all(format!("{:x}\r\n{parts}\r\n", parts.len()).as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        let (mut reader, mut writer) = stream.split();
        let pour = async {
            while writer.write_all(chunk.as_bytes()).await.is_ok() {}
            std::future::pending::<()>().await;
        };
        tokio::select! {
            read = reader.read_exact(&mut answer) => assert!(read.is_err() || answer == b"HTTP/1.1 413", "{answer:?}"),
            () = pour => {}
        }
    }
    let grown = resident_kib(plaza.id()).saturating_sub(before);
    assert!(grown < 5 * 1024, "files: it grew by {grown} KiB");

    // A head that never ends, a head that never begins, a body that never ends.
    let slow = [
        "POST /graphql HTTP/1.1\r\nHost: x\r\n",
        "",
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    ];
    let cut = slow.map(|text| async move {
        let start = Instant::now();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(40), stream.read_to_end(&mut answer)).await.expect("it is cut");
        (start.elapsed(), String::from_utf8_lossy(&answer).into_owned())
    });
    for (took, answer) in join_all(cut).await {
        assert!(took < Duration::from_secs(30), "after {took:?}");
        assert!(!answer.contains("200 OK"), "{answer}");
    }
    let long = format!("GET /graphql HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let _ = stream.write_all(long.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await.expect("it is refused");
    let reply = send(address, Method::GET, "/healthz", &[], "").await;
    assert_eq!(reply.text, "ok\n");
}

/// A request that is given up never fails another.
#[tokio::test(flavor = "multi_thread")]
async fn giving_up_a_request_fails_no_other() {
    let plaza = Process::on_database(&cluster().database().await).await;
    let address = plaza.address;
    let query = "{ a: userByAccountNumber(accountNumber: 1) { id } b: userByAccountNumber(accountNumber: 2) { id } }";
    let body = json!({ "query": query }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let requests = if is_full() { 1000 } else { 100 };
    let give_up = async {
        for _ in 0..requests {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(body.as_bytes()).await.unwrap();
        }
    };
    let go_on = async {
        for _ in 0..requests {
            let reply = send(address, Method::POST, "/graphql", &[JSON], body.clone()).await;
            assert_eq!(reply.json(), json!({ "data": { "a": null, "b": null } }));
        }
    };
    tokio::join!(give_up, go_on);
}
