//! Direct conversations: sending, reading, markers.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Person, SEND, TestApp, direct_message};

const READ: &str = "mutation ($to: MessageTarget, $seq: Int) { markConversationRead(to: $to, upToSeq: $seq) {
    conversation { unreadCount lastReadSeq readMarkers { user { username } seq } } userErrors { code field } } }";

const DELIVERED: &str =
    "mutation ($to: MessageTarget!, $seq: Int!) { markConversationDelivered(to: $to, upToSeq: $seq) {
    conversation { id } userErrors { code field } } }";

pub const LIST: &str = "query ($first: Int, $after: String, $last: Int, $before: String) { viewer {
    conversations(first: $first, after: $after, last: $last, before: $before) {
        totalCount nodes { title unreadCount maxSeq lastReadSeq peer { username } participants { username }
            lastMessage { seq content { ... on TextContent { text } } } }
        edges { cursor } pageInfo { hasNextPage hasPreviousPage endCursor startCursor } } } }";

async fn send(person: &Person, input: Value) -> Value {
    person.data(SEND, json!({ "input": input })).await["sendMessage"].clone()
}

fn code(payload: &Value) -> &str {
    payload["userErrors"][0]["code"].as_str().unwrap_or_else(|| panic!("no user error: {payload}"))
}

async fn unread(person: &Person) -> Vec<i64> {
    let data = person.data(LIST, json!({})).await;
    let nodes = data["viewer"]["conversations"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|node| node["unreadCount"].as_i64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_in_one_conversation() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let first = send(&ada, direct_message(&bo, "你好 👋")).await;
    insta::assert_json_snapshot!(first);
    let conversation = first["message"]["conversation"]["id"].clone();
    let to = json!({ "conversationId": conversation });
    let second = send(&bo, json!({ "to": to, "content": { "text": { "text": "hi" } } })).await;
    assert_eq!(second["message"]["seq"], 2);
    assert_eq!(second["message"]["conversation"]["id"], conversation);
    assert_eq!(app.query_number("select count(*) from conversations").await, 1);
    let with = "query ($id: ID!) { conversationWith(userId: $id) {
        id kind title peer { username } participants { username } unreadCount maxSeq
        messages { nodes { seq type isPrivate status sender { username } content { __typename ... on TextContent { text } } } } } }";
    insta::assert_json_snapshot!(ada.data(with, json!({ "id": bo.id })).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_can_write_to_oneself() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let message = ada.send_message(&ada, "remember the milk").await;
    assert_eq!(message["seq"], 1);
    assert_eq!(unread(&ada).await, [0]);
    let data = ada
        .data(
            "query ($id: ID!) { conversationWith(userId: $id) { title peer { username } participants { username } } }",
            json!({ "id": ada.id }),
        )
        .await;
    assert_eq!(data["conversationWith"]["peer"]["username"], "ada");
    assert_eq!(app.query_number("select count(*) from members").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_sent_is_refused_and_changes_nothing() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let text = |text: &str| json!({ "text": { "text": text } });
    let unknown = plaza::ids::UserId(999).global();
    let elsewhere = plaza::ids::ConversationId(999).global();
    let cases = [
        (direct_message(&bo, ""), "INVALID_INPUT", json!(["input", "content", "text", "text"])),
        (direct_message(&bo, " \u{3000}\n"), "INVALID_INPUT", json!(["input", "content", "text", "text"])),
        (direct_message(&bo, &"字".repeat(8001)), "MESSAGE_TOO_LARGE", json!(["input", "content", "text", "text"])),
        (direct_message(&bo, "a\u{0}b"), "INVALID_INPUT", json!(["input", "content", "text", "text"])),
        (json!({ "to": { "userId": unknown }, "content": text("x") }), "NOT_FOUND", json!(["input", "to", "userId"])),
        (json!({ "to": { "userId": elsewhere }, "content": text("x") }), "NOT_FOUND", json!(["input", "to", "userId"])),
        (
            json!({ "to": { "conversationId": elsewhere }, "content": text("x") }),
            "NOT_FOUND",
            json!(["input", "to", "conversationId"]),
        ),
        (
            json!({ "to": { "userId": bo.id }, "content": text("x"), "clientMessageId": "" }),
            "INVALID_INPUT",
            json!(["input", "clientMessageId"]),
        ),
    ];
    for (input, expected, field) in cases {
        let payload = send(&ada, input.clone()).await;
        assert_eq!((code(&payload), &payload["userErrors"][0]["field"]), (expected, &field), "{input}");
        assert_eq!(payload["message"], Value::Null);
    }
    for table in ["conversations", "members", "messages", "outbox", "events"] {
        assert_eq!(app.query_number(&format!("select count(*) from {table}")).await, 0, "{table}");
    }
    assert_eq!(send(&ada, direct_message(&bo, &"字".repeat(8000))).await["message"]["seq"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_exactly_one_thing() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    for to in [json!({}), json!({ "userId": ada.id, "conversationId": "x" }), json!({ "userId": null })] {
        let input = json!({ "to": to, "content": { "text": { "text": "x" } } });
        assert_eq!(ada.run(SEND, json!({ "input": input })).await.code(), "BAD_USER_INPUT", "{to}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_nothing_of_it() {
    let app = TestApp::start().await;
    let (ada, bo, eve) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("eve").await);
    let message = ada.send_message(&bo, "secret").await;
    let (conversation, id) = (&message["conversation"]["id"], &message["id"]);
    let queries = [
        ("query ($id: ID!) { conversation(id: $id) { id } }", conversation),
        ("query ($id: ID!) { node(id: $id) { id } }", conversation),
        ("query ($id: ID!) { message(id: $id) { id } }", id),
        ("query ($id: ID!) { node(id: $id) { id } }", id),
    ];
    for (query, id) in queries {
        let data = eve.data(query, json!({ "id": id })).await;
        assert!(data.as_object().unwrap().values().all(Value::is_null), "{query}: {data}");
        assert!(bo.data(query, json!({ "id": id })).await.as_object().unwrap().values().all(|value| !value.is_null()));
        let anonymous = app.run(query, json!({ "id": id })).await;
        assert!(anonymous.body["data"].as_object().unwrap().values().all(Value::is_null));
    }
    let to = json!({ "conversationId": conversation });
    assert_eq!(
        code(&send(&eve, json!({ "to": to, "content": { "text": { "text": "let me in" } } })).await),
        "NOT_FOUND"
    );
    let read = eve.data(READ, json!({ "to": to })).await;
    assert_eq!(code(&read["markConversationRead"]), "NOT_FOUND");
    let delivered = eve.data(DELIVERED, json!({ "to": to, "seq": 1 })).await;
    assert_eq!(code(&delivered["markConversationDelivered"]), "NOT_FOUND");
    assert_eq!(eve.data(LIST, json!({})).await["viewer"]["conversations"]["totalCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_client_id_is_the_same_message() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let with_id = |text: &str| {
        let mut input = direct_message(&bo, text);
        input["clientMessageId"] = json!("draft-1");
        input
    };
    // A hundred at once, the very first message of the two among them.
    let many = ada.retrying_overload();
    let sent = join_all((0..100).map(|_| send(&many, with_id("once")))).await;
    let id = &sent[0]["message"]["id"];
    assert!(sent.iter().all(|payload| payload["message"]["id"] == *id), "all are answered with the same message");
    assert_eq!(sent.iter().filter(|payload| payload["deduplicated"] == false).count(), 1);
    assert_eq!(app.query_number("select count(*) from messages").await, 1);
    assert_eq!(app.query_number("select count(*) from conversations").await, 1);
    assert_eq!(code(&send(&ada, with_id("something else")).await), "IDEMPOTENCY_MISMATCH");
    // Looked up before every other check: what was sent once can't be refused now.
    let again = send(&ada, with_id("once")).await;
    assert_eq!((&again["message"]["id"], &again["deduplicated"]), (id, &json!(true)));
    // The id is the sender's own.
    let mut input = direct_message(&ada, "mine");
    input["clientMessageId"] = json!("draft-1");
    assert_eq!(send(&bo, input).await["deduplicated"], false);
    let shown = "query ($id: ID!) { message(id: $id) { clientMessageId } }";
    assert_eq!(ada.data(shown, json!({ "id": id })).await["message"]["clientMessageId"], "draft-1");
    assert_eq!(bo.data(shown, json!({ "id": id })).await["message"]["clientMessageId"], Value::Null);
}

/// A client that learns a conversation's id after its first try may name that in the next, and the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_id_is_the_same_however_the_conversation_is_addressed() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let conversation = ada.send_message(&bo, "hello").await["conversation"]["id"].clone();
    let elsewhere = ada.send_message(&lan, "hello").await["conversation"]["id"].clone();
    let draft =
        |to: Value, key: &str| json!({ "to": to, "content": { "text": { "text": "once" } }, "clientMessageId": key });
    let (user, by_id) = (json!({ "userId": bo.id }), json!({ "conversationId": conversation }));
    for (key, first, second) in [("a", &user, &by_id), ("b", &by_id, &user)] {
        let sent = send(&ada, draft(first.clone(), key)).await;
        assert_eq!(sent["deduplicated"], false);
        let again = send(&ada, draft(second.clone(), key)).await;
        assert_eq!((&again["message"]["id"], &again["deduplicated"]), (&sent["message"]["id"], &json!(true)), "{key}");
        for other in [json!({ "userId": lan.id }), json!({ "conversationId": elsewhere }), json!({ "userId": ada.id })]
        {
            assert_eq!(code(&send(&ada, draft(other.clone(), key)).await), "IDEMPOTENCY_MISMATCH", "{key} {other}");
        }
    }
    // As earlier versions stored it: for the person that was named.
    let input = format!(r#"[["user",{}],{{"type":"TEXT","text":"once"}},false]"#, bo.key());
    let hash = "update messages set input_hash = sha256(convert_to($1, 'UTF8')) where client_message_id = 'a'";
    assert_eq!(app.sql().await.execute(hash, &[&input]).await.unwrap(), 1);
    assert_eq!(send(&ada, draft(by_id, "a")).await["deduplicated"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn seqs_have_no_gaps_with_concurrent_writers() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let (ada_there, bo_there) = (ada.on_instance(other.address), bo.on_instance(other.address));
    // Crossing first messages, too: one conversation comes of them.
    let senders = [(&ada, &bo), (&bo, &ada), (&ada_there, &bo), (&bo_there, &ada)]
        .map(|(from, to)| (from.retrying_overload(), to));
    let sends = (0..200).map(|n| {
        let (from, to) = &senders[n % 4];
        async move { from.send_message(to, &format!("message {n}")).await["seq"].as_i64().unwrap() }
    });
    let mut seqs = join_all(sends).await;
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=200).collect::<Vec<i64>>());
    assert_eq!(app.query_number("select count(*) from conversations").await, 1);
    assert_eq!(app.query_number("select last_seq::bigint from conversations").await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_counts_what_others_said_behind_the_marker() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    for n in 0..3 {
        ada.send_message(&bo, &format!("message {n}")).await;
    }
    assert_eq!((unread(&ada).await, unread(&bo).await), (vec![0], vec![3]));
    let to = json!({ "userId": ada.id });
    let mark = |seq: Option<i64>| {
        let (bo, to) = (bo.clone(), to.clone());
        async move { bo.data(READ, json!({ "to": to, "seq": seq })).await["markConversationRead"]["conversation"].clone() }
    };
    let marked = mark(Some(2)).await;
    assert_eq!((&marked["unreadCount"], &marked["lastReadSeq"]), (&json!(1), &json!(2)));
    let back = mark(Some(1)).await;
    assert_eq!(back["lastReadSeq"], 2, "never backwards");
    // What one says oneself marks all before it as read.
    bo.send_message(&ada, "answer").await;
    assert_eq!((unread(&ada).await, unread(&bo).await), (vec![1], vec![0]));
    ada.send_message(&bo, "one more").await;
    assert_eq!((unread(&ada).await, unread(&bo).await), (vec![0], vec![1]));
    assert_eq!(mark(Some(3)).await["lastReadSeq"], 4);
    let beyond = mark(Some(1000)).await;
    assert_eq!((&beyond["lastReadSeq"], &beyond["unreadCount"]), (&json!(5), &json!(0)), "never past the end");
    let markers = json!([{ "user": { "username": "bo" }, "seq": 5 }, { "user": { "username": "ada" }, "seq": 5 }]);
    assert_eq!(beyond["readMarkers"], markers);
    ada.send_message(&bo, "new").await;
    assert_eq!(unread(&bo).await, [1]);
    assert_eq!(mark(None).await["unreadCount"], 0);
    let negative = bo.data(READ, json!({ "to": to, "seq": -1 })).await;
    assert_eq!(code(&negative["markConversationRead"]), "INVALID_INPUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_marked_as_read_at_once() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    for n in 0..3 {
        app.as_user(&format!("friend{n}")).await.send_message(&ada, "hello").await;
    }
    assert_eq!(unread(&ada).await, [1, 1, 1]);
    let lost = ada.data(READ, json!({ "seq": 5 })).await;
    assert_eq!(code(&lost["markConversationRead"]), "INVALID_INPUT", "a seq without a conversation marks nothing");
    assert_eq!(unread(&ada).await, [1, 1, 1]);
    let data = ada.data(READ, json!({})).await;
    assert_eq!(data["markConversationRead"], json!({ "conversation": null, "userErrors": [] }));
    assert_eq!(unread(&ada).await, [0, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_sees_what_arrived_and_what_was_read() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let ids: Vec<Value> =
        [ada.send_message(&bo, "one").await, ada.send_message(&bo, "two").await, ada.send_message(&bo, "three").await]
            .iter()
            .map(|message| message["id"].clone())
            .collect();
    let state = || async {
        let query = "query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Message { delivered readByCount } } }";
        let nodes = ada.data(query, json!({ "ids": ids })).await["nodes"].clone();
        let nodes = nodes.as_array().unwrap().clone();
        nodes
            .iter()
            .map(|m| (m["delivered"].as_bool().unwrap(), m["readByCount"].as_i64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(state().await, [(false, 0), (false, 0), (false, 0)]);
    let to = json!({ "userId": ada.id });
    bo.data(DELIVERED, json!({ "to": to, "seq": 2 })).await;
    assert_eq!(state().await, [(true, 0), (true, 0), (false, 0)]);
    bo.data(DELIVERED, json!({ "to": to, "seq": 1 })).await;
    assert_eq!(state().await, [(true, 0), (true, 0), (false, 0)], "never backwards");
    bo.data(READ, json!({ "to": to, "seq": 1 })).await;
    assert_eq!(state().await, [(true, 1), (true, 0), (false, 0)]);
    bo.data(READ, json!({ "to": to })).await;
    assert_eq!(state().await, [(true, 1), (true, 1), (true, 1)], "who has read it has received it");
    assert_eq!(unread(&ada).await, [0], "reading one's own is nothing to read");
}

#[tokio::test(flavor = "multi_thread")]
async fn markers_hold_under_many_hands() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let to = json!({ "userId": bo.id });
    ada.send_message(&bo, "first").await;
    let (ada, bo) = (ada.retrying_overload(), bo.retrying_overload());
    let work = (0..120_i64).map(|n| {
        let (ada, bo, to) = (&ada, &bo, &to);
        async move {
            match n % 4 {
                0 => drop(bo.send_message(ada, "from bo").await),
                1 => drop(ada.send_message(bo, "from ada").await),
                2 => drop(ada.data(READ, json!({ "to": to, "seq": n / 2 })).await),
                _ => drop(ada.data(READ, json!({ "to": to })).await),
            }
        }
    });
    join_all(work).await;
    ada.data(READ, json!({ "to": to, "seq": 40 })).await;
    // What the counter says is what a count says.
    let counted = app
        .query_number(
            "select count(*) from messages m join members on members.conversation_id = m.conversation_id
             where members.user_id = (select id from users where username = 'ada')
             and m.seq > members.read_seq and m.sender_id <> members.user_id",
        )
        .await;
    assert_eq!(unread(&ada).await, [counted]);
}

const EDIT: &str = "mutation ($id: ID!, $text: String!) { editMessage(id: $id, text: $text) {
    message { seq editedAt content { ... on TextContent { text } } } userErrors { code field } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_edited_by_its_sender_for_a_day() {
    let app = TestApp::start().await;
    let (ada, bo, eve) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("eve").await);
    let message = ada.send_message(&bo, "teh typo").await;
    let edit = |person: &Person, text: &str| {
        let (person, variables) = (person.clone(), json!({ "id": message["id"], "text": text }));
        async move { person.data(EDIT, variables).await["editMessage"].clone() }
    };
    let edited = edit(&ada, "the typo").await;
    assert_eq!((&edited["message"]["seq"], &edited["message"]["content"]["text"]), (&json!(1), &json!("the typo")));
    assert_ne!(edited["message"]["editedAt"], Value::Null);
    assert_eq!(code(&edit(&bo, "not mine").await), "FORBIDDEN");
    assert_eq!(code(&edit(&eve, "not even visible").await), "NOT_FOUND");
    assert_eq!(code(&edit(&ada, " ").await), "INVALID_INPUT");
    assert_eq!(code(&edit(&ada, &"x".repeat(8001)).await), "MESSAGE_TOO_LARGE");
    app.advance_clock(std::time::Duration::from_secs(24 * 3600 + 1));
    let fresh = login_again(&app).await;
    assert_eq!(code(&edit(&fresh, "too late").await), "EDIT_WINDOW_PASSED");
    let text = "query ($id: ID!) { message(id: $id) { content { ... on TextContent { text } } } }";
    let shown = fresh.data(text, json!({ "id": message["id"] })).await;
    assert_eq!(shown["message"]["content"]["text"], "the typo");
}

async fn login_again(app: &TestApp) -> Person {
    let login =
        "mutation ($p: String!) { login(input: { credential: { password: { account: \"ada\", password: $p } } }) {
        tokens { accessToken refreshToken } user { id } } }";
    let answer = app.run(login, json!({ "p": Person::PASSWORD })).await;
    Person::new(app.address, &answer.data()["login"])
}
