//! The real npm clients against the built binary, while sockets are cut and the server is killed.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::harness::cluster;
use crate::harness::process::{Process, free_port};

const MESSAGES: u32 = 2000;

/// Longer than anything takes: 2,000 messages take about ten seconds.
const PATIENCE: Duration = Duration::from_secs(150);

fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    assert!(folder.join("node_modules/graphql-ws").is_dir(), "the npm clients are missing: run `make clients`");
    folder
}

/// Runs the chat and hands each line to `on_line`; returns the summary.
async fn chat(address: &str, cut: &str, mut on_line: impl AsyncFnMut(&str)) -> Value {
    let mut node = Command::new("node")
        .current_dir(folder())
        .args(["chat.mjs", address, &MESSAGES.to_string(), cut])
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
    let last = tokio::time::timeout(PATIENCE, follow).await.expect("the chat ends in time");
    assert!(node.wait().await.expect("node ends").success(), "{last}");
    serde_json::from_str(&last).unwrap_or_else(|_| panic!("no summary: {last}"))
}

#[track_caller]
fn check(summary: &Value, least_connections: u64) {
    assert_eq!(summary["received"], MESSAGES, "{summary}");
    assert_eq!(summary["inOrder"], true, "{summary}");
    assert_eq!(summary["acknowledged"], MESSAGES, "every send got a seq of its own: {summary}");
    assert!(summary["opened"].as_u64().expect("a number") >= least_connections, "{summary}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_while_sockets_are_cut() {
    let url = cluster().empty_database().await;
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
        let killing = ["received 300", "received 800", "received 1200", "received 1600"].contains(&line);
        if killing {
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
