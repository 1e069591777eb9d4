//! A rolling update: what an instance of the next version writes stops no instance of this one.

use serde_json::{Value, json};

use crate::harness::{Person, TestApp, until};

const EVENTS: &str = "subscription ($after: String) { events(after: $after) { payload { __typename
    ... on MessageCreated { message { seq } } ... on TicketChanged { ticket { question } } } } }";
const SINCE: &str = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload { __typename
    ... on MessageCreated { message { seq } } ... on TicketChanged { ticket { question } } } } } } }";
const MESSAGES: &str = "subscription ($after: String) { messageReceived(after: $after) { message {
    seq type status content { __typename ... on TextContent { text } ... on UnsupportedContent { contentType } } } } }";
const LIST: &str = "query ($id: ID!) { conversationWith(userId: $id) { kind lastMessage { seq type } peer { role }
    messages(first: 100) { totalCount nodes { id seq type status sender { role }
        content { __typename ... on TextContent { text } ... on UnsupportedContent { contentType } } } } } }";

/// What the next version adds, beside kinds and topics of events, which are texts. A new label can be written only once its
/// transaction has ended.
const ADD: &[&str] = &[
    "alter type message_type add value 'IMAGE'",
    "alter type message_status add value 'HIDDEN'",
    "alter type user_role add value 'MERCHANT'",
    "alter type session_end add value 'REPLACED'",
    "alter type ticket_status add value 'ESCALATED'",
    "alter table messages drop constraint messages_content_check",
];

/// A message of ada's in conversation 1, as the next version writes it: its type, its content, its status.
fn message(seq: i32, kind: &str, content: &str, status: &str) -> String {
    format!(
        "update conversations set last_seq = {seq}, version = version + 1 where id = 1;
         insert into messages (conversation_id, seq, sender_id, type, content, is_private, status)
             values (1, {seq}, 1, '{kind}', '{content}', false, '{status}');
         insert into outbox (kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id)
             select 'MESSAGE_CREATED', 'CONVERSATION', 1, 1, version, messages.id, {seq}, 1
             from conversations join messages on conversation_id = 1 and seq = {seq} where conversations.id = 1;"
    )
}

