//! Topics: who is told of what, what is loaded for whom, and how a listener's topics change.

use std::sync::Arc;

use plaza::events::{EventKind, Topic, TopicKind};
use plaza::ids::UserId;
use plaza::live::topics::{Reach, TopicChange};
use plaza::live::{EventFilter, EventSubscription};
use serde_json::{Value, json};

use crate::harness::{Person, Socket, TestApp, until};

const UPDATED: &str = "subscription { ticketUpdated { question } }";
const SINCE: &str = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload { __typename
    ... on MessageCreated { message { seq content { ... on TextContent { text } } } } } } } } }";

async fn ask(person: &Person, question: &str) {
    let create = "mutation ($q: String!) { createTicket(question: $q) { userErrors { code } } }";
    assert_eq!(person.data(create, json!({ "q": question })).await["createTicket"]["userErrors"], json!([]));
}

async fn followers(app: &TestApp, role: &str, count: usize) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for n in 0..count {
        let mut socket = app.as_role(&format!("staff{n}"), role).await.socket().await;
        socket.subscribe_live(app, UPDATED, json!({})).await;
        sockets.push(socket);
    }
    sockets
}

/// What is addressed to a role is loaded once, however many have it, and no subscriber sends a statement.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_s_events_cost_no_statement_per_listener() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    ask(&ada, "alone").await;
    let ((), alone) = app.count_statements(ask(&ada, "still alone")).await;
    let mut staff = followers(&app, "SUPPORT", 20).await;
    let ((), cost) = app
        .count_statements(async {
            ask(&ada, "all of you").await;
            for socket in &mut staff {
                assert_eq!(socket.next().await["ticketUpdated"]["question"], "all of you");
            }
        })
        .await;
    assert_eq!(cost, alone);
}

/// An event without subscribers is loaded once, when it is first asked for.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_subscribers_is_loaded_once_when_asked_for() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "before").await;
    let start = bo.event_cursor().await;
    let id = ada.send_message(&bo, "without subscribers").await["id"].clone();
    let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"edited\") { userErrors { code } } }";
    ada.data(edit, json!({ "id": id })).await;
    until("the stream has it", || async { app.app.events.head().position == 5 }).await;
    let (first, cost) = app.count_statements(bo.data(SINCE, json!({ "after": start }))).await;
    let (second, later) = app.count_statements(bo.data(SINCE, json!({ "after": start }))).await;
    assert_eq!(first, second);
    let texts: Vec<&Value> = first["viewer"]["eventsSince"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| node["payload"]["message"]["seq"] == 2)
        .map(|node| &node["payload"]["message"]["content"]["text"])
        .collect();
    assert_eq!(texts, ["edited"], "as it is now, though the edit is an event of its own");
    assert_eq!((cost, later), (4, 3), "the role, the windows and the check of the cursor; the messages once");
    let (third, others) = app.count_statements(ada.data(SINCE, json!({ "after": start }))).await;
    assert_eq!((third, others), (first, 3), "they are loaded for ada as well");
}

/// A new role is heard of by those who listen already, and so is its loss.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_role_changes_what_is_heard() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let (root, ada, bo) = (app.as_role("root", "ADMIN").await, app.as_user("ada").await, app.as_user("bo").await);
    let mut socket = bo.on_instance(other.address).socket().await;
    socket.subscribe_live(&other, UPDATED, json!({})).await;
    ask(&ada, "not for bo").await;
    let moved = "select head from event_stream where not exists (select from outbox)";
    until("it went by", || async {
        let head = app.sql().await.query_opt(moved, &[]).await.unwrap().map(|row| row.get::<_, i64>(0));
        head == Some(other.app.events.head().position)
    })
    .await;
    let update =
        "mutation ($id: ID!, $role: Role) { adminUpdateUser(id: $id, input: { role: $role }) { userErrors { code } } }";
    let set_role = async |role: &str| {
        let updated = root.data(update, json!({ "id": bo.id, "role": role })).await;
        assert_eq!(updated["adminUpdateUser"]["userErrors"], json!([]));
    };
    set_role("SUPPORT").await;
    ask(&ada, "for support").await;
    assert_eq!(socket.next().await["ticketUpdated"]["question"], "for support");
    set_role("USER").await;
    ask(&ada, "not for bo any more").await;
    ask(&bo, "bo's own").await;
    assert_eq!(socket.next().await["ticketUpdated"]["question"], "bo's own");
}

/// Topics that nothing is published to yet are served as the others are: live, from memory, and from the database.
#[tokio::test(flavor = "multi_thread")]
async fn any_topic_is_delivered_live_and_replayed() {
    let app = TestApp::start().await;
    let (bo, filter) =
        (UserId(app.as_user("bo").await.key()), EventFilter { kinds: &[EventKind::OrderChanged], conversation: None });
    let start = app.app.events.head();
    let listen = async |app: &TestApp| {
        let subscription = EventSubscription::open(Arc::clone(&app.live), bo, filter, Some(start)).await.unwrap();
        let all = |kind| TopicChange { user: bo, topic: Topic { kind, id: 7 }, reach: Some(Reach::All) };
        app.live.hub.change_topics(&[all(TopicKind::Merchant), all(TopicKind::GroupStaff)]);
        subscription
    };
    let mut live = listen(&app).await;
    let sql = app.sql().await;
    sql.batch_execute(
        "insert into outbox (kind, audience, audience_id, subject_id, user_id) values ('ORDER_CHANGED', 'MERCHANT', 8, 1, 99),
             ('ORDER_CHANGED', 'MERCHANT', 7, 2, 99), ('ORDER_CHANGED', 'GROUP_STAFF', 7, 3, 99), ('ORDER_CHANGED', 'USER', 99, 4, 99)",
    )
    .await
    .unwrap();
    let head = start.position + 4;
    until("all have their places", || async { app.app.events.head().position == head }).await;
    let other = app.another_instance().await;
    for mut subscription in [listen(&other).await, listen(&app).await] {
        for expected in [2, 3] {
            assert_eq!(subscription.next().await.unwrap().row.subject_id, Some(expected));
        }
    }
    for expected in [2, 3] {
        assert_eq!(live.next().await.unwrap().row.subject_id, Some(expected));
    }
}
