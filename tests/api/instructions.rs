//! What common requests cost in instructions and allocations of the server, as callgrind counts them: no timing, so that a
//! step back is seen on any machine, whatever else runs there.
//!
//! Counted is what answers a request, from its parsed body to the bytes of the response, and what appends messages. Reading and
//! writing sockets, to clients and to PostgreSQL, is not. The build is the one that the tests run, without optimisation: the numbers are
//! compared with earlier ones alone.

use std::path::Path;

use plaza::ids::{ConversationId, ItemId};
use serde_json::json;

use crate::harness::process::Process;
use crate::harness::{SEND, cluster};
use crate::market_statements::{CARD, market};

/// Requests that are counted of each kind.
const COUNTED: u64 = 5;

/// Requests of each kind that come before: what is kept in memory or prepared once is not counted.
const WARM_UP: usize = 3;

/// What a request may cost more, or less, than is written down, in per cent.
const MARGIN: u64 = 5;

/// The functions whose instructions are counted, with what they call: none of them calls another of them.
const ANSWER: [&str; 2] =
    ["plaza::http::graphql::respond::{{closure}}", "plaza::domains::chat::service::send::append_batch::{{closure}}"];

const ITEM: &str = "query ($id: ID!) { item(id: $id) { id title note price images { url } favoriteCount isFavorite
    owner { username nickname avatar { url } items(first: 4, filter: { status: [OPEN] }) { nodes { id title price } } } } }";

const MESSAGES: &str = "query ($id: ID!) { conversation(id: $id) { messages(last: 50) { nodes {
    id content { ... on TextContent { text } } createdAt sender { username avatar { url } } } } } }";

/// Cost of a request.
#[derive(Debug, PartialEq)]
struct Cost {
    instructions: u64,
    allocations: u64,
}

/// A function of one instruction, which the compiler calls at each allocation.
const ALLOCATION: &str = "__rustc::__rust_no_alloc_shim_is_unstable_v2";

/// Reads what callgrind wrote of the counted requests. Its counts of calls go on while nothing is collected, so allocations
/// are the instructions of a function.
fn read_profile(path: &Path) -> Cost {
    let profile = std::fs::read_to_string(path).expect("callgrind wrote it");
    let sum = profile.lines().find_map(|line| line.strip_prefix("summary: ")).expect("a sum");
    // Functions are named where they first stand, and are numbers after that.
    let named = profile.lines().find_map(|line| {
        let (number, name) = line.strip_prefix("cfn=").or_else(|| line.strip_prefix("fn="))?.split_once(' ')?;
        (name == ALLOCATION).then_some(number)
    });
    let number = named.expect("something is allocated");
    let (mut is_allocation, mut is_call) = (false, false);
    let mut allocations = 0;
    for line in profile.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            is_allocation = function.split(' ').next() == Some(number);
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            // A line of the source and what it cost; behind a call, what that cost.
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
            allocations += cost.filter(|_| is_allocation && !is_call).unwrap_or_default();
            is_call = false;
        }
    }
    let instructions = sum.trim().parse::<u64>().expect("a number");
    Cost { instructions: instructions / COUNTED, allocations: allocations / COUNTED }
}

#[tokio::test(flavor = "multi_thread")]
async fn common_requests_cost_as_many_instructions_and_allocations_as_before() {
    let (app, _ada, bo) = market().await;
    app.sql()
        .await
        .batch_execute(
            "insert into conversations (kind, low_user_id, high_user_id, last_seq, version, answered)
                 values ('DIRECT', 1, 2, 100, 100, true);
             insert into members (conversation_id, user_id) values (1, 1), (1, 2);
             insert into messages (conversation_id, seq, sender_id, type, content, is_private)
                 select 1, n, 1 + n % 2, 'TEXT', jsonb_build_object('type', 'TEXT', 'text', '你好，还在吗 ' || n), false
                 from generate_series(1, 100) n;
             analyze",
        )
        .await
        .unwrap();
    let conversation = ConversationId(1).global();
    let message = json!({ "to": { "conversationId": conversation }, "content": { "text": { "text": "你好" } } });
    let item = ItemId(1).global();
    let feed = format!("{{ items(first: 20) {{ nodes {{ id createdAt {CARD} }} }} }}");
    let requests = [
        ("feed", feed.as_str(), json!({}), Cost { instructions: 1_880_000, allocations: 144 }),
        ("item", ITEM, json!({ "id": item }), Cost { instructions: 1_475_000, allocations: 268 }),
        ("messages", MESSAGES, json!({ "id": conversation }), Cost { instructions: 3_390_000, allocations: 326 }),
        ("send", SEND, json!({ "input": message }), Cost { instructions: 712_000, allocations: 131 }),
    ];

    let folder = cluster().folder("callgrind");
    std::fs::create_dir_all(&folder).unwrap();
    let profile = folder.join("profile");
    let plaza = Process::under_callgrind(&app.url, &ANSWER, &profile).await;
    let bo = bo.on_instance(plaza.address);
    let mut found = Vec::new();
    for (n, (name, document, variables, expected)) in requests.into_iter().enumerate() {
        // What is kept in memory, or prepared once.
        for _ in 0..WARM_UP {
            bo.data(document, variables.clone()).await;
        }
        plaza.reset_counts().await;
        for _ in 0..COUNTED {
            bo.data(document, variables.clone()).await;
        }
        plaza.write_counts().await;
        let cost = read_profile(&folder.join(format!("profile.{}", n + 1)));
        println!("{name}: {cost:?}");
        found.push((name, cost, expected));
    }
    let is_near = |cost: u64, expected: u64| cost.abs_diff(expected) * 100 <= expected * MARGIN;
    for (name, cost, expected) in found {
        assert!(
            is_near(cost.instructions, expected.instructions) && is_near(cost.allocations, expected.allocations),
            "{name} costs {cost:?}, and cost {expected:?}: if that is meant, write down what it costs"
        );
    }
}
