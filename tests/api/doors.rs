//! What comes in is limited in size, time and number, and each address and person has a share: of bodies, connections,
//! sockets, uploads, pictures that wait, and the pages for what watches over the process.

use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::future::join_all;
use plaza::error::{AppError, ErrorCode};
use plaza::files::DeclaredType;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::accounts::{LOGIN, by_password, codes};
use crate::harness::engine::schema;
use crate::harness::files::{empty_png, file_part, rgb_png};
use crate::harness::http::{JSON, send};
use crate::harness::process::{Process, resident_kib};
use crate::harness::{Person, Socket, TestApp, WAIT_TIMEOUT, cluster, until};

const PATHS: [&str; 11] = [
    "/graphql",
    "/graphql/ws",
    "/verify-email",
    "/media/x",
    "/media/uploads/x",
    "/",
    "/graphiql/x.js",
    "/healthz",
    "/readyz",
    "/metrics",
    "/nowhere",
];
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"];
const TYPES: [&str; 2] = ["application/json", "multipart/form-data; boundary=x"];

/// The status of a request whose body has a mebibyte and then no end.
async fn endless(plaza: &Process, method: &str, path: &str, media_type: &str) -> String {
    let mut stream = TcpStream::connect(plaza.address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    let (mut reader, mut writer) = stream.split();
    let pour = async {
        let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
        let mut whole = writer.write_all(head.as_bytes()).await.is_ok();
        for _ in 0..64 {
            whole = whole && writer.write_all(chunk.as_bytes()).await.is_ok();
        }
        std::future::pending::<()>().await;
    };
    let mut status = [0; 12];
    let read = async {
        tokio::select! {
            read = reader.read_exact(&mut status) => read.is_ok(),
            () = pour => false,
        }
    };
    let answered = timeout(WAIT_TIMEOUT, read).await;
    // A server that closes while its client still sends may take its answer back.
    if answered.unwrap_or_else(|_| panic!("{method} {path} with {media_type} is never answered")) {
        String::from_utf8_lossy(&status).into_owned()
    } else {
        "closed".into()
    }
}

/// Every route with every method: no body without end is waited for or held.
#[tokio::test(flavor = "multi_thread")]
async fn no_route_reads_a_body_without_end() {
    let plaza = Process::on_database(&cluster().database().await).await;
    send(plaza.address, Method::POST, "/graphql", &[JSON], vec![b' '; 70_000]).await;
    let before = resident_kib(plaza.id());
    let cases = PATHS.iter().flat_map(|path| {
        METHODS.iter().flat_map(move |method| TYPES.iter().map(move |media_type| (*method, *path, *media_type)))
    });
    let answers = join_all(cases.map(async |(method, path, media_type)| {
        (method, path, media_type, endless(&plaza, method, path, media_type).await)
    }));
    for (method, path, media_type, status) in answers.await {
        let is_read = (method, path) == ("POST", "/graphql");
        assert!(!is_read || status.starts_with("HTTP/1.1 4") || status == "closed", "{path} {media_type}: {status}");
        assert!(!status.starts_with("HTTP/1.1 5"), "{method} {path} {media_type}: {status}");
        if path == "/graphql" && method == "HEAD" {
            assert!(status == "HTTP/1.1 405" || status == "closed", "{status}");
        }
    }
    let grown = resident_kib(plaza.id()).saturating_sub(before);
    assert!(grown < 24 * 1024, "it grew by {grown} KiB for 176 bodies of a mebibyte");
    assert_eq!(send(plaza.address, Method::GET, "/healthz", &[], "").await.text, "ok\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_share_of_connections() {
    let app = TestApp::with(&[("PLAZA_LIMIT_CONNECTIONS_PER_ADDRESS", "3")]).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.unwrap();
        held.push(stream);
    }
    let is_closed = async || {
        let mut stream = TcpStream::connect(app.address).await.unwrap();
        let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        let mut answer = Vec::new();
        let _ = timeout(WAIT_TIMEOUT, stream.read_to_end(&mut answer)).await.expect("it is not left waiting");
        answer.is_empty()
    };
    assert!(is_closed().await);
    held.clear();
    until("there is room again", async || !is_closed().await).await;
    // A socket is a connection as long as it is open.
    let mut sockets = Vec::new();
    let open = async {
        // The connections that were closed are found to be, one after the other.
        while sockets.len() < 3 {
            sockets.extend(Socket::try_connect(app.address, &[]).await.ok());
        }
    };
    timeout(WAIT_TIMEOUT, open).await.expect("there is room for three");
    assert!(is_closed().await);
    drop(sockets);
    until("there is room again", async || !is_closed().await).await;
}

/// Sockets and event streams share what an address may have; another address has its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_share_of_sockets_and_streams() {
    let settings = [("PLAZA_LIMIT_SOCKETS_PER_ADDRESS", "2"), ("PLAZA_TRUSTED_PROXY_HEADER", "X-Forwarded-For")];
    let app = TestApp::with_engine(schema().0, &settings).await;
    let from = async |ip: &str| {
        let mut socket = Socket::try_connect(app.address, &[("x-forwarded-for", ip)]).await.unwrap();
        socket.send(json!({ "type": "connection_init" })).await;
        socket
    };
    let stream_from = async |ip: &str| {
        let headers = [JSON, ("accept", "text/event-stream"), ("x-forwarded-for", ip)];
        send(app.address, Method::POST, "/graphql", &headers, r#"{"query":"{ echo(number: 1) }"}"#).await.status
    };
    let mut held = [from("192.0.2.1").await, from("192.0.2.1").await];
    for socket in &mut held {
        assert_eq!(socket.receive().await["type"], "connection_ack");
    }
    assert_eq!(from("192.0.2.1").await.wait_for_close().await, (1013, "too many sockets from this address".into()));
    assert_eq!(stream_from("192.0.2.1").await, 503);
    assert_eq!(stream_from("192.0.2.2").await, 200);
    assert_eq!(from("192.0.2.2").await.receive().await["type"], "connection_ack");
    drop(held);
    until("there is room again", async || stream_from("192.0.2.1").await == 200).await;
}

/// A proxy's standard header has a form of its own; its clients are told apart by it.
#[tokio::test(flavor = "multi_thread")]
async fn clients_behind_the_standard_header_are_told_apart() {
    let settings = [("PLAZA_LIMIT_SOCKETS_PER_ADDRESS", "1"), ("PLAZA_TRUSTED_PROXY_HEADER", "Forwarded")];
    let app = TestApp::with_engine(schema().0, &settings).await;
    let mut held = Vec::new();
    for client in ["for=192.0.2.1;proto=https", "for=\"[2001:db8::1]:4711\"", "for=192.0.2.1, for=192.0.2.2"] {
        let mut socket = Socket::try_connect(app.address, &[("forwarded", client)]).await.unwrap();
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.receive().await["type"], "connection_ack", "{client}");
        held.push(socket);
    }
    let mut again = Socket::try_connect(app.address, &[("forwarded", "For=192.0.2.2:99")]).await.unwrap();
    assert_eq!(again.wait_for_close().await.0, 1013);
}

