//! The event stream itself: order, completeness, retention, and who leads.

use std::time::{Duration, Instant};

use chrono::Days;
use diesel_async::{AsyncConnection, AsyncPgConnection};
use plaza::clock::Clock;
use plaza::events::{StreamCursor, partitions, retention};
use serde_json::json;
use tokio_postgres::IsolationLevel;

use crate::harness::{TestApp, until};

const RECEIVE: &str = "subscription ($after: String) { messageReceived(after: $after) { cursor message { seq } } }";
const SINCE: &str = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { cursor } } } }";

fn today() -> chrono::NaiveDate {
    Clock::System.now().date_naive()
}

/// What retention took is never skipped in silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_behind_the_retention_is_refused() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let start = bo.event_cursor().await;
    ada.send_message(&bo, "forty days ago").await;
    until("it has its place", || async { app.app.events.head().position == 3 }).await;
    let between = bo.event_cursor().await;
    // As if it had been sent forty days ago.
    let conn = AsyncPgConnection::establish(&app.url).await.unwrap();
    partitions::create(&conn, (app.app.clock.now() - Days::new(40)).date_naive()).await.unwrap();
    app.sql().await.batch_execute("update events set at = at - interval '40 days'").await.unwrap();
    ada.send_message(&bo, "now").await;

    let other = app.another_instance().await;
    let mut socket = bo.on_instance(other.address).socket().await;
    let long_ago = {
        let StreamCursor { position, at } = StreamCursor::parse(&start).unwrap();
        StreamCursor { position, at: at - Days::new(40) }.encode()
    };
    socket.subscribe(RECEIVE, json!({ "after": long_ago })).await;
    assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], 1, "kept until retention says otherwise");

    assert_eq!(retention::drop_expired(&app.url, today(), 30).await.unwrap(), 1);
    assert_eq!(app.query_number("select count(*) from events").await, 1);
    let mut socket = bo.on_instance(other.address).socket().await;
    socket.subscribe(RECEIVE, json!({ "after": long_ago })).await;
    let refused = socket.receive().await;
    assert_eq!(
        (&refused["type"], &refused["payload"][0]["extensions"]["code"]),
        (&json!("error"), &json!("CURSOR_EXPIRED"))
    );
    assert_eq!(bo.run(SINCE, json!({ "after": long_ago })).await.code(), "CURSOR_EXPIRED");
    // A cursor behind which nothing was dropped is as good as ever.
    let mut socket = bo.on_instance(other.address).socket().await;
    socket.subscribe(RECEIVE, json!({ "after": between })).await;
    assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_reach_three_days_ahead() {
    let app = TestApp::start().await;
    until("the sequencer leads", || async { app.app.events.is_leading() }).await;
    let partitions = "select count(*) from pg_inherits where inhparent = 'events'::regclass";
    until("the partitions are made", || async { app.query_number(partitions).await == 5 }).await;
    // Without today's, the sequencer makes it and goes on.
    let today = format!("events_{}", app.app.clock.now().format("%Y%m%d"));
    app.sql().await.batch_execute(&format!("drop table {today}")).await.unwrap();
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "hello").await;
    until("the event has its place", || async { app.app.events.head().position == 3 }).await;
}

