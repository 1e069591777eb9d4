//! What waits, or is slow, and what it holds meanwhile: uploads by form and by ticket, large bodies, pictures that wait for
//! their turn.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::future::join_all;
use plaza::files::DeclaredType;
use plaza::ids::UserId;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::files::rgb_png;
use crate::harness::http::{JSON, send};
use crate::harness::{Person, TestApp, WAIT_TIMEOUT, until};
use crate::upload_tickets::{complete, put, ticket};

const UPLOADS: &str =
    "mutation ($files: [Upload!]!) { uploadFiles(files: $files) { media { id } userErrors { code } } }";

/// A connection on which so much has been sent, and nothing follows.
async fn stuck(app: &TestApp, sent: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(app.address).await.unwrap();
    stream.write_all(sent).await.unwrap();
    stream
}

/// The status that a connection is answered with.
async fn status(stream: &mut TcpStream) -> String {
    let mut answer = [0; 12];
    timeout(WAIT_TIMEOUT, stream.read_exact(&mut answer)).await.expect("it is cut").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A form of two files up to the end of the first, and what follows of the second.
fn begun(person: &Person, rest: &str) -> Vec<u8> {
    let operations = json!({ "query": UPLOADS, "variables": { "files": [null, null] } });
    let part = "\r\n--x\r\nContent-Disposition: form-data; name=";
    let map = r#"{"0":["variables.files.0"],"1":["variables.files.1"]}"#;
    format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nGraphQL-Require-Preflight: 1\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n\
         {part}\"operations\"\r\n\r\n{operations}{part}\"map\"\r\n\r\n{map}\
         {part}\"0\"; filename=\"a.txt\"\r\n\r\na whole file\r\n--x\r\n{rest}",
        person.token
    )
    .into_bytes()
}

/// An upload that holds a place and goes silent between its files is cut as soon as within one.
#[tokio::test(flavor = "multi_thread")]
async fn silence_between_files_is_cut() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let head = "Content-Disposition: form-data; name=\"1\"; filename=\"b.txt\"\r\n";
    join_all(["", head, &format!("{head}\r\n")].map(async |rest| {
        let start = Instant::now();
        let mut stream = stuck(&app, &begun(&ada, rest)).await;
        assert_eq!(status(&mut stream).await, "HTTP/1.1 408", "{rest:?}");
        assert!(start.elapsed() < Duration::from_secs(16), "{rest:?}: after {:?}", start.elapsed());
    }))
    .await;
}

/// The head of a request that sends bytes to an upload's address.
fn put_head(url: &Value, size: usize) -> Vec<u8> {
    let url: reqwest::Url = url.as_str().unwrap().parse().unwrap();
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    format!("PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: {size}\r\n\r\n").into_bytes()
}

/// On an upload's own address silence holds no place, and one that goes silent or trickles is cut.
#[tokio::test(flavor = "multi_thread")]
async fn silent_and_slow_puts_are_cut() {
    // A person has one place of four.
    let app = TestApp::with(&[("PLAZA_LIMIT_UPLOADS", "4")]).await;
    let people = join_all(["ada", "bo", "lan"].map(|name| app.as_user(name))).await;
    let bytes = rgb_png(99, 99);
    let mut tickets = Vec::new();
    for person in people.iter().chain(&people) {
        tickets.push(ticket(person, "a.png", "image/png", bytes.len()).await["uploadUrl"].clone());
    }
    let sends = async |n: usize| put(&app, &tickets[n], "image/png", bytes.clone()).await.status;
    let start = Instant::now();
    let head = put_head(&tickets[0], bytes.len());
    let heads = join_all((0..3).map(|_| stuck(&app, &head))).await;
    assert_eq!(sends(3).await, 204, "ada's");
    assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
    let silent = async {
        let begun = [put_head(&tickets[1], bytes.len()), bytes[..9].to_vec()].concat();
        let cut = status(&mut stuck(&app, &begun).await).await;
        assert_eq!((cut.as_str(), sends(4).await), ("HTTP/1.1 408", 204), "bo's");
    };
    let trickling = async {
        let mut stream = stuck(&app, &put_head(&tickets[2], bytes.len())).await;
        let (mut reader, mut writer) = stream.split();
        let mut answer = [0; 12];
        let trickle = async {
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            for byte in &bytes {
                seconds.tick().await;
                writer.write_all(&[*byte]).await.unwrap();
            }
        };
        tokio::select! {
            read = timeout(WAIT_TIMEOUT, reader.read_exact(&mut answer)) => drop(read.expect("it is cut").unwrap()),
            () = trickle => panic!("it is taken"),
        }
        assert_eq!((&answer, sends(5).await), (b"HTTP/1.1 408", 204), "lan's");
    };
    tokio::join!(silent, trickling);
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
    drop(heads);
}

