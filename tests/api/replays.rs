//! Long replays from the database: complete, in order, and at a cost that grows with what is replayed.

use std::sync::Arc;

use plaza::events::{EventKind, StreamCursor};
use plaza::ids::UserId;
use plaza::live::{EventFilter, EventSubscription};

use crate::harness::{TestApp, cluster, connect_alone, until};

/// Of 40 busy conversations, a user missed 400 events each.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_replay_of_many_conversations_reads_each_event_once_or_twice() {
    let before = TestApp::on_database(cluster().database().await, &[]).await;
    let bo = before.as_user("bo").await;
    let cursor = StreamCursor::parse(&bo.event_cursor().await).unwrap();
    let sql = before.sql().await;
    sql.batch_execute(
        "insert into conversations (kind, last_seq) select 'GROUP', 1000 from generate_series(1, 40);
         insert into members (conversation_id, user_id) select id, 1 from conversations;
         insert into outbox (kind, audience, audience_id, conversation_id, version, seq, user_id)
            select 'CONVERSATION_READ', 'CONVERSATION', c, c, n, n, 1 from generate_series(1, 400) n, generate_series(1, 40) c
            order by n, c;
         -- Nothing of his, for a long stretch.
         insert into outbox (kind, audience, audience_id) select 'SESSION_REVOKED', 'USER', 0 from generate_series(1, 5000);
         insert into outbox (kind, audience, audience_id, conversation_id, version, seq, user_id)
            select 'CONVERSATION_READ', 'CONVERSATION', c, c, 401, 401, 1 from generate_series(1, 40) c",
    )
    .await
    .unwrap();
    let total = 401 * 40;
    until("all have their places", || async { before.app.events.head().position == total + 5000 }).await;
    let url = before.url.clone();
    drop((before, sql));

    let app = TestApp::on_database(url.clone(), &[]).await;
    let read = "select coalesce(sum(seq_tup_read + idx_tup_fetch), 0)::bigint from pg_stat_user_tables where relname like 'events_2%'";
    let start = app.query_number(read).await;
    let filter = EventFilter { kinds: &[EventKind::ConversationRead], conversation: None };
    let mut replay =
        EventSubscription::open(Arc::clone(&app.live), UserId(bo.key()), filter, Some(cursor)).await.unwrap();
    let mut last = 0;
    for n in 0..total {
        let event = replay.next().await.unwrap();
        assert!(event.row.position > last, "in order and none twice");
        assert_eq!(event.row.seq, Some(i32::try_from(n / 40 + 1).unwrap()), "none is missed");
        last = event.row.position;
    }
    assert_eq!(last, total + 5000);
    drop((replay, app));
    let sql = connect_alone(&url).await;
    let rows = sql.query_one(read, &[]).await.unwrap().get::<_, i64>(0) - start;
    // The first page reads them all, for it can't know; a page of 500 that reads no more than 1,000 follows another.
    assert!(rows < 5 * total, "{rows} rows were read to replay {total}");
}
