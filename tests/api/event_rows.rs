//! The rows of events: what is there moves to the new columns and back, and instances of the version before go on meanwhile.

use diesel_async::{AsyncConnection, AsyncPgConnection};
use plaza::db::migrate;
use plaza::events::{StreamCursor, partitions};
use plaza::ids::{SessionId, UserId};
use serde_json::{Value, json};

use crate::harness::{Person, TestApp, cluster, connect, until};

const UP: &str = include_str!("../../migrations/00000000000026_open_event_kinds/up.sql");
const DOWN: &str = include_str!("../../migrations/00000000000026_open_event_kinds/down.sql");
const FORGET: &str = "delete from __diesel_schema_migrations where version = '00000000000026'";
const SINCE: &str = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload { __typename
    ... on MessageCreated { message { seq } } } } } } }";

/// All rows of both tables, as the columns of the version before show them.
const ROWS: &str = "select jsonb_agg(r order by place, id)::text from (
    select 'events' as place, position as id, at::text, kind::text, audience::text, audience_id, conversation_id, version,
        subject_id, seq, user_id from events
    union all select 'outbox', id, '', kind::text, audience::text, audience_id, conversation_id, version, subject_id, seq, user_id
    from outbox) r";

async fn rows(sql: &tokio_postgres::Client) -> String {
    sql.query_one(ROWS, &[]).await.unwrap().get(0)
}

/// What the version before had written: a conversation of two with two messages, one moved and one on its way, on two days.
const WRITTEN: &str = "
    insert into users (username, username_key, nickname) values ('ada', 'ada', 'ada'), ('bo', 'bo', 'bo');
    insert into conversations (kind, low_user_id, high_user_id, last_seq, version) values ('DIRECT', 1, 2, 2, 2);
    insert into members (conversation_id, user_id) values (1, 1), (1, 2);
    insert into messages (conversation_id, seq, sender_id, type, content, is_private)
        select 1, n, 1, 'TEXT', '{\"type\": \"TEXT\", \"text\": \"hello\"}', false from generate_series(1, 2) n;
    insert into events (position, at, kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id) values
        (1, now() - interval '1 day', 'MEMBERSHIP_CHANGED', 'USER', 2, 1, 0, null, null, 2),
        (2, now(), 'MESSAGE_CREATED', 'CONVERSATION', 1, 1, 1, 1, 1, 1),
        (3, now(), 'TICKET_CHANGED', 'ROLE', 1, null, null, 7, null, 2);
    update event_stream set head = 3, last_at = now();
    insert into outbox (kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id) values
        ('MESSAGE_CREATED', 'CONVERSATION', 1, 1, 2, 2, 2, 1), ('SESSION_REVOKED', 'USER', 2, null, null, 7, null, 2);";

#[tokio::test(flavor = "multi_thread")]
async fn rows_survive_the_migration_both_ways_and_are_delivered() {
    let url = cluster().database().await;
    let sql = connect(&url).await;
    sql.batch_execute(&format!("begin; {DOWN} {FORGET}; commit")).await.unwrap();
    let conn = AsyncPgConnection::establish(&url).await.unwrap();
    partitions::make_ahead(&conn).await.unwrap();
    sql.batch_execute(WRITTEN).await.unwrap();
    let before = rows(&sql).await;
    assert!(before.contains("TICKET_CHANGED") && before.contains("SESSION_REVOKED"));
    assert_eq!(migrate::run(&url).await.unwrap(), ["00000000000026"]);
    assert_eq!(rows(&sql).await, before, "up");
    sql.batch_execute(&format!("begin; {DOWN} {FORGET}; commit")).await.unwrap();
    assert_eq!(rows(&sql).await, before, "down");
    assert_eq!(migrate::run(&url).await.unwrap(), ["00000000000026"]);
    assert_eq!(rows(&sql).await, before, "and up again");

    let app = TestApp::on_database(url, &[]).await;
    until("all are moved", || async { app.app.events.head().position == 5 }).await;
    let start = StreamCursor { position: 0, at: app.app.clock.now() - chrono::Days::new(2) };
    let stranger = app.as_user("cleo").await;
    let (token, _) = app.app.tokens.issue(UserId(2), SessionId(1_000_000), app.app.clock.now()).unwrap();
    let bo = Person { token, ..stranger };
    let since = bo.data(SINCE, json!({ "after": start.encode() })).await["viewer"]["eventsSince"]["nodes"].clone();
    let created = |seq: i32| json!({ "payload": { "__typename": "MessageCreated", "message": { "seq": seq } } });
    assert_eq!(since, json!([created(1), created(2)]));
}

/// Events that the version before does not know keep their places and have no audience.
#[tokio::test(flavor = "multi_thread")]
async fn newer_rows_keep_their_places_on_the_way_down() {
    let url = cluster().database().await;
    let sql = connect(&url).await;
    let conn = AsyncPgConnection::establish(&url).await.unwrap();
    partitions::make_ahead(&conn).await.unwrap();
    sql.batch_execute(
        "insert into events (position, at, kind, audience, audience_id, conversation_id, version, data)
             values (1, now(), 'MEMBERS_CHANGED', 'CONVERSATION', 1, 1, 1, '{}'), (2, now(), 'ORDER_CHANGED', 'MERCHANT', 1, null, null, null);
         insert into outbox (kind, audience, audience_id, conversation_id, version) values ('MEMBERS_CHANGED', 'CONVERSATION', 1, 1, 2)",
    )
    .await
    .unwrap();
    sql.batch_execute(&format!("begin; {DOWN} commit")).await.unwrap();
    let left: Value = serde_json::from_str(&rows(&sql).await).unwrap();
    for row in left.as_array().unwrap() {
        assert_eq!((&row["kind"], &row["audience_id"]), (&json!("SESSION_REVOKED"), &json!(0)));
    }
    assert_eq!(left.as_array().unwrap().len(), 3);
    sql.batch_execute(&format!("begin; {UP} commit")).await.unwrap();
}

/// The statements of the version before, which name the types, go on after the migration.
#[tokio::test(flavor = "multi_thread")]
async fn instances_of_the_version_before_write_move_and_read() {
    let url = cluster().database().await;
    let sql = connect(&url).await;
    let conn = AsyncPgConnection::establish(&url).await.unwrap();
    partitions::make_ahead(&conn).await.unwrap();
    sql.batch_execute(
        "insert into outbox (kind, audience, audience_id, subject_id) values ('ORDER_CHANGED'::event_kind, 'USER'::event_audience, 2, 7);
         insert into events (position, at, kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id)
             select 1, now(), kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id from outbox",
    )
    .await
    .unwrap();
    let read = "select kind::text from events where audience = 'USER' and audience_id = 2
        and kind = any(array['ORDER_CHANGED', 'TASK_CHANGED']::event_kind[])";
    assert_eq!(sql.query_one(read, &[]).await.unwrap().get::<_, String>(0), "ORDER_CHANGED");
}