/// A dump of the database, and a snapshot that is held for long, delay the dropping of a day and no event.
#[tokio::test(flavor = "multi_thread")]
async fn a_dump_delays_no_event() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let conn = AsyncPgConnection::establish(&app.url).await.unwrap();
    let day = (app.app.clock.now() - Days::new(40)).date_naive();
    partitions::create(&conn, day).await.unwrap();
    // Far more than a pipe holds: the dump stands still until it is read.
    let fill = format!(
        "insert into events (position, at, kind, audience, audience_id) \
         select -n, '{day} 12:00Z', 'SESSION_REVOKED', 'USER', 0 from generate_series(1, 400000) n"
    );
    app.sql().await.batch_execute(&fill).await.unwrap();
    let mut dump = std::process::Command::new("pg_dump")
        .args(["--dbname", &format!("{} application_name=dump", app.url), "--data-only"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let holds = "select count(*) from pg_locks join pg_stat_activity using (pid) where application_name = 'dump' \
        and relation = 'events'::regclass";
    until("the dump holds the table", || async { app.query_number(holds).await > 0 }).await;
    let mut session = app.sql().await;
    let snapshot = session.build_transaction().isolation_level(IsolationLevel::RepeatableRead).start().await.unwrap();
    snapshot.query("select count(*) from events", &[]).await.unwrap();

    // An instance that starts meanwhile leads, once the other is gone, and has a day to drop.
    let other = app.another_instance().await;
    drop(app);
    until("it leads", || async { other.app.events.is_leading() }).await;
    let mut socket = bo.on_instance(other.address).socket().await;
    socket.subscribe(RECEIVE, json!({})).await;
    for seq in 1..=5 {
        let start = Instant::now();
        ada.on_instance(other.address).send_message(&bo, "hello").await;
        assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], seq);
        assert!(start.elapsed() < Duration::from_secs(1), "after {:?}", start.elapsed());
        let held = retention::drop_expired(&other.url, today(), 30).await;
        assert!(held.is_err() && start.elapsed() < Duration::from_secs(1), "it waits for nothing");
    }
    let days = format!("select count(*) from pg_class where relname = 'events_{}'", day.format("%Y%m%d"));
    assert_eq!(other.query_number(&days).await, 1);
    std::io::copy(&mut dump.stdout.take().unwrap(), &mut std::io::sink()).unwrap();
    assert!(dump.wait().unwrap().success());
    assert!(retention::drop_expired(&other.url, today(), 30).await.is_err(), "the snapshot holds it still");
    snapshot.commit().await.unwrap();
    // Autovacuum may be at the new rows for a moment, and the leader may try at the same time.
    until("the day is dropped, which nothing holds any more", || async {
        let dropped = retention::drop_expired(&other.url, today(), 30).await;
        dropped.is_ok() && other.query_number(&days).await == 0
    })
    .await;
}

/// A day that was detached and not dropped, by an earlier version or a crash, goes as well; and a wrong clock takes few.
#[tokio::test(flavor = "multi_thread")]
async fn days_that_were_left_are_dropped() {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    for day in ["20200101", "20200102", "20200103"] {
        sql.batch_execute(&format!("create table events_{day} (like events including all)")).await.unwrap();
    }
    sql.batch_execute(
        "alter table events attach partition events_20200102 for values from ('2020-01-02Z') to ('2020-01-03Z')",
    )
    .await
    .unwrap();
    let days = "select count(*) from pg_class where relname like 'events_2020____'";
    let then = chrono::NaiveDate::from_ymd_opt(2020, 1, 31).unwrap();
    assert_eq!(retention::drop_expired(&app.url, then, 30).await.unwrap(), 0, "one of two clocks is far ahead");
    assert_eq!(retention::drop_expired(&app.url, today(), 30).await.unwrap(), 2);
    assert_eq!(app.query_number(days).await, 1);
    assert_eq!(retention::drop_expired(&app.url, today(), 30).await.unwrap(), 1);
    assert_eq!(app.query_number(days).await, 0);
}

