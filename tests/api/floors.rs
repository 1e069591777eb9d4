//! What moves cost: the outbox's floor spares them the dead entries below it, and passes no event that is still to come; and
//! they go by index.

use diesel_async::{AsyncConnection, AsyncPgConnection};
use plaza::events::floor::Step;
use plaza::events::{partitions, store};

use crate::harness::{TestApp, cluster, connect, connect_alone, until};

const INSERT: &str = "insert into outbox (kind, audience, audience_id) values ('SESSION_REVOKED', 'USER', 0)";
const FLOOR: &str = "select outbox_floor from event_stream";

/// Waits until the last step is made: transactions of other tests' databases hold it up as well.
async fn raised(written: Step, conn: &AsyncPgConnection) {
    until("the floor is raised", || async { written.next(conn).await.unwrap() == Step::Begin }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_floor_passes_no_event_that_is_to_come() {
    // Without an instance: nothing moves unless it is said here.
    let url = cluster().database().await;
    let conn = AsyncPgConnection::establish(&url).await.unwrap();
    partitions::make_ahead(&conn).await.unwrap();
    let (sql, late, later) = (connect(&url).await, connect(&url).await, connect(&url).await);
    let floor = async || sql.query_one(FLOOR, &[]).await.unwrap().get::<_, i64>(0);
    // 1 is open, 2 and 3 are there, 4 was given out and given up.
    late.batch_execute(&format!("begin; {INSERT}")).await.unwrap();
    sql.batch_execute(&format!("{INSERT}; {INSERT}")).await.unwrap();
    sql.batch_execute(&format!("begin; {INSERT}; rollback")).await.unwrap();
    let given = Step::Begin.next(&conn).await.unwrap();
    assert_eq!(given, Step::Given { id: 4 });
    let written = given.next(&conn).await.unwrap();
    // After the second step: nothing of it matters.
    later.batch_execute(&format!("begin; {INSERT}")).await.unwrap();
    assert_eq!(store::move_batch(&conn).await.unwrap(), 2);
    assert_eq!(written.next(&conn).await.unwrap(), written, "1 may still come");
    assert_eq!(floor().await, 0);
    late.batch_execute("commit").await.unwrap();
    raised(written, &conn).await;
    assert_eq!(floor().await, 0, "1 is there");
    assert_eq!(store::move_batch(&conn).await.unwrap(), 1);
    raised(written, &conn).await;
    assert_eq!(floor().await, 4);
    later.batch_execute("commit").await.unwrap();
    assert_eq!(store::move_batch(&conn).await.unwrap(), 1);

    // Under a long snapshot, moves begin behind what is dead.
    late.batch_execute("begin isolation level repeatable read; select count(*) from outbox").await.unwrap();
    let many = "insert into outbox (kind, audience, audience_id) select 'SESSION_REVOKED', 'USER', 0 from generate_series(1, 3000)";
    sql.batch_execute(many).await.unwrap();
    assert_eq!(store::move_batch(&conn).await.unwrap() + store::move_batch(&conn).await.unwrap(), 3000);
    raised(Step::Begin.next(&conn).await.unwrap().next(&conn).await.unwrap(), &conn).await;
    assert_eq!(floor().await, 3005);
    sql.batch_execute(INSERT).await.unwrap();
    assert_eq!(store::move_batch(&conn).await.unwrap(), 1);

    // Nor one of the last transaction that has begun, after which none is over.
    late.batch_execute(&format!("commit; begin; {INSERT}")).await.unwrap();
    let written = Step::Begin.next(&conn).await.unwrap().next(&conn).await.unwrap();
    assert_eq!(written.next(&conn).await.unwrap(), written, "it may still come");
    assert_eq!(floor().await, 3005);
    late.batch_execute("commit").await.unwrap();
    assert_eq!(store::move_batch(&conn).await.unwrap(), 1);
    raised(written, &conn).await;
    assert_eq!(floor().await, 3007);
    store::lower_outbox_floor(&conn).await.unwrap();
    assert_eq!(floor().await, 0);
}

/// `vacuumdb --analyze` at night finds an empty outbox, and days without events.
#[tokio::test(flavor = "multi_thread")]
async fn the_stream_goes_by_index_after_its_empty_tables_were_analyzed() {
    let url = cluster().database().await;
    let conn = AsyncPgConnection::establish(&url).await.unwrap();
    partitions::make_ahead(&conn).await.unwrap();
    let sql = connect(&url).await;
    sql.batch_execute("vacuum analyze outbox").await.unwrap();
    for name in store::list_days(&conn).await.unwrap() {
        sql.batch_execute(&format!("vacuum analyze {name}")).await.unwrap();
    }
    let app = TestApp::on_database(url.clone(), &[]).await;
    for moved in 1..=30 {
        sql.batch_execute(INSERT).await.unwrap();
        app.app.events.wake_sequencer();
        until("it has its place", || async { app.app.events.head().position == moved }).await;
    }
    drop((app, conn, sql));
    let sql = connect_alone(&url).await;
    let scans = "select relname::text, seq_scan, idx_scan from pg_stat_user_tables
        where relname = 'outbox' or relname = to_char(now() at time zone 'UTC', '\"events_\"YYYYMMDD')";
    let rows = sql.query(scans, &[]).await.unwrap();
    assert_eq!(rows.len(), 2, "the outbox and today's events");
    for row in rows {
        let (name, scanned, by_index): (String, i64, i64) = (row.get(0), row.get(1), row.get(2));
        assert!(
            scanned < 5 && by_index >= 30,
            "{name} was scanned {scanned} times, and read by index {by_index} times"
        );
    }
}
