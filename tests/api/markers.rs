//! Read markers: what is unread after marking, leaving and coming back, and what a mark costs.

use std::sync::Arc;

use plaza::auth::Requester;
use plaza::domains::chat::membership::{self, History, MembershipEdit};
use plaza::ids::{ConversationId, UserId};
use plaza::scope::Scope;
use serde_json::{Value, json};

use crate::harness::{Person, SEND, TestApp, cluster, connect_alone};

const SEEN: &str = "query ($id: ID!) { conversation(id: $id) { unreadCount lastReadSeq maxSeq } }";
const READ: &str = "mutation ($id: ID!, $seq: Int) { markConversationRead(to: { conversationId: $id }, upToSeq: $seq) {
    conversation { unreadCount lastReadSeq } userErrors { code } } }";
const GROUP: ConversationId = ConversationId(1);

async fn group(app: &TestApp) -> (Person, Person) {
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let group = "insert into conversations (kind) values ('GROUP');
        insert into members (conversation_id, user_id) select 1, id from users";
    app.sql().await.batch_execute(group).await.unwrap();
    (ada, bo)
}

async fn say(person: &Person, times: usize) {
    let input = json!({ "to": { "conversationId": GROUP.global() }, "content": { "text": { "text": "hello" } } });
    for _ in 0..times {
        let sent = person.data(SEND, json!({ "input": input })).await;
        assert_eq!(sent["sendMessage"]["userErrors"], json!([]));
    }
}

async fn seen(person: &Person) -> Value {
    person.data(SEEN, json!({ "id": GROUP.global() })).await["conversation"].clone()
}

async fn read(person: &Person, seq: i32) -> Value {
    let data = person.data(READ, json!({ "id": GROUP.global(), "seq": seq })).await;
    data["markConversationRead"]["conversation"]["unreadCount"].clone()
}

/// Removes a member, or adds them again.
pub async fn move_member(app: &TestApp, user: UserId, history: Option<History>) {
    let scope = Scope::new(Arc::clone(&app.app), Requester::anonymous());
    scope
        .transaction(async |conn| {
            let edit = MembershipEdit { conversation: GROUP, actor: None };
            match history {
                Some(history) => membership::open_many(&scope, conn, edit, &[user], history).await?,
                None => membership::close_many(&scope, conn, edit, &[user]).await?,
            };
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_is_right_after_leaving_and_coming_back() {
    let app = TestApp::start().await;
    let (ada, bo) = group(&app).await;
    let user = UserId(bo.key());
    say(&ada, 5).await;
    assert_eq!(read(&bo, 5).await, 0);
    say(&bo, 5).await;
    move_member(&app, user, None).await;
    say(&ada, 10).await;
    move_member(&app, user, Some(History::Hidden)).await;
    assert_eq!(seen(&bo).await, json!({ "unreadCount": 0, "lastReadSeq": 20, "maxSeq": 20 }));
    say(&ada, 3).await;
    assert_eq!(seen(&bo).await["unreadCount"], 3, "what came before counts no more");
    assert_eq!(read(&bo, 22).await, 1);
    say(&bo, 2).await;
    assert_eq!(seen(&bo).await["unreadCount"], 0, "what one says marks all before as read");

    // With the history: what was said meanwhile is to be read.
    move_member(&app, user, None).await;
    say(&ada, 4).await;
    move_member(&app, user, Some(History::Shown)).await;
    assert_eq!(seen(&bo).await, json!({ "unreadCount": 4, "lastReadSeq": 25, "maxSeq": 29 }));
    assert_eq!(read(&bo, 29).await, 0);
}

/// Scrolling through a long history costs what is read, and not what is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_mark_costs_what_it_passes() {
    let app = TestApp::on_database(cluster().database().await, &[]).await;
    let (ada, bo) = group(&app).await;
    let sql = app.sql().await;
    sql.batch_execute(
        "insert into messages (conversation_id, seq, sender_id, type, content, is_private)
             select 1, n, 1 + n % 2, 'TEXT', '{\"type\": \"TEXT\", \"text\": \"hello\"}', false from generate_series(1, 50000) n;
         update conversations set last_seq = 50000; analyze messages;
         update members set own_since_read = 25000",
    )
    .await
    .unwrap();
    for step in 1..=100 {
        assert_eq!(read(&ada, step * 20).await, 25_000 - step * 10);
    }
    assert_eq!(read(&bo, 49_990).await, 5);
    let url = app.url.clone();
    drop((app, sql));
    let sql = connect_alone(&url).await;
    let rows = "select seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'messages'";
    let rows: i64 = sql.query_one(rows, &[]).await.unwrap().get(0);
    assert!(rows < 10_000, "{rows} messages were read for 101 marks that pass 2,000, and leave 10");
}