const UPLOAD: &str = "mutation ($file: Upload!) { uploadFile(file: $file) { media { id } userErrors { code } } }";

/// An upload that has sent so much of its body, and then nothing.
async fn stuck_upload(person: &Person, ip: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(person.address).await.unwrap();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nGraphQL-Require-Preflight: 1\r\nX-Forwarded-For: {ip}\r\n\
         Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000\r\n\r\n{body}",
        person.token
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// A form up to the first bytes of its file.
fn begun() -> String {
    let operations = json!({ "query": UPLOAD, "variables": { "file": null } });
    let part = "--x\r\nContent-Disposition: form-data; name=";
    format!(
        "{part}\"operations\"\r\n\r\n{operations}\r\n{part}\"map\"\r\n\r\n{{\"0\":[\"variables.file\"]}}\r\n\
         {part}\"0\"; filename=\"a.txt\"\r\n\r\nfirst bytes {}",
        "x".repeat(200)
    )
}

/// Heads alone hold no place, however many people send them.
#[tokio::test(flavor = "multi_thread")]
async fn silence_holds_no_place_of_uploads() {
    let app = TestApp::with(&[("PLAZA_LIMIT_UPLOADS", "4")]).await;
    let people = join_all(["ada", "bo", "lan", "eve"].map(|name| app.as_user(name))).await;
    let mut silent = Vec::new();
    for person in &people {
        for _ in 0..4 {
            silent.push(stuck_upload(person, "192.0.2.1", "").await);
            silent.push(
                stuck_upload(
                    person,
                    "192.0.2.1",
                    "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{",
                )
                .await,
            );
        }
    }
    let start = Instant::now();
    for person in &people {
        let reply = person.send_files(UPLOAD, &[file_part("a.png", rgb_png(9, 9))]).await;
        assert_eq!(reply.json()["data"]["uploadFile"]["userErrors"], json!([]), "{}", reply.text);
    }
    assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
}

/// An upload that began a file and goes silent is cut soon, and holds up none from other addresses.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_stands_still_is_cut() {
    let settings = [("PLAZA_LIMIT_UPLOADS_PER_ADDRESS", "1"), ("PLAZA_TRUSTED_PROXY_HEADER", "X-Forwarded-For")];
    let app = TestApp::with(&settings).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let start = Instant::now();
    let mut stuck = stuck_upload(&ada, "192.0.2.1", &begun()).await;
    let file = [file_part("a.png", rgb_png(9, 9))];
    until("bo, from the same address, is refused", async || {
        bo.send_files_from("192.0.2.1", UPLOAD, &file).await.status == 503
    })
    .await;
    let reply = bo.send_files_from("192.0.2.2", UPLOAD, &file).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let mut answer = [0; 12];
    timeout(WAIT_TIMEOUT, stuck.read_exact(&mut answer)).await.expect("it is cut").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert!(start.elapsed() < Duration::from_secs(16), "after {:?}", start.elapsed());
    let reply = bo.send_files_from("192.0.2.1", UPLOAD, &file).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

/// Pictures that wait for their turn hold no mutation's place: people sign in and write all the while.
#[tokio::test(flavor = "multi_thread")]
async fn pictures_that_wait_hold_up_no_other_mutations() {
    let app = TestApp::with(&[("PLAZA_LIMIT_MUTATIONS", "2")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let picture = empty_png(5000, 5000);
    let uploads: Vec<_> = (0..40)
        .map(|n| {
            let (person, picture) = ([&ada, &bo][n % 2].clone(), picture.clone());
            tokio::spawn(async move { person.send_files(UPLOAD, &[file_part("a.png", picture)]).await.status })
        })
        .collect();
    until("many wait", async || app.app.tracker.len() > 16).await;
    assert_eq!(app.app.mutations.available_permits(), 2);
    for _ in 0..5 {
        let signed_in = app.payload(LOGIN, by_password("ada", Person::PASSWORD)).await;
        assert_eq!(codes(&signed_in), [""; 0]);
        ada.send_message(&bo, "meanwhile").await;
    }
    assert!(app.app.tracker.len() > 2, "pictures still wait");
    uploads.iter().for_each(tokio::task::JoinHandle::abort);
}

/// One file more than may wait is refused at once, and one person's files do not fill the queue.
#[tokio::test(flavor = "multi_thread")]
async fn the_queue_of_pictures_is_bounded() {
    let app = TestApp::start().await;
    let mut files = Vec::new();
    for _ in 0..20 {
        let mut file = app.app.file_processor.temp_dir().file().unwrap();
        std::io::Write::write_all(&mut file, &rgb_png(60, 60)).unwrap();
        files.push(file);
    }
    let one = plaza::ids::UserId(1);
    let worked =
        join_all(files.into_iter().map(|file| app.app.file_processor.process(one, file, DeclaredType::Unknown))).await;
    let refused = |error: &AppError| matches!(error, AppError::Request(ErrorCode::Overloaded, _));
    assert_eq!(worked.iter().filter(|made| made.as_ref().is_err_and(refused)).count(), 4);
    assert_eq!(worked.iter().filter(|made| matches!(made, Ok(Ok(_)))).count(), 16);
}

/// A crowd that asks whether Plaza is ready, or for its figures, costs a look or two, and has a rate like all others.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_watchers_costs_nothing() {
    let app = TestApp::start().await;
    let ready = || async { send(app.address, Method::GET, "/readyz", &[], "").await.status };
    let (statuses, statements) = app.count_statements(join_all((0..200).map(|_| ready()))).await;
    assert!(statuses.iter().all(|status| *status == 200));
    assert!(statements < 40, "{statements} statements");
    let limited = TestApp::with(&[("PLAZA_LIMIT_REQUESTS_PER_SECOND", "1")]).await;
    for path in ["/metrics", "/readyz"] {
        let ask = || async { send(limited.address, Method::GET, path, &[], "").await.status };
        let statuses = join_all((0..20).map(|_| ask())).await;
        assert!(statuses.contains(&429), "{path}: {statuses:?}");
    }
    assert_eq!(send(limited.address, Method::GET, "/healthz", &[], "").await.status, 200);
}
