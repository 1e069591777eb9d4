//! The documents' code blocks work as written, one document after the other, on a server with the demo data.

use std::process::Stdio;
use std::time::Duration;

use plaza::db::migrate;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::{Block, Document, documents, root};
use crate::harness::files::jpeg;
use crate::harness::process::{Process, SECRET, output};
use crate::harness::{Socket, WAIT_TIMEOUT, cluster, post};

const LOGIN: &str =
    "mutation ($name: String!) { login(input: { credential: { password: { account: $name, password: \"plaza-demo\" } } }) {
    tokens { accessToken } } }";

/// A server with the demo data.
struct Demo {
    plaza: Process,
    database: String,
    picture: String,
}

/// The demo's database, which takes seconds to fill: the servers of all these tests share it.
static DATABASE: OnceCell<String> = OnceCell::const_new();

async fn seed() -> String {
    let database = cluster().empty_database().await;
    let settings = [("DATABASE_URL", database.as_str()), ("PLAZA_JWT_SECRET", SECRET)];
    assert!(output(&["seed"], &settings).await.status.success());
    database
}

impl Demo {
    async fn new(name: &str) -> Self {
        let database = DATABASE.get_or_init(seed).await.clone();
        let picture = cluster().folder(name).join("picture.jpg");
        std::fs::create_dir_all(picture.parent().unwrap()).unwrap();
        std::fs::write(&picture, jpeg(900, 600, 6, false)).unwrap();
        Self { plaza: Process::on_database(&database).await, database, picture: picture.display().to_string() }
    }

    async fn token(&self) -> String {
        self.token_of("ada").await
    }

    async fn token_of(&self, name: &str) -> String {
        let answer = post(self.plaza.address, None, LOGIN, json!({ "name": name })).await;
        answer.data()["login"]["tokens"]["accessToken"].as_str().expect("they sign in").to_owned()
    }