/// An event that commits late with a lower id is still delivered, and an open transaction delays no other event.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_commit_is_delivered_and_delays_no_other_event() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    ada.send_message(&bo, "first").await;
    lan.send_message(&bo, "first").await;
    until("all is quiet", || async { app.app.events.head().position == 6 }).await;
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, RECEIVE, json!({})).await;
    // The statement of a message, held open by hand: it has its outbox row, and a lower id than what follows.
    let sql = app.sql().await;
    sql.batch_execute(
        "begin; update conversations set last_seq = 2, version = 2 where id = 1;
         insert into messages (conversation_id, seq, sender_id, type, content, is_private)
             values (1, 2, 1, 'TEXT', '{\"type\": \"TEXT\", \"text\": \"late\"}', false);
         insert into outbox (kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id)
             values ('MESSAGE_CREATED', 'CONVERSATION', 1, 1, 2, lastval() , 2, 1)",
    )
    .await
    .unwrap();
    sql.batch_execute("update outbox set subject_id = (select id from messages where conversation_id = 1 and seq = 2)")
        .await
        .unwrap();
    for n in 2..=4 {
        let start = Instant::now();
        lan.send_message(&bo, "meanwhile").await;
        let data = socket.next().await;
        assert_eq!(data["messageReceived"]["message"]["seq"], n);
        assert!(start.elapsed() < Duration::from_secs(2), "delayed by {:?}", start.elapsed());
    }
    sql.batch_execute("commit").await.unwrap();
    let data = socket.next().await;
    assert_eq!(data["messageReceived"]["message"]["seq"], 2, "the late one, behind those it did not wait for");
    let inverted =
        "select count(*) from events where subject_id = (select id from messages where content->>'text' = 'late')
        and position = (select max(position) from events)";
    assert_eq!(app.query_number(inverted).await, 1);
}

/// In one process: the connections of the sequencer and of the feed are cut, and all goes on.
#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_heal_and_nothing_is_lost() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "first").await;
    until("all is quiet", || async { app.app.events.head().position == 3 && other.app.events.head().position == 3 })
        .await;
    let mut sockets = [bo.socket().await, bo.on_instance(other.address).socket().await];
    sockets[0].subscribe_live(&app, RECEIVE, json!({})).await;
    sockets[1].subscribe_live(&other, RECEIVE, json!({})).await;
    let sql = app.sql().await;
    for round in 0..3 {
        // The connections that listen or lead, but not the pools.
        sql.batch_execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
             and application_name in ('plaza sequencer', 'plaza feed', 'plaza nudges')",
        )
        .await
        .unwrap();
        let start = Instant::now();
        let seq = ada.send_message(&bo, "while the lines are down").await["seq"].clone();
        for socket in &mut sockets {
            assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], seq, "round {round}");
        }
        assert!(start.elapsed() < Duration::from_secs(5), "healed after {:?}", start.elapsed());
    }
    until("one leads", || async { app.app.events.is_leading() != other.app.events.is_leading() }).await;
}

/// Without any wake-up, a look each second finds what there is.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_nudge_costs_two_seconds_at_most() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "first").await;
    until("all is quiet", || async { app.app.events.head().position == 3 }).await;
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, RECEIVE, json!({})).await;
    // Written past Plaza: no instance is notified.
    let start = Instant::now();
    app.sql()
        .await
        .batch_execute(
            "insert into messages (conversation_id, seq, sender_id, type, content, is_private)
                 values (1, 2, 1, 'TEXT', '{\"type\": \"TEXT\", \"text\": \"unannounced\"}', false);
             insert into outbox (kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id)
                 select 'MESSAGE_CREATED', 'CONVERSATION', 1, 1, 2, id, 2, 1 from messages where seq = 2",
        )
        .await
        .unwrap();
    assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], 2);
    assert!(start.elapsed() < Duration::from_secs(3), "found after {:?}", start.elapsed());
}

/// Connections that PostgreSQL closes while they lie idle in the pool are no error of anybody's request.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_may_be_closed() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let sql = app.sql().await;
    for _ in 0..3 {
        let others = "from pg_stat_activity where datname = current_database() and backend_type = 'client backend' \
            and pid <> pg_backend_pid()";
        let rows = sql.query(&format!("select pid, pg_terminate_backend(pid) {others}"), &[]).await.unwrap();
        let closed: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        assert!(!closed.is_empty());
        // Gone on PostgreSQL's side, and a moment later on ours.
        let mut looks = 0;
        while looks < 5 {
            let left = sql.query_one(&format!("select count(*) {others} and pid = any($1)"), &[&closed]).await.unwrap();
            looks += i32::from(left.get::<_, i64>(0) == 0);
        }
        ada.send_message(&bo, "hello").await;
    }
}