/// What the next version writes: five messages, one of them with words, and events of a kind and for people of its own.
fn newer() -> String {
    [
        message(2, "IMAGE", r#"{"type": "IMAGE", "mediaId": 7}"#, "NORMAL"),
        message(3, "TEXT", r#"{"type": "TEXT", "runs": ["bold"]}"#, "NORMAL"),
        message(4, "IMAGE", r#"{"type": "TEXT", "text": "words of a new type"}"#, "NORMAL"),
        message(5, "TEXT", r#"{"type": "TEXT", "text": "not for all"}"#, "HIDDEN"),
        message(6, "IMAGE", "[1]", "NORMAL"),
        "insert into outbox (kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id)
             values ('REACTION_ADDED', 'CONVERSATION', 1, 1, 7, 1, 1, 1), ('REACTION_ADDED', 'USER', 2, null, null, 1, null, 1),
                ('MESSAGE_CREATED', 'FRIENDS', 1, null, null, 1, 1, 1), ('TICKET_CHANGED', 'FRIENDS', 2, null, null, 1, null, 2);
         insert into outbox (kind, audience, audience_id, conversation_id, version, actor_id, target_id, data) values
             ('MEMBERS_CHANGED', 'CONVERSATION', 1, 1, 7, 1, 2, '{ \"type\": \"INVITED\", \"by\": 1 }'),
             ('MEMBERS_CHANGED', 'CONVERSATION', 1, 1, 7, 1, 2, '[7]'), ('MEMBERS_CHANGED', 'USER', 2, null, null, 1, 2, null);
         update tickets set status = 'ESCALATED' where id = 1;
         insert into outbox (kind, audience, audience_id, subject_id, user_id) values ('TICKET_CHANGED', 'USER', 2, 1, 2);
         update users set role = 'MERCHANT' where id = 1;
         update sessions set revoked_at = now(), end_reason = 'REPLACED' where user_id = 3;
         insert into outbox (kind, audience, audience_id, subject_id, user_id)
             select 'SESSION_REVOKED', 'USER', 3, id, 3 from sessions where user_id = 3;"
            .to_owned(),
    ]
    .concat()
}

fn expected_messages() -> Vec<Value> {
    let message = |seq: i32, kind: &str, status: &str, content: Value| json!({ "seq": seq, "type": kind, "status": status, "content": content });
    let text = |text: &str| json!({ "__typename": "TextContent", "text": text });
    let unsupported = |tag: &str| json!({ "__typename": "UnsupportedContent", "contentType": tag });
    vec![
        message(1, "TEXT", "NORMAL", text("before")),
        message(2, "UNSUPPORTED", "NORMAL", unsupported("IMAGE")),
        message(3, "TEXT", "NORMAL", unsupported("TEXT")),
        message(4, "UNSUPPORTED", "NORMAL", text("words of a new type")),
        message(5, "TEXT", "UNSUPPORTED", Value::Null),
        message(6, "UNSUPPORTED", "NORMAL", unsupported("")),
        message(7, "TEXT", "NORMAL", text("after")),
    ]
}

/// What bo's events are, the messages by seq.
fn expected_events() -> Vec<Value> {
    let created = |seq: i32| json!({ "payload": { "__typename": "MessageCreated", "message": { "seq": seq } } });
    let ticket = |text: &str| json!({ "payload": { "__typename": "TicketChanged", "ticket": { "question": text } } });
    let mut events: Vec<Value> = vec![created(1), ticket("will be unreadable"), ticket("stays readable")];
    // The first ticket can't be read any more.
    events.extend((2..=7).map(created));
    events.push(ticket("afterwards"));
    events
}

async fn ask(person: &Person, question: &str) {
    let create = "mutation ($q: String!) { createTicket(question: $q) { userErrors { code } } }";
    let data = person.data(create, json!({ "q": question })).await;
    assert_eq!(data["createTicket"]["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_instance_writes_stops_nothing() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let start = bo.event_cursor().await;
    let (mut events, mut messages, mut ended) = (bo.socket().await, bo.socket().await, lan.socket().await);
    events.subscribe_live(&app, EVENTS, json!({})).await;
    messages.subscribe_live(&app, MESSAGES, json!({})).await;
    ada.send_message(&bo, "before").await;
    let mut live = vec![events.next().await["events"].clone()];
    for question in ["will be unreadable", "stays readable"] {
        ask(&bo, question).await;
        live.push(events.next().await["events"].clone());
    }

    let sql = app.sql().await;
    for statement in ADD {
        sql.batch_execute(statement).await.unwrap();
    }
    sql.batch_execute(&newer()).await.unwrap();
    ada.send_message(&bo, "after").await;
    ask(&bo, "afterwards").await;

    let mut received = Vec::new();
    for _ in 0..7 {
        received.push(messages.next().await["messageReceived"]["message"].clone());
        live.push(events.next().await["events"].clone());
    }
    assert_eq!(received, expected_messages());
    assert_eq!(live, expected_events(), "live");
    assert_eq!(ended.wait_for_close().await.0, 4401, "a session that ended for a new reason has ended");
    until("all has its place", || async { app.query_number("select count(*) from outbox").await == 0 }).await;

    // Catching up: from memory, and on an instance that was started since from the database.
    let other = TestApp::on_database(app.url.clone(), &[]).await;
    for address in [app.address, other.address] {
        let bo = &bo.on_instance(address);
        let mut socket = bo.socket().await;
        socket.subscribe(MESSAGES, json!({ "after": start })).await;
        for message in expected_messages() {
            assert_eq!(socket.next().await["messageReceived"]["message"], message);
        }
        let since = bo.data(SINCE, json!({ "after": start })).await;
        let mut expected = expected_events();
        expected.remove(1);
        assert_eq!(since["viewer"]["eventsSince"]["nodes"], json!(expected));
        shown_in_lists(&ada, bo).await;
    }
}

async fn shown_in_lists(ada: &Person, bo: &Person) {
    let list = bo.data(LIST, json!({ "id": ada.id })).await["conversationWith"].clone();
    assert_eq!(list["peer"]["role"], "USER", "a role that is not known gives no rights");
    assert_eq!(list["messages"]["totalCount"], 7);
    let mut nodes = list["messages"]["nodes"].clone();
    let id = nodes[1]["id"].clone();
    for node in nodes.as_array_mut().unwrap() {
        let node = node.as_object_mut().unwrap();
        node.remove("id");
        assert_eq!(node.remove("sender").unwrap()["role"], "USER");
    }
    assert_eq!(nodes, json!(expected_messages()));
    let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"words\") { userErrors { code } } }";
    let refused = ada.on_instance(bo.address).data(edit, json!({ "id": id })).await;
    assert_eq!(refused["editMessage"]["userErrors"][0]["code"], "FORBIDDEN", "there are no words to edit");
}

/// A conversation of a kind to come is in the lists, and its messages are read.
#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_of_a_newer_kind_is_listed() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "hello").await;
    let sql = app.sql().await;
    sql.batch_execute("alter type conversation_kind add value 'CHANNEL'").await.unwrap();
    sql.batch_execute("update conversations set kind = 'CHANNEL', low_user_id = null, high_user_id = null")
        .await
        .unwrap();
    let list =
        "{ viewer { conversations { nodes { kind title lastMessage { content { ... on TextContent { text } } } } } } }";
    assert_eq!(
        bo.data(list, json!({})).await["viewer"]["conversations"]["nodes"],
        json!([{ "kind": "UNSUPPORTED", "title": "", "lastMessage": { "content": { "text": "hello" } } }])
    );
}
