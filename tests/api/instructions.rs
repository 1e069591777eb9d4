//! Instructions that requests take, counted by callgrind in the built binary. Time depends on the machine and what else it
//! does; this hardly does. What makes a common request slower, such as a field that is no longer written at once, a
//! future that grew, or a cache that no longer finds anything, changes the count.
//!
//! Where a change makes a count fall, or rise for a reason, write the new one into [`EXPECTED`].

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::process::Process;
use crate::harness::{Person, cluster, post};

/// Thousands of instructions of a request, without optimisation.
const EXPECTED: [(&str, u64); 4] = [("feed", 3820), ("item", 2190), ("messages", 4700), ("send", 2140)];

/// How far a count may be from what is expected, in per cent: between machines and compilers they differ by some.
const MARGIN: u64 = 10;

/// Requests that are counted at once.
const COUNTED: u64 = 5;

/// How often that is done. The smallest count is taken: the server does other work as well.
const ROUNDS: usize = 3;

/// Twenty people with a picture, two items of each with three pictures, and sixty messages between ada and the first.
const DATA: &str = "
    insert into users (username, username_key, nickname) select 'p' || n, 'p' || n, 'P' || n from generate_series(1, 20) n;
    insert into profiles (user_id) select id from users where username like 'p%';
    insert into blobs (sha256, content_type, name, size_bytes, stored, uses, wanted_at)
        select sha256(n::text::bytea), 'image/png', 'picture-' || n || '.png', 9, true, 1, now() from generate_series(1, 140) n;
    insert into media (owner_id, blob_id, width, height, file_name, created_at)
        select 1 + (n + 19) % 20 + 1, n, 9, 9, 'a.png', now() from generate_series(1, 140) n;
    update users set avatar_id = id - 1 where username like 'p%';
    insert into items (owner_id, title, category, price, condition, note, direction, created_at, updated_at, status)
        select 2 + n % 20, 'a lamp with the number ' || n, 1, 100 * n, 9, 'a longer text about it', 'SELL', now(), now(), 'OPEN'
        from generate_series(1, 40) n;
    insert into item_images select 1 + (n / 3), n % 3, 21 + n from generate_series(0, 119) n;
    insert into conversations (kind, low_user_id, high_user_id, last_seq, version, answered) values ('DIRECT', 1, 2, 60, 60, true);
    insert into members (conversation_id, user_id) values (1, 1), (1, 2);
    insert into messages (conversation_id, seq, sender_id, type, content, is_private)
        select 1, n, 1 + n % 2, 'TEXT', jsonb_build_object('type', 'TEXT', 'text', 'message number ' || n), false
        from generate_series(1, 60) n;
    analyze";

const WORKLOADS: [(&str, &str); 4] = [
    (
        "feed",
        "{ items(first: 20, filter: { status: [OPEN] }) { nodes { id title price createdAt images { url }
            owner { nickname avatar { url } verification } favoriteCount isFavorite } } }",
    ),
    (
        "item",
        "query ($item: ID!) { item(id: $item) { id title note price images { url } favoriteCount
            owner { nickname avatar { url } items(first: 4, filter: { status: [OPEN] }) { nodes { id title price } } } } }",
    ),
    (
        "messages",
        "query ($conversation: ID!) { conversation(id: $conversation) { messages(last: 50) { nodes { id seq createdAt
            content { ... on TextContent { text } } sender { nickname avatar { url } } } } } }",
    ),
    (
        "send",
        "mutation ($conversation: ID!) { sendMessage(input: { to: { conversationId: $conversation },
            content: { text: { text: \"hello\" } } }) { message { id seq sender { nickname } } userErrors { code } } }",
    ),
];

/// A server under callgrind.
struct CountedServer {
    process: Process,
    ada: Person,
    folder: PathBuf,
}

impl CountedServer {
    async fn start() -> Self {
        let url = cluster().database().await;
        let folder = cluster().folder("instructions");
        std::fs::create_dir_all(&folder).expect("the folder is ours");
        let process = Process::under_callgrind(&url, &folder).await;
        let register = "mutation { register(input: { username: \"ada\", password: \"correct horse\" }) {
            tokens { accessToken refreshToken } user { id } userErrors { code } } }";
        let ada =
            Person::new(process.address, &post(process.address, None, register, json!({})).await.data()["register"]);
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.expect("it answers");
        tokio::spawn(connection);
        client.batch_execute(DATA).await.expect("the tables take it");
        Self { process, ada, folder }
    }

    async fn ask(&self, document: &str) -> Value {
        let variables =
            json!({ "item": plaza::ids::ItemId(7).global(), "conversation": plaza::ids::ConversationId(1).global() });
        self.ada.data(document, variables).await
    }

    async fn control(&self, argument: &[&str]) {
        let id = self.process.id().to_string();
        let output =
            Command::new("callgrind_control").args(argument).arg(id).output().await.expect("valgrind is installed");
        assert!(output.status.success(), "{output:?}");
    }

    /// Instructions of a request.
    async fn count(&self, document: &str) -> u64 {
        for _ in 0..5 {
            self.ask(document).await;
        }
        let mut least = u64::MAX;
        for _ in 0..ROUNDS {
            self.control(&["--zero"]).await;
            self.control(&["-i", "on"]).await;
            for _ in 0..COUNTED {
                self.ask(document).await;
            }
            self.control(&["-i", "off"]).await;
            self.control(&["--dump"]).await;
            least = least.min(newest_total(&self.folder) / COUNTED);
        }
        least
    }
}

/// The count in the last file that callgrind wrote.
fn newest_total(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).expect("it is there").filter_map(|entry| {
        let path = entry.ok()?.path();
        let number: u64 = path.extension()?.to_str()?.parse().ok()?;
        path.file_name()?.to_str()?.starts_with("counts.").then_some((number, path))
    });
    let (_, newest) = files.max().expect("callgrind wrote one");
    let text = std::fs::read_to_string(newest).expect("it can be read");
    let total = text.lines().rev().find_map(|line| line.strip_prefix("totals: ")).expect("it has a total");
    total.trim().parse().expect("it is a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_take_the_expected_instructions() {
    let server = CountedServer::start().await;
    let mut wrong = Vec::new();
    for ((name, document), (expected_name, expected)) in WORKLOADS.iter().zip(EXPECTED) {
        assert_eq!(*name, expected_name);
        let counted = server.count(document).await / 1000;
        println!("{name}: {counted} thousand instructions");
        if counted.abs_diff(expected) * 100 > expected * MARGIN {
            wrong.push(format!("{name}: {counted} thousand, expected {expected} thousand"));
        }
    }
    server.process.terminate().await;
    assert_eq!(wrong, [""; 0], "more than {MARGIN} % off");
}
