//! Fetching without listening: what none of a user's devices has fetched is given once, and everything can be fetched anew.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Person, TestApp};

const PULL: &str = "mutation ($first: Int! = 100) { pullNewMessages(first: $first) {
    messages { id seq sender { username } content { ... on TextContent { text } } conversation { id } } hasMore userErrors { code } } }";
const SEEN: &str = "query ($new: Boolean! = false, $first: Int, $after: String, $last: Int, $before: String) { viewer {
    messages(undeliveredOnly: $new, first: $first, after: $after, last: $last, before: $before) { totalCount
        nodes { content { ... on TextContent { text } } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }";

impl Person {
    async fn pull(&self, first: i32) -> Value {
        let pulled = self.data(PULL, json!({ "first": first })).await["pullNewMessages"].clone();
        assert_eq!(pulled["userErrors"], json!([]));
        pulled
    }

    async fn seen(&self, arguments: Value) -> Value {
        self.data(SEEN, arguments).await["viewer"]["messages"].clone()
    }
}

fn texts(messages: &Value) -> Vec<String> {
    let text = |message: &Value| message["content"]["text"].as_str().unwrap_or("-").to_owned();
    messages.as_array().unwrap().iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_fetched_is_pulled_once() {
    let app = TestApp::start().await;
    let [ada, bo, lan] = &app.people(["ada", "bo", "lan"]).await;
    for n in 0..5 {
        ada.send_message(bo, &format!("a{n}")).await;
        lan.send_message(bo, &format!("l{n}")).await;
    }
    // What one says oneself is not fetched, and does not stand for what came before it.
    bo.send_message(ada, "mine").await;
    ada.send_message(bo, "a5").await;
    let waiting = bo.seen(json!({ "new": true, "first": 100 })).await;
    assert_eq!(waiting["totalCount"], 12, "with one's own");
    let first = bo.pull(4).await;
    assert_eq!(
        (texts(&first["messages"]), &first["hasMore"]),
        (["a0", "a1", "a2", "a3"].map(String::from).to_vec(), &json!(true))
    );
    assert_eq!(texts(&bo.pull(3).await["messages"]), ["a4", "a5", "l0"]);
    assert_eq!(texts(&bo.seen(json!({ "new": true })).await["nodes"]), ["l1", "l2", "l3", "l4"]);
    let last = bo.pull(100).await;
    assert_eq!(
        (texts(&last["messages"]), &last["hasMore"]),
        (["l1", "l2", "l3", "l4"].map(String::from).to_vec(), &json!(false))
    );
    assert_eq!(bo.pull(100).await, json!({ "messages": [], "hasMore": false, "userErrors": [] }));
    assert_eq!(bo.seen(json!({ "new": true })).await["totalCount"], 0);
    // What another device marked as delivered, or read, is not new; what is gone or hidden has nothing to give.
    let sent = ada.send_message(bo, "marked").await;
    let mark = "mutation ($id: ID!) { markConversationDelivered(to: { conversationId: $id }, upToSeq: 8) { userErrors { code } } }";
    bo.data(mark, json!({ "id": sent["conversation"]["id"] })).await;
    let hidden = ada.send_message(bo, "hidden").await["id"].clone();
    bo.on_message("deleteMessage(id: $id)", &hidden).await;
    let revoked = ada.send_message(bo, "revoked").await["id"].clone();
    ada.on_message("revokeMessage(id: $id)", &revoked).await;
    assert_eq!(texts(&bo.pull(100).await["messages"]), ["-"]);
    for first in [0, 101, -1] {
        assert_eq!(bo.run(PULL, json!({ "first": first })).await.code(), "BAD_USER_INPUT");
    }
    assert_eq!(app.run(PULL, json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_pull_at_once_share_what_is_new() {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "20")]).await;
    let other = app.another_instance().await;
    let (ada, bo) = (app.as_user("ada").await.retrying_overload(), app.as_user("bo").await.retrying_overload());
    let there = bo.on_instance(other.address);
    ada.send_message(&bo, "0").await;
    bo.send_message(&ada, "hi").await;
    let sends = async {
        for n in 1..60 {
            ada.send_message(&bo, &n.to_string()).await;
        }
    };
    let pulls = join_all((0..8).map(|n| {
        let device = if n % 2 == 0 { &bo } else { &there };
        async move {
            let mut found = Vec::new();
            for _ in 0..20 {
                found.extend(texts(&device.pull(3).await["messages"]));
            }
            found
        }
    }));
    let ((), found) = tokio::join!(sends, pulls);
    let mut found: Vec<String> = found.into_iter().flatten().collect();
    loop {
        let more = texts(&bo.pull(100).await["messages"]);
        if more.is_empty() {
            break;
        }
        found.extend(more);
    }
    let distinct: BTreeSet<&String> = found.iter().collect();
    assert_eq!((found.len(), distinct.len()), (60, 60), "each once");
    assert_eq!(app.audit().await, [""; 0]);
}

/// The sender hears that their messages arrived, in a direct conversation, while neither of the two blocks the other.
#[tokio::test(flavor = "multi_thread")]
async fn senders_are_told_what_was_delivered() {
    let app = TestApp::start().await;
    let [ada, bo] = &app.people(["ada", "bo"]).await;
    let changed = "subscription { messageChanged { payload { __typename ... on ConversationDelivered { seq user { username } conversation { id } } } } }";
    let sent = ada.send_message(bo, "one").await;
    let delivered = "query ($id: ID!) { message(id: $id) { delivered } }";
    assert_eq!(ada.data(delivered, json!({ "id": sent["id"] })).await["message"]["delivered"], false);
    let mut socket = ada.socket().await;
    socket.subscribe_live(&app, changed, json!({})).await;
    ada.send_message(bo, "two").await;
    bo.pull(100).await;
    let conversation = json!({ "id": sent["conversation"]["id"] });
    let told = |seq: i32| json!({ "__typename": "ConversationDelivered", "seq": seq, "user": { "username": "bo" }, "conversation": conversation });
    assert_eq!(socket.next().await["messageChanged"]["payload"], told(2));
    assert_eq!(ada.data(delivered, json!({ "id": sent["id"] })).await["message"]["delivered"], true);
    ada.send_message(bo, "three").await;
    let mark = "mutation ($id: ID!, $seq: Int!) { markConversationDelivered(to: { conversationId: $id }, upToSeq: $seq) { userErrors { code } } }";
    for seq in [3, 3, 1] {
        bo.data(mark, json!({ "id": sent["conversation"]["id"], "seq": seq })).await;
    }
    assert_eq!(socket.next().await["messageChanged"]["payload"], told(3));
    let told = "select count(*) from (select from events where kind = 'CONVERSATION_DELIVERED' union all select from outbox where kind = 'CONVERSATION_DELIVERED') e";
    assert_eq!(app.query_number(told).await, 2, "what moves nothing tells nothing");
    ada.send_message(bo, "four").await;
    bo.befriend_ok("blockUser", json!({ "userId": ada.id })).await;
    bo.pull(100).await;
    assert_eq!(app.query_number(told).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_fetched_anew_in_pages() {
    let app = TestApp::start().await;
    let [ada, bo, lan, eve] = &app.people(["ada", "bo", "lan", "eve"]).await;
    ada.make_friends(bo).await;
    ada.make_friends(lan).await;
    let group = ada.make_group("riders", &[lan], json!({})).await;
    ada.tell_group(&group, "before bo").await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [bo.id] })).await;
    let mut expected = vec!["-".to_owned()];
    for n in 0..4 {
        ada.tell_group(&group, &format!("g{n}")).await;
        expected.push(format!("g{n}"));
    }
    ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": bo.id })).await;
    ada.tell_group(&group, "after bo").await;
    for n in 0..3 {
        ada.send_message(bo, &format!("a{n}")).await;
        lan.send_message(bo, &format!("l{n}")).await;
        lan.send_message(ada, "not for bo").await;
    }
    let gone = ada.send_message(bo, "for nobody").await["id"].clone();
    bo.on_message("deleteMessage(id: $id)", &gone).await;
    expected.extend((0..3).map(|n| format!("a{n}")));
    expected.extend((0..3).map(|n| format!("l{n}")));
    for size in 1..=12 {
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        let mut page = json!({ "first": size });
        loop {
            let found = bo.seen(page).await;
            assert_eq!(found["totalCount"], 11);
            forward.extend(texts(&found["nodes"]));
            if found["pageInfo"]["hasNextPage"] == false {
                break;
            }
            page = json!({ "first": size, "after": found["pageInfo"]["endCursor"] });
        }
        let mut page = json!({ "last": size });
        loop {
            let found = bo.seen(page).await;
            backward.splice(0..0, texts(&found["nodes"]));
            if found["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
            page = json!({ "last": size, "before": found["pageInfo"]["startCursor"] });
        }
        assert_eq!((&forward, &backward), (&expected, &expected), "pages of {size}");
    }
    assert_eq!(eve.seen(json!({})).await["totalCount"], 0);
    // A cursor that no page gave.
    let end = bo.seen(json!({ "first": 1 })).await["pageInfo"]["endCursor"].as_str().unwrap().to_owned();
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(end).unwrap()).unwrap();
    let seq = text.split("\"seq\":").nth(1).unwrap().trim_end_matches("}]").to_owned();
    for other in ["2147483647", "-2147483648", "0"] {
        let forged = URL_SAFE_NO_PAD.encode(text.replace(&format!("\"seq\":{seq}"), &format!("\"seq\":{other}")));
        for arguments in [json!({ "after": forged }), json!({ "last": 3, "before": forged })] {
            assert_eq!(bo.run(SEEN, arguments).await.code(), "BAD_USER_INPUT", "{other}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_administrators_read_is_noted() {
    let app = TestApp::start().await;
    let [ada, bo] = &app.people(["ada", "bo"]).await;
    let admin = app.as_role("root", "ADMIN").await;
    let mut conversation = Value::Null;
    for n in 0..5 {
        conversation = ada.send_message(bo, &format!("a{n}")).await["conversation"]["id"].clone();
        bo.send_message(ada, &format!("b{n}")).await;
    }
    app.as_user("eve").await.send_message(ada, "elsewhere").await;
    let review = "query ($filter: MessageReviewFilter, $first: Int, $after: String, $last: Int, $before: String) {
        messages(filter: $filter, first: $first, after: $after, last: $last, before: $before) { totalCount
            nodes { sender { username } content { ... on TextContent { text } } conversation { participants { username } } }
            pageInfo { endCursor hasNextPage } } }";
    let reviewed = async |arguments: Value| admin.data(review, arguments).await["messages"].clone();
    let all = reviewed(json!({ "first": 3 })).await;
    assert_eq!(
        (texts(&all["nodes"]), &all["totalCount"]),
        (["elsewhere", "b4", "a4"].map(String::from).to_vec(), &json!(11))
    );
    let next = reviewed(json!({ "first": 2, "after": all["pageInfo"]["endCursor"] })).await;
    assert_eq!(texts(&next["nodes"]), ["b3", "a3"]);
    assert_eq!(texts(&reviewed(json!({ "last": 2 })).await["nodes"]), ["b0", "a0"]);
    let of = json!({ "conversationId": conversation, "senderId": bo.id, "types": ["TEXT"], "createdAt": { "from": "2020-01-01T00:00:00Z" } });
    let filtered = reviewed(json!({ "filter": of })).await;
    assert_eq!(
        (texts(&filtered["nodes"]), &filtered["totalCount"]),
        (["b4", "b3", "b2", "b1", "b0"].map(String::from).to_vec(), &json!(5))
    );
    assert_eq!(reviewed(json!({ "filter": { "types": ["VOICE"] } })).await["totalCount"], 0);
    assert_eq!(app.query_number("select count(*) from message_views").await, 5);
    let noted = format!(
        "select count(*) from message_views where admin_id = {} and messages = 5 and asked ->> 'sender' = '{}'",
        admin.key(),
        bo.key()
    );
    assert_eq!(app.query_number(&noted).await, 1);
    for person in [ada, &app.as_role("helper", "SUPPORT").await] {
        assert_eq!(person.run(review, json!({})).await.code(), "FORBIDDEN");
    }
    assert_eq!(app.query_number("select count(*) from message_views").await, 5);
}