    /// Runs a block in a shell, from the root of the repository.
    async fn shell(&self, script: &str) -> String {
        let script = script.replace("127.0.0.1:8000", &self.plaza.address.to_string());
        let script = script.replace("picture.jpg", &self.picture);
        let run = Command::new("sh")
            .args(["-ec", &script])
            .current_dir(root())
            .env("TOKEN", self.token().await)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = tokio::time::timeout(WAIT_TIMEOUT, run).await.expect("it ends").expect("a shell runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{script}\n{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// Runs a command of `plaza` on the demo's database.
    async fn command(&self, line: &str) {
        let arguments: Vec<&str> = line.split_whitespace().skip(1).collect();
        let settings = [("DATABASE_URL", self.database.as_str()), ("PLAZA_JWT_SECRET", SECRET)];
        let output = output(&arguments, &settings).await;
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Fails where a response has errors, or a payload user errors.
fn check_answer(answer: &Value, of: &str) {
    assert!(answer["errors"].is_null() && answer["data"].is_object(), "{of}\n{answer}");
    for (_, payload) in answer["data"].as_object().into_iter().flatten() {
        assert!(payload["userErrors"].as_array().is_none_or(Vec::is_empty), "{of}\n{answer}");
    }
}

fn blocks(language: &'static str) -> impl Iterator<Item = (Document, Vec<String>)> {
    documents().into_iter().filter_map(move |document| {
        let texts = document.blocks().into_iter().filter(|block| block.language == language).map(|block| block.text);
        let texts: Vec<String> = texts.collect();
        (!texts.is_empty()).then_some((document, texts))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn shell_blocks_work_as_written() {
    let demo = Demo::new("documents-shell").await;
    for (document, texts) in blocks("sh") {
        for text in texts {
            let of = format!("{}: {text}", document.path);
            if text.starts_with("curl ") {
                let said = demo.shell(&text).await;
                match serde_json::from_str::<Value>(&said) {
                    Ok(answer) => check_answer(&answer, &of),
                    Err(_) => assert!(!said.is_empty() && !text.contains("graphql"), "{of}\n{said}"),
                }
            } else if text.contains("<<'JS'") {
                let said = demo.shell(&text).await;
                assert!(said.lines().any(|line| line == "Ada: Hello, Plaza!"), "{of}\n{said}");
            } else {
                for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                    check_line(&demo, line.split(" #").next().unwrap_or_default().trim(), &of).await;
                }
            }
        }
    }
}

/// A line of a block that is not run as a whole: make targets that exist, tests that exist, commands that work.
async fn check_line(demo: &Demo, line: &str, of: &str) {
    let makefile = include_str!("../../../Makefile");
    let modules = include_str!("../main.rs");
    if let Some(targets) = line.strip_prefix("make ") {
        for target in targets.split_whitespace() {
            assert!(makefile.contains(&format!("\n{target}:")), "{of}: `make {target}` is not in the Makefile");
        }
    } else if let Some(arguments) = line.strip_prefix("cargo test ") {
        let named = arguments.split_whitespace().find_map(|word| word.split_once("::"));
        let (module, test) = named.unwrap_or_else(|| panic!("{of}: {line} names no module of tests"));
        assert!(modules.contains(&format!("mod {module};")), "{of}: there are no tests {module}");
        let start = format!("fn {test}");
        assert!(
            test.is_empty() || Document::read(&format!("tests/api/{module}.rs")).text.contains(&start),
            "{of}: {line}"
        );
    } else if line.starts_with("plaza serve") {
        let arguments: Vec<&str> = line.split_whitespace().skip(1).chain(["--help"]).collect();
        assert!(output(&arguments, &[]).await.status.success(), "{of}: {line}");
    } else if line.starts_with("plaza ") {
        demo.command(line).await;
    } else {
        panic!("{of}: the tests don't know how to run {line:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_query_finds_ada() {
    let demo = Demo::new("documents-first").await;
    for path in ["README.md", "docs/api/quickstart.md"] {
        let document = Document::read(path);
        let first = document.blocks().into_iter().find(|block| block.text.starts_with("curl")).expect("a first query");
        let answer: Value = serde_json::from_str(&demo.shell(&first.text).await).unwrap();
        assert_eq!(answer["data"]["userByAccountNumber"]["username"], "ada", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_uploads_a_picture_as_written() {
    let demo = Demo::new("documents-upload").await;
    let document = Document::read("docs/api/files.md");
    let upload = document.blocks().into_iter().find(|block| block.text.contains("uploadFile")).expect("an upload");
    let answer: Value = serde_json::from_str(&demo.shell(&upload.text).await).unwrap();
    let payload = &answer["data"]["uploadFile"];
    assert_eq!((&payload["media"]["width"], &payload["userErrors"]), (&json!(600), &json!([])), "{answer}");
}

/// A document that signs in is run signed out until then; the others are run as ada.
#[tokio::test(flavor = "multi_thread")]
async fn graphql_blocks_work_one_after_the_other() {
    let demo = Demo::new("documents-graphql").await;
    let mut count = 0;
    for (document, texts) in blocks("graphql") {
        let signs_in = texts.iter().any(|text| text.contains("login("));
        let mut token = if signs_in { None } else { Some(demo.token().await) };
        for text in texts {
            count += 1;
            if text.starts_with("subscription") {
                hear(&demo, &text).await;
                continue;
            }
            let answer = post(demo.plaza.address, token.as_deref(), &text, json!({})).await;
            check_answer(&answer.body, &format!("{}: {text}", document.path));
            let data = answer.data();
            if let Some(access) = data["login"]["tokens"]["accessToken"].as_str() {
                token = Some(access.to_owned());
            }
            if let Some(nodes) = data["viewer"]["conversations"]["nodes"].as_array() {
                assert!(nodes.len() >= 3, "the demo data is there: {data}");
            }
        }
    }
    assert!(count >= 6, "{count} blocks");
}

/// Subscribes to messages, their changes, events, typing or presence as lan, for another test of this database may listen as ada; writes
/// to lan herself and edits that, or has another user type to her or show their presence, until that comes: no answer says when a subscription has begun, and earlier messages of the demo's may come first.
async fn hear(demo: &Demo, subscription: &str) {
    let address = demo.plaza.address;
    let token = demo.token_of("lan").await;
    let mut socket = Socket::open(address, json!({ "authorization": format!("Bearer {token}") })).await;
    socket.subscribe(subscription, json!({})).await;
    let write_to_self = "mutation ($id: ID!) { sendMessage(input: { to: { userId: $id },
        content: { text: { text: \"heard\" } } }) { message { id } userErrors { code } } }";
    let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"heard\") { userErrors { code } } }";
    let type_to = "mutation ($id: ID!) { typing: setTyping(to: { userId: $id }, state: TYPING) { ok }
        finished: setTyping(to: { userId: $id }, state: FINISHED) { ok } }";
    let show = "mutation { updateProfile(input: { presenceVisibility: FRIENDS }) { userErrors { code } } }";
    let (expected, said, writer) = if subscription.contains("typing {") {
        ("\"TYPING\"", type_to, demo.token_of("emma88").await)
    } else if subscription.contains("presenceChanged {") {
        ("\"isOnline\"", show, demo.token_of("mei-lin").await)
    } else {
        ("\"heard\"", write_to_self, token.clone())
    };
    let own = post(address, Some(&token), "{ viewer { user { id } } }", json!({})).await;
    let id = own.data()["viewer"]["user"]["id"].clone();
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    let hear = async { while !socket.next().await.to_string().contains(expected) {} };
    let write = async {
        loop {
            ticks.tick().await;
            let answer = post(address, Some(&writer), said, json!({ "id": id })).await;
            if let Some(id) = answer.data()["sendMessage"]["message"]["id"].as_str() {
                post(address, Some(&writer), edit, json!({ "id": id })).await.data();
            }
        }
    };
    tokio::select! {
        () = hear => {}
        () = write => {}
    }
}

/// `create database plaza owner plaza …`, as the operator's manual has it, makes a database that can be migrated.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_made_as_written() {
    let mut count = 0;
    for (document, texts) in blocks("sql") {
        for text in texts {
            let start = "create database plaza owner plaza ";
            let options = text.lines().find_map(|line| line.strip_prefix(start)?.strip_suffix(';'));
            let options = options.unwrap_or_else(|| panic!("{}: {text}", document.path));
            migrate::run(&cluster().database_with(options).await).await.expect("the database is fit");
            count += 1;
        }
    }
    assert_eq!(count, 1);
}

/// Nothing that could be run is hidden behind a language that the tests don't know.
#[test]
fn blocks_are_of_known_languages() {
    for document in documents() {
        for Block { language, text } in document.blocks() {
            match language {
                "graphql" | "sh" | "sql" | "rust" | "nginx" | "ini" | "text" => {}
                "json" => drop(serde_json::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{text}: {error}"))),
                other => panic!("{}: a block of {other:?}", document.path),
            }
        }
    }
}
