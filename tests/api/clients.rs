//! The real npm clients against the built binary, while sockets are cut and the server is killed; GraphiQL in Chromium.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use chrono::TimeDelta;
use plaza::auth::keys::Keys;
use plaza::auth::token::AccessTokens;
use plaza::clock::Clock;
use plaza::ids::UserId;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::harness::files::rgb_png;
use crate::harness::process::{Process, SECRET, free_port};
use crate::harness::{Person, TestApp, cluster, is_full, post};

/// Messages of a chat, in the short form and in the long one.
const MESSAGES: u32 = 600;
const MANY_MESSAGES: u32 = 2000;

fn messages() -> u32 {
    if is_full() { MANY_MESSAGES } else { MESSAGES }
}

/// Longer than anything takes: 2,000 messages take about ten seconds.
const WAIT_TIMEOUT: Duration = Duration::from_secs(150);

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    assert!(folder.join("node_modules/graphql-sse").is_dir(), "the npm clients are missing: run `make clients`");
    folder
}

/// Runs a script and hands each line to `on_line`; returns the summary, which is its last.
async fn run(arguments: &[&str], mut on_line: impl AsyncFnMut(&str)) -> Value {
    let mut node = Command::new("node")
        .current_dir(folder())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node runs");
    let mut lines = BufReader::new(node.stdout.take().expect("its output is ours")).lines();
    let follow = async {
        let mut last = String::new();
        while let Some(line) = lines.next_line().await.expect("lines come") {
            on_line(&line).await;
            last = line;
        }
        last
    };
    let last = tokio::time::timeout(WAIT_TIMEOUT, follow).await.expect("the script ends in time");
    assert!(node.wait().await.expect("node ends").success(), "{last}");
    serde_json::from_str(&last).unwrap_or_else(|_| panic!("no summary: {last}"))
}

/// Two people chat; one of them is cut off again and again.
async fn chat(address: &str, cut: &str, on_line: impl AsyncFnMut(&str)) -> Value {
    run(&["chat.mjs", address, &messages().to_string(), cut], on_line).await
}

#[track_caller]
fn check(summary: &Value, least_connections: u64) {
    assert_eq!(summary["received"], messages(), "{summary}");
    assert_eq!(summary["inOrder"], true, "{summary}");
    assert_eq!(summary["acknowledged"], messages(), "every send got a seq of its own: {summary}");
    assert!(summary["opened"].as_u64().expect("a number") >= least_connections, "{summary}");
}

/// The verdicts of the corpus are graphql-js' own, but for what the latest edition of the specification decides.
#[tokio::test(flavor = "multi_thread")]
async fn graphql_js_judges_the_corpus_alike() {
    let summary = run(&["judge.mjs"], async |_| {}).await;
    assert_eq!(summary["differences"], 0, "{summary}");
    assert!(summary["documents"].as_u64().is_some_and(|documents| documents >= 400), "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn apollo_client_uploads_files() {
    let app = TestApp::start().await;
    let picture = app.app.config.data_dir.join("picture.png");
    std::fs::write(&picture, rgb_png(700, 500)).unwrap();
    let summary = run(&["upload.mjs", &app.address.to_string(), &picture.display().to_string()], async |_| {}).await;
    let avatar = &summary["one"]["user"]["avatar"];
    assert_eq!((&avatar["fileName"], &avatar["width"]), (&json!("照片.png"), &json!(700)), "{summary}");
    let kinds = [&summary["several"]["media"][0]["contentType"], &summary["several"]["media"][1]["contentType"]];
    assert_eq!(kinds, ["image/png", "text/plain"], "{summary}");
    assert_eq!(summary["found"], 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_while_sockets_are_cut() {
    let url = cluster().database().await;
    let plaza = Process::on_database(&url).await;
    let summary = chat(&plaza.address.to_string(), "sockets", async |_| {}).await;
    check(&summary, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_while_the_server_is_killed() {
    let folder = cluster().folder("killed");
    let address = free_port();
    let mut plaza = Some(Process::on_folder(&folder, address).await);
    let mut kills = 0;
    let summary = chat(&address.to_string(), "nothing", async |line| {
        if kills < 4 && line == format!("received {}", (kills + 1) * (messages() / 600) * 100) {
            plaza.take().expect("it runs").kill().await;
            plaza = Some(Process::on_folder(&folder, address).await);
            kills += 1;
        }
    })
    .await;
    assert_eq!(kills, 4);
    check(&summary, 5);
    assert_eq!(plaza.expect("it runs").terminate().await.0, Some(0));
}

/// GraphQL over HTTP, as npm's suite has it.
#[tokio::test(flavor = "multi_thread")]
async fn all_audits_of_graphql_http_pass() {
    let plaza = Process::on_database(&cluster().database().await).await;
    let summary = run(&["audits.mjs", &plaza.address.to_string()], async |_| {}).await;
    assert_eq!((&summary["total"], &summary["ok"]), (&Value::from(61), &Value::from(61)), "{summary}");
}

/// Graphql-sse's client, its line cut again and again, resumes by the id of the last event.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_while_event_streams_are_cut() {
    let plaza = Process::on_database(&cluster().database().await).await;
    let summary = run(&["sse.mjs", &plaza.address.to_string(), &(messages() / 2).to_string()], async |_| {}).await;
    assert!(summary["cuts"].as_u64().is_some_and(|cuts| cuts >= 3), "{summary}");
}

/// Graphql-ws's client comes back by itself with a fresh token, and loses nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_comes_back_with_a_fresh_token() {
    let url = cluster().database().await;
    let plaza = Process::on_database(&url).await;
    let register = "mutation { register(input: { username: \"ada\", password: \"correct horse\" }) {
        tokens { accessToken refreshToken } user { id } } }";
    let answer = post(plaza.address, None, register, json!({})).await;
    let ada = Person::new(plaza.address, &answer.data()["register"]);
    let tokens = AccessTokens::new(Keys::new(SECRET, None));
    let now = Clock::System.now();
    let session = tokens.verify(&ada.token, now).expect("the secret is the tests'").session_id;
    let (ending, _) = tokens.issue_for(UserId(ada.key()), session, now, TimeDelta::seconds(6)).expect("it is signed");
    let summary = run(&["ws.mjs", &plaza.address.to_string(), &ending, &ada.token], async |_| {}).await;
    assert_eq!(summary["expiry"]["closed"][0]["reason"], "token-expired", "{summary}");
}

/// A person opens GraphiQL, reads the docs, runs a query and sees a message arrive; nothing is asked of other hosts.
#[tokio::test(flavor = "multi_thread")]
async fn graphiql_works_in_a_browser() {
    let plaza = Process::on_database(&cluster().database().await).await;
    let picture = cluster().folder("graphiql.png").display().to_string();
    run(&["graphiql.mjs", &plaza.address.to_string(), &picture], async |_| {}).await;
    assert!(std::fs::metadata(&picture).expect("a picture was taken").len() > 10_000);
}

/// What graphql-ws's client hears of a conversation, step by step, in each of the subscriptions.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_hears_everything_of_a_conversation() {
    let plaza = Process::on_database(&cluster().database().await).await;
    let summary = run(&["talk.mjs", &plaza.address.to_string()], async |_| {}).await;
    insta::assert_json_snapshot!(summary["steps"]);
}