/// An address whose large bodies take all the room that it may have is still answered what is small, and others what is large.
#[tokio::test(flavor = "multi_thread")]
async fn slow_large_bodies_leave_small_requests_alone() {
    let proxied = ("PLAZA_TRUSTED_PROXY_HEADER", "X-Client");
    let app = TestApp::with(&[proxied, ("PLAZA_LIMIT_REQUESTS_PER_SECOND", "10000")]).await;
    let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nX-Client: 192.0.2.1\r\nContent-Type: application/json\r\n\
                Content-Length: 60000\r\n\r\n";
    let begun = format!("{head}{}", " ".repeat(9 << 10)).into_bytes();
    let from = async |client: &str, blanks: usize| {
        let body = format!("{}{{\"query\":\"{{ __typename }}\"}}", " ".repeat(blanks));
        send(app.address, Method::POST, "/graphql", &[JSON, ("x-client", client)], body).await.status
    };
    let slow = join_all((0..1024).map(|_| stuck(&app, &begun))).await;
    until("its large bodies are refused", async || from("192.0.2.1", 9 << 10).await == 503).await;
    assert_eq!(from("192.0.2.1", 0).await, 200);
    assert_eq!(from("192.0.2.2", 9 << 10).await, 200);
    drop(slow);
    until("there is room again", async || from("192.0.2.1", 9 << 10).await == 200).await;
}

/// Pictures that were sent by ticket hold no mutation's permit while they are worked on or wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn completing_uploads_hold_no_permit_while_their_pictures_wait() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("stopped");
    std::fs::write(&program, "#!/bin/sh\nkill -STOP $$\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let app = TestApp::with_decoder(program, Duration::from_secs(2)).await;
    let people = join_all(["ada", "bo", "lan"].map(|name| app.as_user(name))).await;
    let bytes = rgb_png(9, 9);
    let mut tokens = Vec::new();
    for person in &people {
        let ticket = ticket(person, "a.png", "image/png", bytes.len()).await;
        assert_eq!(put(&app, &ticket["uploadUrl"], "image/png", bytes.clone()).await.status, 204);
        tokens.push(ticket["uploadToken"].clone());
    }
    let all = app.app.config.mutations;
    // A mutation is among the tracked once it has its permit.
    let given_back = until("all are given back", async || {
        app.app.tracker.len() == people.len() && app.app.mutations.available_permits() == all
    });
    let completed = join_all(people.iter().zip(&tokens).map(|(person, token)| complete(person, token)));
    let (completed, ()) = tokio::join!(completed, given_back);
    for payload in completed {
        assert_eq!(payload["userErrors"][0]["code"], "FILE_TOO_LARGE", "{payload}");
    }
    assert_eq!(app.app.mutations.available_permits(), all);
}

/// Of one person's pictures a few are in line, so another's does not wait behind all of them.
#[tokio::test(flavor = "multi_thread")]
async fn one_person_s_pictures_do_not_fill_the_line() {
    let app = TestApp::start().await;
    let done = AtomicUsize::new(0);
    let process = async |person: i64| {
        let mut file = app.app.file_processor.temp_dir().file().unwrap();
        std::io::Write::write_all(&mut file, &rgb_png(60, 60)).unwrap();
        app.app.file_processor.process(UserId(person), file, DeclaredType::Unknown).await.unwrap().unwrap();
        done.fetch_add(1, Ordering::Relaxed)
    };
    let places = join_all([1, 1, 1, 1, 1, 1, 1, 1, 2].map(process)).await;
    assert!(places[8] <= 3, "{places:?}");
}
