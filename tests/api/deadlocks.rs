//! Deadlocks: one is run again, and what used to lead to one does so no more.

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::accounts::codes;
use crate::harness::money::document;
use crate::harness::{TestApp, until};

/// Another session takes the wallet, an exchange the product, and each then wants the other's.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_loses_a_deadlock_is_run_again() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.as_role("admin", "ADMIN").await, app.as_user("ada").await);
    ada.recharge("100").await;
    let product = app.create_product(&admin, "10", 50).await;
    let sql = app.sql().await;
    let deadlocks = || async {
        sql.batch_execute("select pg_stat_clear_snapshot()").await.unwrap();
        app.query_number("select deadlocks from pg_stat_database where datname = current_database()").await
    };
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let mut made = 0;
    loop {
        sql.batch_execute("begin; select from wallets for update").await.unwrap();
        let exchange = async {
            let order = ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await;
            assert_eq!(order["status"], "PENDING");
        };
        let meddle = async {
            until("the exchange waits for the wallet", || async { app.query_number(waits).await == 1 }).await;
            let won = sql.batch_execute("select from products for update").await.is_ok();
            sql.batch_execute("rollback").await.unwrap();
            won
        };
        let ((), won) = tokio::join!(exchange, meddle);
        made += 1;
        // PostgreSQL ends the session that has waited for a second: on a slow machine it may be this one.
        if won {
            break;
        }
        assert!(made < 5, "the other session lost every time");
    }
    until("the deadlock is counted", || async { deadlocks().await > 0 }).await;
    let balance = format!("{}.00 0.00", 100 - 10 * made);
    assert_eq!(ada.balances().await, balance, "paid once each");
    assert_eq!(app.query_number("select stock::bigint from products").await, 50 - made);
    assert_eq!(app.audit().await, [""; 0]);
}

/// A buyer leaves while their orders are refunded: the one waits for the other.
#[tokio::test(flavor = "multi_thread")]
async fn leaving_beside_refunds_is_no_deadlock() {
    let app = TestApp::start().await;
    let admin = app.as_role("admin", "ADMIN").await;
    let product = app.create_product(&admin, "1", 100).await;
    for round in 0..10 {
        let ada = app.as_user(&format!("ada{round}")).await;
        ada.recharge("4").await;
        let mut orders = Vec::new();
        for _ in 0..4 {
            orders.push(ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await);
        }
        let ids: Vec<_> = orders.iter().map(|order| json!({ "id": order["id"] })).collect();
        app.sql().await.batch_execute("update orders set status = 'COMPLETED'").await.unwrap();
        let refunds = join_all(ids.iter().map(async |id| admin.run(&document("refundOrder"), id.clone()).await.body));
        let leave =
            "mutation ($id: ID!) { deleteUser(id: $id, forfeitBalance: true) { deletedId userErrors { code } } }";
        let (refunds, left) = tokio::join!(refunds, ada.run(leave, json!({ "id": ada.id })));
        assert_eq!(left.body["errors"], json!(null), "{}", left.body);
        for body in refunds {
            assert_eq!(body["errors"], json!(null), "{body}");
            let refused = codes(&body["data"]["refundOrder"]);
            assert!(refused.is_empty() || refused == ["CONFLICT"], "{body}");
        }
    }
    let sql = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(app.query_number(sql).await, 0);
}
