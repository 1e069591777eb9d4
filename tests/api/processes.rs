//! The built binary: starting, being killed, taking over, and what it says when something is wrong.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::http::{JSON, send};
use crate::harness::process::{Process, SECRET, free_port, output};
use crate::harness::{Person, SEND, Socket, cluster, connect, direct_message, post, until};

const REGISTER: &str = "mutation ($name: String!) { register(input: { username: $name, password: \"correct horse\" }) {
    tokens { accessToken refreshToken } user { id } userErrors { code } } }";

async fn register(process: &Process, name: &str) -> Person {
    let answer = post(process.address, None, REGISTER, json!({ "name": name })).await;
    Person::new(process.address, &answer.data()["register"])
}

async fn look(url: &str, sql: &str) -> i64 {
    let client = connect(url).await;
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Four instances start together on an empty database.
#[tokio::test(flavor = "multi_thread")]
async fn four_instances_migrate_once() {
    let url = cluster().empty_database().await;
    let instances = join_all((0..4).map(|_| Process::on_database(&url))).await;
    for instance in &instances {
        assert!(instance.took < Duration::from_secs(20), "ready after {:?}", instance.took);
        assert_eq!(send(instance.address, Method::GET, "/readyz", &[], "").await.status, 200);
    }
    let migrations = i64::try_from(plaza::db::migrate::names().unwrap().len()).unwrap();
    assert_eq!(look(&url, "select count(*) from __diesel_schema_migrations").await, migrations);
    let ada = register(&instances[0], "ada").await;
    for instance in &instances {
        let data = ada.on_instance(instance.address).data("{ viewer { user { username } } }", json!({})).await;
        assert_eq!(data["viewer"]["user"]["username"], "ada");
    }
}

/// The instance that sequences is killed; another goes on, and nothing is lost or comes twice.
#[tokio::test(flavor = "multi_thread")]
async fn the_sequencer_is_killed_and_another_goes_on() {
    let url = cluster().database().await;
    let mut instances = vec![Process::on_database(&url).await];
    until("the first one leads", || async { instances[0].metric("plaza_event_sequencer").await > 0.5 }).await;
    instances.push(Process::on_database(&url).await);
    let survivor = &instances[1];
    assert!(survivor.metric("plaza_event_sequencer").await < 0.5);
    assert!(survivor.metric("plaza_event_feed_lag_seconds").await < 5.0);
    let (ada, bo) = (register(survivor, "ada").await, register(survivor, "bo").await);
    let cursor = bo.event_cursor().await;
    let mut socket = bo.socket().await;
    let receive = "subscription ($after: String) { messageReceived(after: $after) { message { seq } } }";
    socket.subscribe(receive, json!({ "after": cursor })).await;
    for _ in 0..20 {
        ada.send_message(&bo, "before").await;
    }
    let leader = instances.remove(0);
    let survivor = &instances[0];
    let (killed, sent) = tokio::join!(leader.kill(), async {
        for _ in 0..20 {
            ada.send_message(&bo, "meanwhile").await;
        }
        Instant::now()
    });
    let () = killed;
    until("the survivor leads", || async { survivor.metric("plaza_event_sequencer").await > 0.5 }).await;
    assert!(sent.elapsed() < Duration::from_secs(3), "took over after {:?}", sent.elapsed());
    let mut seqs = Vec::new();
    for _ in 0..40 {
        seqs.push(socket.next().await["messageReceived"]["message"]["seq"].as_i64().unwrap());
    }
    assert_eq!(seqs, (1..=40).collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_database_survives_a_killed_plaza() {
    let folder = cluster().folder("embedded");
    let address = free_port();
    let settings = [("PLAZA_DATA_DIR", folder.to_str().unwrap()), ("PLAZA_BIND", &address.to_string())];
    let plaza = Process::on_folder(&folder, address).await;
    let (ada, bo) = (register(&plaza, "ada").await, register(&plaza, "bo").await);
    let cursor = bo.event_cursor().await;
    ada.send_message(&bo, "before the kill").await;

    // A second one on the same folder is refused in one sentence; commands work beside the first.
    let second = output(&["serve"], &settings).await;
    assert!(!second.status.success());
    let text = String::from_utf8_lossy(&second.stderr);
    assert!(text.contains("another Plaza is running on"), "{text}");
    let token = output(&["token", "ada"], &settings).await;
    let token = String::from_utf8(token.stdout).unwrap().trim().to_owned();
    let operator = Person { token, ..ada.clone() };
    assert_eq!(operator.data("{ viewer { user { username } } }", json!({})).await["viewer"]["user"]["username"], "ada");
    assert!(output(&["promote", "ADA", "admin"], &settings).await.status.success());
    let role = "query ($id: ID!) { user(id: $id) { role } }";
    until("the role is shown", || async { ada.data(role, json!({ "id": ada.id })).await["user"]["role"] == "ADMIN" })
        .await;
    let unknown = output(&["promote", "nobody", "ADMIN"], &settings).await;
    assert_eq!(String::from_utf8_lossy(&unknown.stderr).trim(), "There is nobody called nobody.");

    plaza.kill().await;
    // PostgreSQL lives on, and the next Plaza takes it over; access tokens are good still.
    let pid = || {
        std::fs::read_to_string(folder.join("postgres/data/postmaster.pid"))
            .ok()
            .map(|text| text.lines().next().unwrap().to_owned())
    };
    let before = pid().expect("PostgreSQL runs on");
    let plaza = Process::on_folder(&folder, address).await;
    assert_eq!(pid().as_ref(), Some(&before));
    let mut socket = bo.socket().await;
    socket
        .subscribe(
            "subscription ($after: String) { messageReceived(after: $after) { message { seq } } }",
            json!({ "after": cursor }),
        )
        .await;
    ada.send_message(&bo, "after the kill").await;
    for seq in 1..=2 {
        assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], seq);
    }

    // Asked to end, it says so to its sockets, ends in time, and stops its PostgreSQL.
    let ((status, took), closed) = tokio::join!(plaza.terminate(), socket.wait_for_close());
    assert_eq!((status, closed.0), (Some(0), 1001));
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    assert_eq!(pid(), None, "PostgreSQL was stopped");
    // And starts again from the stopped cluster.
    let plaza = Process::on_folder(&folder, address).await;
    let data = bo.data("{ viewer { conversations { nodes { maxSeq } } } }", json!({})).await;
    assert_eq!(data["viewer"]["conversations"]["nodes"], json!([{ "maxSeq": 2 }]));
    assert_eq!(plaza.terminate().await.0, Some(0));
}

/// Root runs PostgreSQL as its own user, also where that user can't reach the data folder; others run it themselves.
#[tokio::test(flavor = "multi_thread")]
async fn it_runs_as_root_and_as_nobody() {
    if !nix::unistd::geteuid().is_root() {
        let plaza = Process::on_folder(&cluster().folder("mine"), free_port()).await;
        assert_eq!(plaza.terminate().await.0, Some(0));
        return;
    }
    let folder = cluster().folder("nobody");
    let plaza = Process::as_nobody(&folder).await;
    register(&plaza, "ada").await;
    let mode = std::fs::metadata(folder.join("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "the data folder is its owner's alone");
    assert_eq!(plaza.terminate().await.0, Some(0));

    let home = cluster().folder("private-home");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    let before = elsewhere();
    let plaza = Process::on_folder(&home.join("data"), free_port()).await;
    register(&plaza, "ada").await;
    let clusters: Vec<PathBuf> = elsewhere().difference(&before).cloned().collect();
    assert_eq!(plaza.terminate().await.0, Some(0));
    assert_eq!(clusters.len(), 1, "the cluster lies where PostgreSQL can reach it: {clusters:?}");
    std::fs::remove_dir_all(&clusters[0]).unwrap();
}

/// The clusters that lie outside their data folders.
fn elsewhere() -> HashSet<PathBuf> {
    let entries = std::fs::read_dir("/var/lib/plaza").into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_folder_gets_a_short_socket() {
    let folder = cluster().folder("a-folder-whose-name-is-so-long-that-the-path-of-a-unix-socket-below-it-would-be-longer-than-the-107-bytes-allowed");
    let plaza = Process::on_folder(&folder, free_port()).await;
    register(&plaza, "ada").await;
    assert_eq!(plaza.terminate().await.0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_one_clear_message() {
    type Case<'a> = (&'a [(&'a str, &'a str)], i32, &'a [&'a str]);
    let folder = cluster().folder("nowhere");
    let folder = folder.to_str().unwrap();
    let cases: [Case<'_>; 4] = [
        (
            &[("PLAZA_BIND", "8000"), ("PLAZA_LIMIT_DB_CONNECTIONS", "0")],
            2,
            &["PLAZA_BIND", "PLAZA_LIMIT_DB_CONNECTIONS"],
        ),
        (&[("DATABASE_URL", "host=/nowhere")], 2, &["PLAZA_JWT_SECRET is required"]),
        (
            &[("PLAZA_DATA_DIR", folder), ("PLAZA_PG_BIN", "/nowhere")],
            1,
            &["PLAZA_PG_BIN is /nowhere", "PostgreSQL 15 or newer"],
        ),
        (
            &[("DATABASE_URL", "host=/nowhere user=x"), ("PLAZA_JWT_SECRET", "a secret of the tests, long enough")],
            1,
            &["Plaza failed"],
        ),
    ];
    for (settings, status, parts) in cases {
        let output = output(&[], settings).await;
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{text}");
        for part in parts {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        assert!(!text.contains("panicked"), "{text}");
    }
}

/// A database in which Chinese could not be searched is refused.
#[tokio::test(flavor = "multi_thread")]
async fn an_unsuitable_database_is_refused() {
    let url = cluster().database_with("encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0").await;
    let refused =
        output(&["migrate"], &[("DATABASE_URL", &url), ("PLAZA_JWT_SECRET", "a secret of the tests, long enough")])
            .await;
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && text.contains("SQL_ASCII") && text.contains("CREATE DATABASE"), "{text}");
    let url = cluster().database_with("encoding 'UTF8' lc_collate 'C' lc_ctype 'C' template template0").await;
    let refused =
        output(&["migrate"], &[("DATABASE_URL", &url), ("PLAZA_JWT_SECRET", "a secret of the tests, long enough")])
            .await;
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && text.contains("pg_trgm ignores Chinese"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_names_every_command() {
    let help = output(&["--help"], &[]).await;
    let text = String::from_utf8(help.stdout).unwrap();
    let named: HashSet<&str> = text.split_whitespace().collect();
    for command in ["serve", "migrate", "schema", "seed", "audit", "promote", "token"] {
        assert!(named.contains(command), "{command} is missing in {text}");
    }
}

/// Demo data goes into an empty database once, and the first query has something to show.
#[tokio::test(flavor = "multi_thread")]
async fn demo_data_is_added_once() {
    let url = cluster().empty_database().await;
    let settings = [("DATABASE_URL", url.as_str()), ("PLAZA_JWT_SECRET", "a secret of the tests, long enough")];
    assert!(output(&["seed"], &settings).await.status.success());
    let (people, messages) =
        (look(&url, "select count(*) from users").await, look(&url, "select count(*) from messages").await);
    assert!(people >= 4 && messages >= 5);
    let again = output(&["seed"], &settings).await;
    assert!(!again.status.success());
    assert_eq!(look(&url, "select count(*) from users").await, people);
    let plaza = Process::on_database(&url).await;
    let _ = Socket::open(plaza.address, json!({})).await;
}

/// Told to end, it takes no new work, finishes what runs on HTTP and on sockets, and ends in time.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_is_finished_at_the_end() {
    let url = cluster().database().await;
    let plaza = Process::on_database(&url).await;
    let (ada, bo) = (register(&plaza, "ada").await, register(&plaza, "bo").await);
    ada.send_message(&bo, "first").await;
    // Two sends wait for a lock of ours.
    let mut client = connect(&url).await;
    let lock = client.transaction().await.unwrap();
    lock.batch_execute("select id from conversations for update").await.unwrap();
    let mut socket = ada.socket().await;
    let id = socket.subscribe(SEND, json!({ "input": direct_message(&bo, "by socket") })).await;
    let mut quiet = bo.socket().await;
    let by_http = tokio::spawn({
        let (ada, bo) = (ada.clone(), bo.clone());
        async move { ada.send_message(&bo, "by HTTP").await }
    });
    until("both wait", || async { plaza.metric("plaza_mutations").await > 1.5 }).await;
    let address = plaza.address;
    let ending = tokio::spawn(plaza.terminate());
    until("no connection is taken", || async { tokio::net::TcpStream::connect(address).await.is_err() }).await;
    assert_eq!(quiet.wait_for_close().await, (1001, "draining".into()));
    lock.commit().await.unwrap();
    let mut seqs =
        [by_http.await.unwrap()["seq"].as_i64(), socket.next().await["sendMessage"]["message"]["seq"].as_i64()];
    seqs.sort_unstable();
    assert_eq!(seqs, [Some(2), Some(3)]);
    assert_eq!(socket.receive().await, json!({ "type": "complete", "id": id }));
    assert_eq!(socket.wait_for_close().await, (1001, "draining".into()));
    let (status, took) = ending.await.unwrap();
    assert_eq!(status, Some(0));
    assert!(took < Duration::from_secs(10), "it took {took:?}");
    assert_eq!(look(&url, "select count(*) from messages").await, 3);
}

/// While it migrates it lives, and is not ready.
#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_ready_while_it_migrates() {
    let url = cluster().empty_database().await;
    let client = connect(&url).await;
    client.execute("select pg_advisory_lock($1)", &[&plaza::db::migrate::ADVISORY_LOCK]).await.unwrap();
    let address = free_port();
    let starting = tokio::spawn({
        let (url, address) = (url.clone(), address.to_string());
        async move { Process::with(&[("DATABASE_URL", &url), ("PLAZA_JWT_SECRET", SECRET), ("PLAZA_BIND", &address)]).await }
    });
    until("it listens", || async { tokio::net::TcpStream::connect(address).await.is_ok() }).await;
    let get = async |path: &str| send(address, Method::GET, path, &[], "").await;
    assert_eq!(get("/healthz").await.status, 200);
    for path in ["/readyz", "/graphql", "/"] {
        let reply = get(path).await;
        assert_eq!(
            (reply.status, reply.text.as_str(), reply.header("retry-after")),
            (503, "starting\n", "1"),
            "{path}"
        );
    }
    client.execute("select pg_advisory_unlock($1)", &[&plaza::db::migrate::ADVISORY_LOCK]).await.unwrap();
    let plaza = starting.await.unwrap();
    assert_eq!(get("/readyz").await.status, 200);
    // Told to end while it starts, it ends.
    assert_eq!(plaza.terminate().await.0, Some(0));
}

/// One line for each operation, with the trace id that the client was told.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_names_each_request() {
    let url = cluster().database().await;
    let settings = [("DATABASE_URL", url.as_str()), ("PLAZA_JWT_SECRET", SECRET), ("PLAZA_LOG", "json,info")];
    let plaza = Process::with(&settings).await;
    let body = r#"{"query":"query Named { __typename }","operationName":"Named"}"#;
    let reply = send(plaza.address, Method::POST, "/graphql", &[JSON], body).await;
    let trace = reply.header("x-trace-id").to_owned();
    let answered = || async {
        plaza.log().iter().filter_map(|line| serde_json::from_str::<Value>(line).ok()).any(|line| {
            line["message"] == "answered"
                && line["trace"] == trace.as_str()
                && line["name"] == "Named"
                && line["operation"] == "query"
                && line["level"] == "INFO"
                && line["micros"].is_u64()
        })
    };
    until("the line is there", answered).await;
}
