//! The README is true: its code blocks are taken out and run, its tables compared with the code.

use std::process::Stdio;

use plaza::config::SETTINGS;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::files::jpeg;
use crate::harness::process::{Process, output};
use crate::harness::{PATIENCE, Socket, cluster, post};

const README: &str = include_str!("../../README.md");

/// The blocks of a language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let fence = format!("```{language}\n");
    README.split(fence.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// A server with the demo data, on the address that the README names or another one.
async fn demo() -> Process {
    let url = cluster().empty_database().await;
    let settings = [("DATABASE_URL", url.as_str()), ("PLAZA_JWT_SECRET", "a secret of the tests, long enough")];
    assert!(output(&["seed"], &settings).await.status.success());
    Process::on_database(&url).await
}

async fn shell(script: &str, plaza: &Process) -> String {
    let script = script.replace("127.0.0.1:8000", &plaza.address.to_string());
    let run = Command::new("sh")
        .args(["-ec", &script])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, run).await.expect("it ends").expect("a shell runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{script}\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_query_and_the_first_subscription_work_as_written() {
    let plaza = demo().await;
    let scripts = blocks("sh");
    let query = scripts.iter().find(|script| script.starts_with("curl")).expect("a first query");
    let answer: Value = serde_json::from_str(&shell(query, &plaza).await).unwrap();
    assert_eq!(answer["data"]["userByAccountNumber"]["username"], "ada");
    let subscription = scripts.iter().find(|script| script.contains("graphql-ws")).expect("a first subscription");
    let heard = shell(subscription, &plaza).await;
    assert!(heard.lines().any(|line| line == "Ada: Hello, Plaza!"), "{heard}");
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_uploads_a_picture_as_written() {
    let plaza = demo().await;
    let login =
        "mutation { login(input: { credential: { password: { account: \"ada\", password: \"plaza-demo\" } } }) {
        tokens { accessToken } } }";
    let answer = post(plaza.address, None, login, json!({})).await;
    let token = answer.data()["login"]["tokens"]["accessToken"].as_str().unwrap().to_owned();
    let picture = cluster().folder("curl").join("picture.jpg");
    std::fs::create_dir_all(picture.parent().unwrap()).unwrap();
    std::fs::write(&picture, jpeg(900, 600, 6, false)).unwrap();
    let script = blocks("sh").into_iter().find(|script| script.contains("uploadFile")).expect("an upload");
    let script = script.replace("picture.jpg", &picture.display().to_string());
    let answer: Value = serde_json::from_str(&shell(&format!("TOKEN={token}\n{script}"), &plaza).await).unwrap();
    let payload = &answer["data"]["uploadFile"];
    assert_eq!((&payload["media"]["width"], &payload["userErrors"]), (&json!(600), &json!([])), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_graphql_blocks_work_one_after_the_other() {
    let plaza = demo().await;
    let mut token: Option<String> = None;
    let blocks = blocks("graphql");
    assert!(blocks.len() >= 3);
    for block in blocks {
        if block.starts_with("subscription") {
            let authorization = format!("Bearer {}", token.as_deref().expect("signed in before"));
            let mut socket = Socket::open(plaza.address, json!({ "authorization": authorization })).await;
            socket.subscribe(block, json!({})).await;
            // She writes to herself until she hears it: nobody says when the subscription has begun, and earlier
            // messages of the demo's may come first.
            let me = "mutation ($id: ID!) { sendMessage(input: { to: { userId: $id },
                content: { text: { text: \"heard\" } } }) { userErrors { code } } }";
            let id = plaza::ids::UserId(1).global();
            let mut ticks = tokio::time::interval(std::time::Duration::from_millis(200));
            let hear =
                async { while socket.next().await["messageReceived"]["message"]["content"]["text"] != "heard" {} };
            let write = async {
                loop {
                    ticks.tick().await;
                    post(plaza.address, token.as_deref(), me, json!({ "id": id })).await.data();
                }
            };
            tokio::select! {
                () = hear => {}
                () = write => {}
            }
            continue;
        }
        let answer = post(plaza.address, token.as_deref(), block, json!({})).await;
        let data = answer.data();
        if let Some(access) = data["login"]["tokens"]["accessToken"].as_str() {
            token = Some(access.to_owned());
        }
        if let Some(nodes) = data["viewer"]["conversations"]["nodes"].as_array() {
            assert!(nodes.len() >= 3, "the demo data is there: {data}");
        }
    }
}

#[test]
fn the_settings_table_is_the_code_s() {
    let expected: Vec<String> = SETTINGS
        .iter()
        .map(|setting| format!("| `{}` | {} | {} |", setting.name, setting.default, setting.meaning))
        .collect();
    let found: Vec<&str> = README
        .lines()
        .skip_while(|line| !line.starts_with("## Settings"))
        .take_while(|line| !line.starts_with("### "))
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn the_commands_are_those_of_the_help() {
    let help = String::from_utf8(output(&["--help"], &[]).await.stdout).unwrap();
    for command in ["serve", "migrate", "schema", "seed", "promote", "token"] {
        assert!(help.contains(&format!("  {command} ")), "{help}");
        assert!(README.contains(&format!("| `plaza {command}")), "{command} is not in the README");
    }
    let makefile = include_str!("../../Makefile");
    for block in blocks("sh") {
        for line in block.lines().filter(|line| line.starts_with("make ")) {
            let targets = line.split(['#', '&']).next().unwrap().trim_start_matches("make ").split_whitespace();
            for target in targets {
                assert!(makefile.contains(&format!("\n{target}:")), "`make {target}` is not in the Makefile");
            }
        }
    }
}

#[test]
fn the_error_codes_are_those_of_the_code() {
    let code = include_str!("../../src/error.rs");
    let mut expected: Vec<&str> = code
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \"")?.1.strip_suffix("\","))
        .collect();
    let mut found: Vec<&str> = README
        .lines()
        .skip_while(|line| !line.starts_with("| `extensions.code`"))
        .skip(2)
        .take_while(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert!(expected.len() > 15, "{expected:?}");
    assert_eq!(found, expected);
}
