//! Live delivery through real sockets: in order, none lost, none twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use plaza::events::{EventKind, StreamCursor};
use plaza::ids::{ConversationId, UserId};
use plaza::live::{EventFilter, EventPayload, EventSubscription};
use serde_json::{Value, json};

use crate::harness::{Socket, TestApp, until};

pub const RECEIVE: &str = "subscription ($conversation: ID, $after: String) {
    messageReceived(conversationId: $conversation, after: $after) { cursor message {
        id seq sender { username } conversation { id kind title } content { ... on TextContent { text } } } } }";

const EVENTS: &str = "subscription ($after: String) { events(after: $after) { cursor at payload { __typename
    ... on MessageCreated { message { seq } } ... on MessageUpdated { message { seq content { ... on TextContent { text } } } }
    ... on ConversationRead { conversation { id } marker { user { username } seq } } } } }";

pub fn seq(data: &Value) -> i64 {
    data["messageReceived"]["message"]["seq"].as_i64().unwrap_or_else(|| panic!("no message: {data}"))
}

async fn receive(socket: &mut Socket, count: usize) -> Vec<i64> {
    let mut seqs = Vec::new();
    for _ in 0..count {
        seqs.push(seq(&socket.next().await));
    }
    seqs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_arrives_at_both_people_without_a_statement() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let (mut at_ada, mut at_bo) = (ada.socket().await, bo.socket().await);
    at_ada.subscribe_live(&app, RECEIVE, json!({})).await;
    at_bo.subscribe_live(&app, RECEIVE, json!({})).await;
    let (_, sending) = app.count_statements(ada.send_message(&bo, "你好")).await;
    let data = at_bo.next().await;
    insta::assert_json_snapshot!(data, { ".messageReceived.cursor" => "[cursor]" });
    assert_eq!(at_ada.next().await["messageReceived"]["message"]["conversation"]["title"], "bo");
    let ((), both) = app
        .count_statements(async {
            ada.send_message(&bo, "again").await;
            assert_eq!((seq(&at_ada.next().await), seq(&at_bo.next().await)), (2, 2));
        })
        .await;
    assert!(both < sending, "{both} statements with subscribers, the first message took {sending} alone");
    assert_eq!(both, 2, "looking at the conversation, and sending");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_resumes_where_it_was() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let start = bo.event_cursor().await;
    for n in 1..=3 {
        ada.send_message(&bo, &format!("message {n}")).await;
    }
    let mut socket = bo.socket().await;
    socket.subscribe(RECEIVE, json!({ "after": start })).await;
    assert_eq!(seq(&socket.next().await), 1);
    let second = socket.next().await;
    drop(socket);
    ada.send_message(&bo, "message 4").await;
    let mut socket = bo.socket().await;
    socket.subscribe(RECEIVE, json!({ "after": second["messageReceived"]["cursor"] })).await;
    assert_eq!(receive(&mut socket, 2).await, [3, 4]);
    ada.send_message(&bo, "message 5").await;
    assert_eq!(receive(&mut socket, 1).await, [5]);
    // An instance whose memory holds nothing of it replays from the database.
    let other = app.another_instance().await;
    let mut socket = bo.on_instance(other.address).socket().await;
    socket.subscribe(RECEIVE, json!({ "after": start })).await;
    assert_eq!(receive(&mut socket, 5).await, [1, 2, 3, 4, 5]);
    ada.send_message(&bo, "message 6").await;
    assert_eq!(receive(&mut socket, 1).await, [6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cursor_a_subscription_starts_now() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "before").await;
    until("the first message went by", || async { app.app.events.head().position >= 3 }).await;
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, RECEIVE, json!({})).await;
    ada.send_message(&bo, "after").await;
    assert_eq!(receive(&mut socket, 1).await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_made_later_is_followed_too() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, RECEIVE, json!({})).await;
    ada.send_message(&bo, "from ada").await;
    lan.send_message(&bo, "from lan").await;
    ada.send_message(&lan, "none of bo's").await;
    bo.send_message(&ada, "bo's own, from another device").await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        let data = socket.next().await;
        heard.push(data["messageReceived"]["message"]["content"]["text"].as_str().unwrap().to_owned());
    }
    assert_eq!(heard, ["from ada", "from lan", "bo's own, from another device"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_conversation_can_be_followed_alone() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let conversation = ada.send_message(&bo, "one").await["conversation"]["id"].clone();
    lan.send_message(&bo, "hello").await;
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, RECEIVE, json!({ "conversation": conversation })).await;
    lan.send_message(&bo, "elsewhere").await;
    ada.send_message(&bo, "two").await;
    assert_eq!(socket.next().await["messageReceived"]["message"]["content"]["text"], "two");

    let mut stranger = lan.socket().await;
    let missing = json!({ "conversation": ConversationId(999).global() });
    for variables in [json!({ "conversation": conversation }), missing] {
        let id = stranger.subscribe(RECEIVE, variables).await;
        let message = stranger.receive().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)));
        assert_eq!(message["payload"][0]["extensions"]["code"], "FORBIDDEN");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_needs_a_token_and_a_cursor_of_the_stream() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let mut anonymous = Socket::open(app.address, Value::Null).await;
    anonymous.subscribe(RECEIVE, json!({})).await;
    assert_eq!(anonymous.receive().await["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
    anonymous.subscribe("{ viewer { user { id } } }", json!({})).await;
    assert_eq!(anonymous.next().await["viewer"], Value::Null);

    let mut socket = ada.socket().await;
    let ahead = StreamCursor { position: 1_000_000, ..app.app.events.head() }.encode();
    for (after, code) in [("nonsense".to_owned(), "BAD_USER_INPUT"), (ahead, "CURSOR_EXPIRED")] {
        socket.subscribe(RECEIVE, json!({ "after": after })).await;
        assert_eq!(socket.receive().await["payload"][0]["extensions"]["code"], code);
    }
    socket.subscribe("subscription { nothing }", json!({})).await;
    let message = socket.receive().await;
    assert_eq!(
        (&message["type"], &message["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("GRAPHQL_VALIDATION_FAILED"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscriber_that_falls_behind_catches_up_and_misses_nothing() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "first").await;
    let filter = EventFilter { kinds: &[EventKind::MessageCreated], conversation: None };
    let cursor = StreamCursor::parse(&bo.event_cursor().await).unwrap();
    let mut subscription =
        EventSubscription::open(Arc::clone(&app.live), UserId(bo.key()), filter, Some(cursor)).await.unwrap();
    let mut next = async || match subscription.next().await.unwrap().payload() {
        Some(EventPayload::Message(card)) => card.message.seq,
        other => panic!("{other:?}"),
    };
    // It is read until it is live, and then no more while more comes than its queue holds.
    let mut seqs = Vec::new();
    ada.send_message(&bo, "second").await;
    while seqs.last() != Some(&2) {
        seqs.push(next().await);
    }
    let _ = tokio::time::timeout(Duration::from_millis(50), next()).await.expect_err("nothing more to read");
    assert_eq!(app.live.hub.live(), 1);
    let head = app.app.events.head().position;
    for n in 0..700 {
        ada.send_message(&bo, &format!("message {n}")).await;
    }
    until("the stream has it all", || async { app.app.events.head().position == head + 700 }).await;
    assert_eq!(app.live.hub.live(), 0, "it was sent back to catching up");
    while seqs.last() != Some(&702) {
        seqs.push(next().await);
    }
    assert_eq!(seqs, (seqs[0]..=702).collect::<Vec<i32>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_tell_of_messages_edits_and_markers() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let start = ada.event_cursor().await;
    let mut socket = ada.socket().await;
    socket.subscribe_live(&app, EVENTS, json!({})).await;
    let message = ada.send_message(&bo, "teh typo").await;
    let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"the typo\") { userErrors { code } } }";
    ada.data(edit, json!({ "id": message["id"] })).await;
    let read = "mutation ($id: ID!) { markConversationRead(to: { userId: $id }) { userErrors { code } } }";
    bo.data(read, json!({ "id": ada.id })).await;
    bo.data(read, json!({ "id": ada.id })).await;
    let mut events = Vec::new();
    for _ in 0..3 {
        events.push(socket.next().await["events"].clone());
    }
    let payloads: Vec<&Value> = events.iter().map(|event| &event["payload"]).collect();
    insta::assert_json_snapshot!(payloads);

    // The pull twin says the same, page by page.
    let since = "query ($after: String!, $first: Int!) { viewer { eventsSince(after: $after, first: $first) {
        nodes { cursor payload { __typename } } edges { cursor } pageInfo { hasNextPage endCursor } } } }";
    let mut pulled = Vec::new();
    let mut after = json!(start);
    loop {
        let page = ada.data(since, json!({ "after": after, "first": 2 })).await["viewer"]["eventsSince"].clone();
        pulled.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["cursor"].clone()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(pulled, events.iter().map(|event| event["cursor"].clone()).collect::<Vec<_>>());
    let answer = ada.run(since, json!({ "after": start, "first": 101 })).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_list_is_kept_up_to_date() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let mut socket = bo.socket().await;
    let document = "subscription { conversationUpdated { title unreadCount maxSeq lastMessage { seq } } }";
    socket.subscribe_live(&app, document, json!({})).await;
    ada.send_message(&bo, "one").await;
    let updated = socket.next().await["conversationUpdated"].clone();
    assert_eq!(updated, json!({ "title": "ada", "unreadCount": 1, "maxSeq": 1, "lastMessage": { "seq": 1 } }));
    let read = "mutation ($id: ID!) { markConversationRead(to: { userId: $id }) { userErrors { code } } }";
    bo.data(read, json!({ "id": ada.id })).await;
    assert_eq!(socket.next().await["conversationUpdated"]["unreadCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_fetch_and_one_subscription_leave_nothing_between() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "the first").await;
    let fetch = "query ($id: ID!) { viewer { eventCursor } conversationWith(userId: $id) { maxSeq } }";
    let writer = async {
        for n in 0..60 {
            ada.send_message(&bo, &format!("message {n}")).await;
        }
    };
    let readers = async {
        for _ in 0..10 {
            let data = bo.data(fetch, json!({ "id": ada.id })).await;
            let fetched = data["conversationWith"]["maxSeq"].as_i64().unwrap();
            let mut socket = bo.socket().await;
            socket.subscribe(RECEIVE, json!({ "after": data["viewer"]["eventCursor"] })).await;
            let mut next = seq(&socket.next().await);
            assert!(next <= fetched + 1, "fetched up to {fetched}, then got {next}");
            for _ in 0..3 {
                let following = seq(&socket.next().await);
                assert_eq!(following, next + 1);
                next = following;
                if next >= 61 {
                    break;
                }
            }
            if next >= 55 {
                break;
            }
        }
    };
    tokio::join!(writer, readers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_closes_when_its_session_or_its_token_ends() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let (mut here, mut there) = (ada.socket().await, ada.on_instance(other.address).socket().await);
    let start = Instant::now();
    ada.data("mutation { logout { ok } }", json!({})).await;
    assert_eq!(here.wait_for_close().await, (4401, "signed-out".into()));
    assert_eq!(there.wait_for_close().await, (4401, "signed-out".into()));
    assert!(start.elapsed() < Duration::from_secs(2), "it took {:?}", start.elapsed());

    let mut socket = bo.socket().await;
    app.advance_clock(Duration::from_mins(20));
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.wait_for_close().await, (4403, "token-expired".into()));
    let mut late = Socket::connect(app.address, Some("graphql-transport-ws")).await;
    let payload = json!({ "authorization": format!("Bearer {}", bo.token) });
    late.send(json!({ "type": "connection_init", "payload": payload })).await;
    assert_eq!(late.wait_for_close().await, (4403, "token-expired".into()));
}
