//! A stream that stands still is seen, and one that is slow gets through.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use crate::harness::http::{Reply, send};
use crate::harness::{TestApp, until};

const RECEIVE: &str = "subscription { messageReceived { message { seq } } }";

async fn ready(app: &TestApp) -> Reply {
    send(app.address, Method::GET, "/readyz", &[], "").await
}

/// A figure of an instance.
async fn figure(app: &TestApp, name: &str) -> f64 {
    let text = send(app.address, Method::GET, "/metrics", &[], "").await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

async fn is(app: &TestApp, name: &str, value: f64) -> bool {
    (figure(app, name).await - value).abs() < 0.001
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequencer_and_a_feed_that_stand_still_are_seen() {
    let app = TestApp::with(&[("PLAZA_EVENT_LAG_SECONDS", "1")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, RECEIVE, json!({})).await;
    ada.send_message(&bo, "one").await;
    socket.next().await;
    until("nothing waits", || async { is(&app, "plaza_event_outbox", 0.0).await }).await;
    assert_eq!(
        (ready(&app).await.text.as_str(), figure(&app, "plaza_event_outbox_age_seconds").await),
        ("ready\n", 0.0)
    );

    // The sequencer waits for the stream's row; messages are taken all the same.
    let (mut sequencer, mut feed) = (app.sql().await, app.sql().await);
    let holds_stream = sequencer.transaction().await.unwrap();
    holds_stream.execute("select from event_stream for update", &[]).await.unwrap();
    ada.send_message(&bo, "two").await;
    ada.send_message(&bo, "three").await;
    until("it is not ready", || async { ready(&app).await.status == 503 }).await;
    let reply = ready(&app).await;
    assert!(reply.text.starts_with("events stand still: the oldest waits for "), "{}", reply.text);
    // The figures are looked up apart, and kept for a moment.
    until("two wait", || async { is(&app, "plaza_event_outbox", 2.0).await }).await;
    until("for a while", || async { figure(&app, "plaza_event_outbox_age_seconds").await > 1.0 }).await;
    assert!(is(&app, "plaza_event_feed_behind", 0.0).await);

    // The events get their places, but what they tell of can't be read by the feed.
    let holds_messages = feed.transaction().await.unwrap();
    holds_messages.batch_execute("lock table messages in access exclusive mode").await.unwrap();
    holds_stream.commit().await.unwrap();
    until("this instance is behind", || async { ready(&app).await.text.starts_with("this instance is 2 events and ") })
        .await;
    assert_eq!(ready(&app).await.status, 503);
    until("nothing waits for a place", || async { is(&app, "plaza_event_outbox", 0.0).await }).await;
    until("two have not come", || async { is(&app, "plaza_event_feed_behind", 2.0).await }).await;
    until("for a while", || async { figure(&app, "plaza_event_feed_lag_seconds").await > 1.0 }).await;

    holds_messages.commit().await.unwrap();
    for seq in 2..=3 {
        assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], seq);
    }
    until("it is ready", || async { ready(&app).await.status == 200 }).await;
    until("nothing is behind", || async { is(&app, "plaza_event_feed_lag_seconds", 0.0).await }).await;
}

/// Without a database the figures of the stream are not numbers, and the others are told.
#[tokio::test(flavor = "multi_thread")]
async fn figures_are_told_without_a_database() {
    let app = TestApp::start().await;
    let sql = app.sql().await;
    let rename = "alter table event_stream rename to elsewhere";
    sql.batch_execute(rename).await.unwrap();
    until("it is not ready", || async { ready(&app).await.text == "no database\n" }).await;
    until("the lag is not known", || async { figure(&app, "plaza_event_feed_lag_seconds").await.is_nan() }).await;
    assert!(figure(&app, "plaza_db_connections").await >= 1.0);
}

/// The fault: how long PostgreSQL takes to read one row.
const ROW_READ_SECONDS: f64 = 0.014;

/// A batch that the database needs longer for than the feed waits is read in parts.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_takes_too_long_is_read_in_parts() {
    let app = TestApp::start().await;
    let bo = app.as_user("bo").await;
    let mut socket = bo.socket().await;
    let events = "subscription { events { payload { __typename } } }";
    socket.subscribe_live(&app, events, json!({})).await;
    // So costly that it is asked last, for the rows alone that are wanted.
    let slow = format!(
        "alter table sessions rename to quick_sessions;
        create function slow() returns boolean language plpgsql volatile cost 1000000
            as 'begin perform pg_sleep({ROW_READ_SECONDS}); return true; end';
        create view sessions as select * from quick_sessions where slow();
        insert into quick_sessions (user_id, platform, expires_at, revoked_at, end_reason)
            select 1, 'WEB', now(), now(), 'REVOKED' from generate_series(1, 400);
        insert into outbox (kind, audience, audience_id, subject_id, user_id)
            select 'SESSION_REVOKED', 'USER', 1, id, 1 from quick_sessions where id > 1"
    );
    let start = Instant::now();
    let head = app.app.events.head().position;
    app.sql().await.batch_execute(&slow).await.unwrap();
    // 400 take 5.6 s, which is too long, and 250 take 3.5 s.
    until("all have come", || async { app.app.events.head().position == head + 400 }).await;
    assert!(start.elapsed() > Duration::from_secs(5), "the first try was given up");
}
