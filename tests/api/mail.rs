//! Mail and SMS on their way: by a real SMTP server with TLS, by a real webhook, and from a queue that survives.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post as on_post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};

use crate::harness::accounts::{LOGIN, REQUEST, by_code, contact};
use crate::harness::process::{Process, SECRET, free_port};
use crate::harness::{TestApp, WAIT_TIMEOUT, cluster, connect, post, until};

/// A self-signed certificate for this machine, and its key.
struct Certificate {
    certificate: String,
    key: String,
}

impl Certificate {
    fn new(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate is made");
        let folder: PathBuf = cluster().folder(name);
        std::fs::create_dir_all(&folder).expect("the folder is ours");
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, made.cert.pem()).expect("the folder is ours");
        std::fs::write(&key, made.signing_key.serialize_pem()).expect("the folder is ours");
        Self { certificate: certificate.display().to_string(), key: key.display().to_string() }
    }
}

/// A real SMTP server; see `tests/servers/smtpd.py`.
struct Smtpd {
    lines: Lines<BufReader<ChildStdout>>,
    _child: Child,
}

impl Smtpd {
    async fn start(port: u16, mode: &str, certificate: &Certificate, refusals: u32) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/smtpd.py"))
            .args([&port.to_string(), mode, &certificate.certificate, &certificate.key, &refusals.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("Debian's python3 runs");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is ours")).lines();
        let ready = lines.next_line().await.expect("its output is ours");
        assert_eq!(ready.as_deref(), Some("ready"), "aiosmtpd is installed by `make test`");
        Self { lines, _child: child }
    }

    /// The next message that it took or refused.
    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(WAIT_TIMEOUT, self.lines.next_line()).await.expect("mail comes in time");
        serde_json::from_str(&line.expect("its output is ours").expect("it runs")).expect("a line is JSON")
    }
}

/// A serving Plaza that mails through a port of this machine, trusting a certificate or not.
async fn plaza(url: &str, smtp: &str, trusts: Option<&Certificate>) -> Process {
    let folder = cluster().folder("mail-data").display().to_string();
    let mut settings =
        vec![("DATABASE_URL", url), ("PLAZA_JWT_SECRET", SECRET), ("SMTP_URL", smtp), ("PLAZA_DATA_DIR", &folder)];
    settings.push(("PLAZA_MAIL_FROM", "Plaza <no-reply@plaza.example.com>"));
    if let Some(certificate) = trusts {
        settings.push(("SSL_CERT_FILE", &certificate.certificate));
    }
    Process::with(&settings).await
}

async fn ask_code(plaza: &Process, to: &str) {
    let variables = json!({ "input": { "contact": contact(to), "purpose": "LOGIN" } });
    let answer = post(plaza.address, None, REQUEST, variables).await;
    assert_eq!(answer.data()["requestVerificationCode"], json!({ "ok": true, "userErrors": [] }));
}

