//! One connection per execution: a crowd larger than the pool is served, and a second connection is refused at once.

use futures_util::future::join_all;
use plaza::db::within_execution;
use plaza::error::{AppError, AppResult};
use serde_json::{Value, json};

use crate::harness::{TestApp, cluster, until};

/// What a client asks when it comes back: its conversations, and what it missed.
const RECONNECT: &str = "query ($after: String!) { viewer { eventCursor
    conversations(first: 20) { nodes { title unreadCount lastMessage { id } } }
    eventsSince(after: $after, first: 100) { nodes { payload { __typename ... on ItemTraded { item { id } } } } } } }";

/// After a restart everybody comes back at once, with a cursor that memory doesn't reach back to.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_reconnects_after_a_restart_is_served() {
    let before = TestApp::on_database(cluster().database().await, &[]).await;
    let (ada, bo) = (before.as_user("ada").await, before.as_user("bo").await);
    let after = ada.event_cursor().await;
    let item = ada.create_item(json!({ "title": "a chair" })).await;
    for n in 0..5 {
        bo.send_message(&ada, &format!("message {n}")).await;
    }
    bo.data("mutation ($id: ID!) { tradeItem(id: $id) { userErrors { code } } }", json!({ "id": item["id"] })).await;
    until("two memberships, five messages and a trade have their places", || async {
        before.app.events.head().position == 8
    })
    .await;
    let url = before.url.clone();
    drop(before);
    let app = TestApp::on_database(url, &[("PLAZA_LIMIT_DB_CONNECTIONS", "4")]).await;
    let ada = &ada.on_instance(app.address);
    // Six times as many at once as there are connections: few enough that a busy machine serves them in time, and far more
    // than it takes to have all connections held by executions that would wait for another.
    for _ in 0..4 {
        for answer in join_all((0..24).map(|_| ada.run(RECONNECT, json!({ "after": after })))).await {
            let viewer = &answer.data()["viewer"];
            let events = viewer["eventsSince"]["nodes"].as_array().unwrap();
            let kinds: Vec<&Value> = events.iter().map(|event| &event["payload"]["__typename"]).collect();
            assert_eq!(kinds.iter().filter(|kind| **kind == "MessageCreated").count(), 5, "{viewer}");
            assert_eq!(kinds.last().unwrap(), &"ItemTraded", "{viewer}");
            assert_eq!(viewer["conversations"]["nodes"][0]["unreadCount"], 5);
        }
    }
}

fn cause<T>(result: AppResult<T>) -> String {
    result.err().map(|error| error.describe()).unwrap_or_default()
}

/// What would wait for a second connection under load fails always, so that no test misses it.
#[tokio::test(flavor = "multi_thread")]
async fn no_execution_has_a_second_connection() {
    let app = TestApp::start().await;
    let database = &app.app.database;
    let second = "an execution asks for a second connection";

    let lease = database.lease();
    let (one, other) = (lease.read().await.unwrap(), lease.read().await.unwrap());
    drop(one);
    assert_eq!(cause(lease.write().await), second, "something reads through it");
    drop(other);
    let writing = lease.write().await.unwrap();
    assert_eq!(cause(lease.read().await), second, "a transaction has it");
    assert_eq!(cause(lease.write().await), second);
    drop(writing);
    drop(lease.read().await.unwrap());
    drop(lease.write().await.unwrap());

    within_execution(async {
        assert_eq!(cause(database.get().await), "an execution takes a connection past its lease");
        assert_eq!(cause(database.lease().read().await), second);
        drop(lease.read().await.unwrap());
    })
    .await;
    drop(database.get().await.unwrap());
}

/// The fields of a response read one after the other: each would wait for the pool.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_waits_in_vain_only_once() {
    let app = TestApp::on_database(cluster().database().await, &[("PLAZA_LIMIT_DB_CONNECTIONS", "4")]).await;
    let database = &app.app.database;
    let lease = database.lease();
    let mut taken = Vec::new();
    while let Ok(conn) = database.get().await {
        taken.push(conn);
    }
    assert_eq!(cause(lease.read().await), AppError::overloaded().describe());
    drop(taken);
    drop(database.get().await.unwrap());
    assert_eq!(cause(lease.read().await), AppError::overloaded().describe());
    assert_eq!(cause(lease.write().await), AppError::overloaded().describe());
    drop(database.lease().write().await.unwrap());
}