/// The six digits in a text.
fn code_in(text: &str) -> String {
    let digits = text.split(|c: char| !c.is_ascii_digit()).find(|part| part.len() == 6);
    digits.unwrap_or_else(|| panic!("no code in {text}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_over_tls_to_a_real_server() {
    let certificate = Certificate::new("mail-tls");
    for (mode, scheme, ending) in [("smtps", "smtps", ""), ("starttls", "smtp", "?tls=required")] {
        let port = free_port().port();
        let mut smtpd = Smtpd::start(port, mode, &certificate, 0).await;
        let url = cluster().database().await;
        let smtp = format!("{scheme}://ada:correct%20horse@localhost:{port}{ending}");
        let plaza = plaza(&url, &smtp, Some(&certificate)).await;
        ask_code(&plaza, "ada@example.com").await;
        let mail = smtpd.next().await;
        assert_eq!(mail["recipients"], json!(["ada@example.com"]), "{mail}");
        assert_eq!((&mail["sender"], &mail["encrypted"]), (&json!("no-reply@plaza.example.com"), &json!(true)));
        assert_eq!(mail["from"], "Plaza <no-reply@plaza.example.com>");
        let (subject, body) = (mail["subject"].as_str().unwrap(), mail["body"].as_str().unwrap());
        assert!(subject.contains("登录验证码") && body.contains("Your code to sign in"), "{mail}");
        assert_eq!(code_in(subject), code_in(body));
        let signed_in = post(plaza.address, None, LOGIN, by_code("ada@example.com", &code_in(body))).await;
        assert_eq!(signed_in.data()["login"]["user"]["private"], Value::Null, "no token was sent along");
        assert_eq!(signed_in.data()["login"]["user"]["username"], "u10000000");
        assert!(plaza.log().iter().all(|line| !line.contains(&code_in(body))), "the code is not in the log");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_trusted_certificate_gets_no_mail() {
    let certificate = Certificate::new("mail-untrusted");
    let port = free_port().port();
    let _smtpd = Smtpd::start(port, "smtps", &certificate, 0).await;
    let url = cluster().database().await;
    let plaza = plaza(&url, &format!("smtps://ada:correct%20horse@localhost:{port}"), None).await;
    ask_code(&plaza, "ada@example.com").await;
    until("it was tried", || async { plaza.log().iter().any(|line| line.contains("message not delivered")) }).await;
    let told = plaza.log().into_iter().find(|line| line.contains("message not delivered")).unwrap();
    assert!(told.to_lowercase().contains("certificate") && !told.contains("horse"), "{told}");
    let client = connect(&url).await;
    let waiting = client.query_one("select tries from outgoing_messages", &[]).await.unwrap();
    assert!(waiting.get::<_, i32>(0) >= 1, "it waits");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_survives_a_dead_mail_server_and_a_killed_plaza() {
    let certificate = Certificate::new("mail-restart");
    let port = free_port().port();
    let url = cluster().database().await;
    let smtp = format!("smtps://ada:correct%20horse@localhost:{port}");
    let first = plaza(&url, &smtp, Some(&certificate)).await;
    ask_code(&first, "ada@example.com").await;
    until("it was tried", || async { first.log().iter().any(|line| line.contains("message not delivered")) }).await;
    first.kill().await;
    // The server comes back, and puts the first message off.
    let mut smtpd = Smtpd::start(port, "smtps", &certificate, 1).await;
    // Killed in the middle of a try, it would wait for the lease to end; nothing else is hurried here.
    let client = connect(&url).await;
    client
        .batch_execute("update outgoing_messages set due_at = least(due_at, now() + interval '1 second')")
        .await
        .unwrap();
    let second = plaza(&url, &smtp, Some(&certificate)).await;
    assert_eq!(smtpd.next().await, json!({ "refused": ["ada@example.com"] }));
    let mail = smtpd.next().await;
    let code = code_in(mail["body"].as_str().unwrap());
    let signed_in = post(second.address, None, LOGIN, by_code("ada@example.com", &code)).await;
    assert_eq!(signed_in.data()["login"]["user"]["username"], "u10000000");
    until("the queue is empty", || async {
        client.query_one("select count(*) from outgoing_messages", &[]).await.unwrap().get::<_, i64>(0) == 0
    })
    .await;
    // A mailbox that there is not is not tried for ever, nor in the way of others.
    ask_code(&second, "nobody@example.com").await;
    ask_code(&second, "bo@example.com").await;
    assert_eq!(smtpd.next().await["recipients"], json!(["bo@example.com"]));
    until("it was given up", || async {
        client.query_one("select count(*) from outgoing_messages", &[]).await.unwrap().get::<_, i64>(0) == 0
    })
    .await;
}

type Posts = Arc<Mutex<Vec<(Option<String>, Value)>>>;

/// A gateway that fails at first: it answers 500, then not at all, then takes the rest.
async fn gateway() -> (String, Posts) {
    async fn take(State(posts): State<Posts>, headers: HeaderMap, Json(body): Json<Value>) -> StatusCode {
        let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
        let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(authorization.as_deref(), Some("Basic cGxhemE6c2VjcmV0"));
        let mut posts = posts.lock().unwrap();
        posts.push((key, body));
        if posts.len() == 1 { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::ACCEPTED }
    }
    let posts = Posts::default();
    let router = Router::new().route("/sms", on_post(take)).with_state(Arc::clone(&posts));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://plaza:secret@{}/sms", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, posts)
}

/// A mail server that takes connections and never says a word holds up nothing but mail.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_mail_server_holds_up_no_sms() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let smtp = format!("smtp://{}", silent.local_addr().unwrap());
    let (gateway, posts) = gateway().await;
    let app = TestApp::with(&[("SMTP_URL", &smtp), ("SMS_WEBHOOK_URL", &gateway)]).await;
    for n in 0..30 {
        app.request_code(&format!("ada{n}@example.com"), "LOGIN").await;
    }
    let (_connection, _) = silent.accept().await.unwrap();
    app.request_code("13800138000", "LOGIN").await;
    until("the SMS was taken", || async { posts.lock().unwrap().len() == 2 }).await;
    assert_eq!(
        app.query_number("select count(*) from outgoing_messages where channel = 'EMAIL' and tries > 0").await,
        20,
        "so many are tried at once"
    );
    assert_eq!(
        app.query_number("select count(*) from outgoing_messages where channel = 'EMAIL'").await,
        30,
        "and none is lost"
    );
}

/// Taking the next messages waits for none that is on its way: all go over one connection.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_meanwhile_holds_nothing_up() {
    let app = TestApp::start().await;
    let more = tokio::spawn({
        let app = Arc::clone(&app.app);
        async move {
            loop {
                app.mailer.wake();
                tokio::task::yield_now().await;
            }
        }
    });
    for n in 0..5 {
        app.request_code(&format!("ada{n}@example.com"), "LOGIN").await;
        app.request_code(&format!("1380013800{n}"), "LOGIN").await;
    }
    until("all left", || async { app.outbox().len() == 10 }).await;
    until("the queue is empty", || async { app.query_number("select count(*) from outgoing_messages").await == 0 })
        .await;
    more.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_is_posted_until_the_gateway_takes_it() {
    let (gateway, posts) = gateway().await;
    let app = TestApp::with(&[("SMS_WEBHOOK_URL", &gateway)]).await;
    app.request_code("13800138000", "LOGIN").await;
    until("it was taken", || async { posts.lock().unwrap().len() == 2 }).await;
    let taken = posts.lock().unwrap().clone();
    assert_eq!(taken[0], taken[1], "the same message, by the same key");
    let message = &taken[1].1;
    assert_eq!((&message["kind"], &message["to"]), (&json!("sms"), &json!("+8613800138000")));
    let code = message["code"].as_str().unwrap();
    assert!(
        message["body"].as_str().unwrap().starts_with("【Plaza】") && message["body"].as_str().unwrap().contains(code)
    );
    assert!(message["at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().is_ok());
    let signed_in = app.payload(LOGIN, by_code("13800138000", code)).await;
    assert_eq!(signed_in["user"]["username"], "u10000000");
    until("the queue is empty", || async { app.query_number("select count(*) from outgoing_messages").await == 0 })
        .await;
    assert_eq!(posts.lock().unwrap().len(), 2, "once taken it is not sent again");
    // Mail has no way out here but the file.
    app.request_code("ada@example.com", "LOGIN").await;
    assert_eq!(app.wait_for_mail("ada@example.com", 1).await["kind"], "email");
    assert!(app.outbox().iter().all(|message| message["kind"] == "email"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_way_out_messages_go_to_a_file() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    app.request_code("ada@example.com", "LOGIN").await;
    let line = app.wait_for_mail("ada@example.com", 1).await;
    let mut names: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["at", "body", "code", "kind", "subject", "to"]);
    assert_eq!(other.outbox(), Vec::<Value>::new(), "who queued it sends it");
    let file = app.app.config.data_dir.join("outbox.jsonl");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // Unless it can't, or is gone.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    app.request_code("bo@example.com", "LOGIN").await;
    app.app.stop.cancel();
    until("another instance sent it", || async {
        other.outbox().iter().any(|message| message["to"] == "bo@example.com")
    })
    .await;
    std::fs::remove_dir(&file).unwrap();
    // What is of no use any more is not sent.
    app.sql().await.batch_execute("insert into outgoing_messages (channel, recipient, subject, body, only_if_known, due_at, created_at, expires_at)
        select 'EMAIL', 'late@example.com', 's', 'b', false, now() - interval '1 hour', now() - interval '1 hour', now() - interval '1 minute'").await.unwrap();
    until("the queue is empty", || async { app.query_number("select count(*) from outgoing_messages").await == 0 })
        .await;
    assert!(app.outbox().iter().chain(&other.outbox()).all(|message| message["to"] != "late@example.com"));
}
