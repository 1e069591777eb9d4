//! Where orders go, what is repeated, and whose hands an order needs.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::{Person, TestApp};

const LOOK: &str = "query ($id: ID!) { order(id: $id) { address status trackingNumber availableActions
    history { from to fromAddress toAddress actor { id } } } }";

struct Shop {
    app: TestApp,
    admin: Person,
    ada: Person,
    product: Value,
}

impl Shop {
    async fn open() -> Self {
        let app = TestApp::start().await;
        let (admin, ada) = (app.as_role("admin", "ADMIN").await, app.as_user("ada").await);
        ada.recharge("100").await;
        let product = app.create_product(&admin, "1", 100).await;
        Self { app, admin, ada, product }
    }

    async fn order(&self, buyer: &Person, address: &str) -> Value {
        buyer.mutate_ok("exchangeProduct", json!({ "id": self.product["id"], "address": address })).await
    }
}

async fn edit(person: &Person, order: &Value, input: Value) -> Value {
    person.mutate("updateOrder", json!({ "id": order["id"], "input": input })).await
}

async fn look(person: &Person, order: &Value) -> Value {
    person.data(LOOK, json!({ "id": order["id"] })).await["order"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_sent_where_it_was_packed_for() {
    let shop = Shop::open().await;
    let (ada, admin) = (&shop.ada, &shop.admin);
    let order = shop.order(ada, "A").await;
    assert_eq!(codes(&edit(ada, &order, json!({ "address": "B" })).await), [""; 0]);
    assert_eq!(
        user_errors(&edit(admin, &order, json!({ "trackingNumber": "SF1" })).await),
        ["REQUIRED input.expectedAddress"]
    );
    let stale = edit(admin, &order, json!({ "trackingNumber": "SF1", "expectedAddress": "A" })).await;
    assert_eq!(user_errors(&stale), ["CONFLICT input.expectedAddress"]);
    assert_eq!(stale["userErrors"][0]["current"], "B");
    let shipped = edit(admin, &order, json!({ "trackingNumber": "SF1", "expectedAddress": " B " })).await;
    assert_eq!(shipped["order"]["status"], "SHIPPED");
    // Both of them read who changed what.
    let line = |from: Value, to: &str, person: &Person, addresses: [Value; 2]| {
        let [from_address, to_address] = addresses;
        json!({ "from": from, "to": to, "fromAddress": from_address, "toAddress": to_address, "actor": { "id": person.id } })
    };
    let none = || [Value::Null, Value::Null];
    let history = json!([
        line(Value::Null, "PENDING", ada, none()),
        line(json!("PENDING"), "PENDING", ada, [json!("A"), json!("B")]),
        line(json!("PENDING"), "SHIPPED", admin, none()),
    ]);
    for person in [ada, admin] {
        assert_eq!(look(person, &order).await["history"], history);
    }
    // The number is corrected without a word on the address; the same once more changes nothing.
    for number in ["SF2", "SF2"] {
        assert_eq!(codes(&edit(admin, &order, json!({ "trackingNumber": number })).await), [""; 0]);
    }
    assert_eq!(shop.app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_changes_so_often_and_goes_with_its_buyer() {
    let shop = Shop::open().await;
    let (ada, admin) = (&shop.ada, &shop.admin);
    let order = shop.order(ada, "start").await;
    // No change is no line.
    assert_eq!(codes(&edit(ada, &order, json!({ "address": "start" })).await), [""; 0]);
    for n in 0..20 {
        assert_eq!(codes(&edit(ada, &order, json!({ "address": format!("secret {n}") })).await), [""; 0]);
    }
    assert_eq!(user_errors(&edit(ada, &order, json!({ "address": "one more" })).await), ["CONFLICT input.address"]);
    assert_eq!(look(ada, &order).await["history"].as_array().unwrap().len(), 21);
    edit(admin, &order, json!({ "trackingNumber": "SF1", "expectedAddress": "secret 19" })).await;
    ada.mutate_by_id("confirmOrder", &order).await;
    let leave = "mutation ($id: ID!) { deleteUser(id: $id, forfeitBalance: true) { deletedId } }";
    assert_eq!(ada.data(leave, json!({ "id": ada.id })).await["deleteUser"]["deletedId"], ada.id);
    let seen = look(admin, &order).await;
    assert_eq!((seen["history"].as_array().unwrap().len(), seen.to_string().contains("secret")), (23, false), "{seen}");
    assert_eq!(shop.app.audit().await, [""; 0]);
}

/// The buyer moves while an administrator ships: never to another address than the packed one.
#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_the_address_has_one_winner() {
    let shop = Shop::open().await;
    let (ada, admin) = (&shop.ada, &shop.admin);
    let mut shipped = 0;
    for _ in 0..12 {
        let order = shop.order(ada, "A").await;
        let relocates = edit(ada, &order, json!({ "address": "B" }));
        let ships = edit(admin, &order, json!({ "trackingNumber": "SF1", "expectedAddress": "A" }));
        let (moved, sent) = tokio::join!(relocates, ships);
        let seen = look(ada, &order).await;
        let state = [seen["status"].as_str().unwrap(), seen["address"].as_str().unwrap()];
        match (codes(&moved).as_slice(), codes(&sent).as_slice()) {
            ([], ["CONFLICT"]) => assert_eq!(state, ["PENDING", "B"]),
            (["ILLEGAL_TRANSITION"], []) => {
                assert_eq!(state, ["SHIPPED", "A"]);
                shipped += 1;
            }
            other => panic!("{other:?} and {state:?}"),
        }
    }
    tracing::info!(shipped, "of twelve");
    assert_eq!(shop.app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_told_again_to_who_did_it() {
    let shop = Shop::open().await;
    let (app, ada, admin) = (&shop.app, &shop.ada, &shop.admin);
    let second = app.as_role("second", "ADMIN").await;
    let steps = || app.query_number("select count(*) from order_events");
    let cancelled = shop.order(ada, "x").await;
    let cancel = |reason: Value| json!({ "id": cancelled["id"], "reason": reason });
    ada.mutate_ok("cancelOrder", cancel(json!("no"))).await;
    let before = (steps().await, ada.balances().await);
    assert_eq!(ada.mutate_ok("cancelOrder", cancel(json!(" no "))).await["status"], "CANCELLED");
    assert_eq!((steps().await, ada.balances().await), before);
    for (person, reason) in [(ada, json!("other")), (ada, Value::Null), (admin, json!("no"))] {
        assert_eq!(codes(&person.mutate("cancelOrder", cancel(reason)).await), ["ILLEGAL_TRANSITION"]);
    }
    let order = shop.order(ada, "x").await;
    edit(admin, &order, json!({ "trackingNumber": "SF1", "expectedAddress": "x" })).await;
    for person in [admin, ada, admin, ada] {
        assert_eq!(person.mutate_by_id("confirmOrder", &order).await["status"], "COMPLETED");
    }
    assert_eq!(codes(&second.mutate("confirmOrder", json!({ "id": order["id"] })).await), ["ILLEGAL_TRANSITION"]);
    let refund = |restock: bool| json!({ "id": order["id"], "restock": restock, "reason": "broken" });
    admin.mutate_ok("refundOrder", refund(true)).await;
    let before = (steps().await, ada.balances().await);
    admin.mutate_ok("refundOrder", refund(true)).await;
    assert_eq!((steps().await, ada.balances().await), before);
    for (person, restock) in [(admin, false), (&second, true)] {
        assert_eq!(codes(&person.mutate("refundOrder", refund(restock)).await), ["ILLEGAL_TRANSITION"]);
    }
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_are_buyers_of_what_they_bought() {
    let shop = Shop::open().await;
    let (app, admin) = (&shop.app, &shop.admin);
    let second = app.as_role("second", "ADMIN").await;
    admin.recharge("10").await;
    let order = shop.order(admin, "x").await;
    assert_eq!(order["availableActions"], json!(["EDIT_ADDRESS", "CANCEL"]));
    let sending = json!({ "trackingNumber": "SF1", "expectedAddress": "x" });
    assert_eq!(user_errors(&edit(admin, &order, sending.clone()).await), ["SELF_TARGET input.trackingNumber"]);
    let refund = json!({ "id": order["id"] });
    assert_eq!(user_errors(&admin.mutate("refundOrder", refund.clone()).await), ["SELF_TARGET id"]);
    assert_eq!(edit(&second, &order, sending).await["order"]["status"], "SHIPPED");
    assert_eq!(
        user_errors(&edit(admin, &order, json!({ "trackingNumber": "SF2" })).await),
        ["SELF_TARGET input.trackingNumber"]
    );
    assert_eq!(admin.mutate_by_id("confirmOrder", &order).await["status"], "COMPLETED");
    app.advance_clock(Duration::from_secs(1));
    assert_eq!(user_errors(&admin.mutate("refundOrder", refund).await), ["SELF_TARGET id"]);
    assert_eq!(second.mutate_by_id("refundOrder", &order).await["status"], "REFUNDED");
    let adjust = |amount: &str| json!({ "userId": admin.id, "amount": amount, "note": "for me" });
    for amount in ["5", "-5"] {
        assert_eq!(user_errors(&admin.mutate("adjustBalance", adjust(amount)).await), ["SELF_TARGET userId"]);
    }
    second.mutate_ok("adjustBalance", adjust("5")).await;
    assert_eq!(admin.balances().await, "15.00 0.00");
    let all = join_all([admin.ledger_entries(), second.ledger_entries()]).await;
    assert_eq!((all[0].len(), all[1].len()), (4, 0));
}

/// What is owed comes back, however much there is already.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_wallet_takes_refunds_and_rewards() {
    let shop = Shop::open().await;
    let (app, ada, admin) = (&shop.app, &shop.ada, &shop.admin);
    let (bo, order) = (app.as_user("bo").await, shop.order(ada, "x").await);
    bo.recharge("20").await;
    let task = bo.create_task("5").await;
    ada.mutate_by_id("acceptTask", &task).await;
    let own = ada.create_task("2").await;
    // As many recharges would have filled it.
    let recharges = "with m as (select user_id, 9999999999999 - balance - held as amount, balance from wallets where user_id = $1),
        t as (insert into ledger_transfers (reason, actor_id, created_at) select 'RECHARGE', user_id, now() from m returning id),
        w as (update wallets set balance = wallets.balance + m.amount from m where wallets.user_id = m.user_id),
        o as (insert into ledger_entries (transfer_id, account, amount) select t.id, 'OUTSIDE', -amount from m, t)
        insert into ledger_entries (transfer_id, account, user_id, amount, balance_after)
            select t.id, 'USER', user_id, amount, balance + amount from m, t";
    app.sql().await.execute(recharges, &[&ada.key()]).await.unwrap();
    assert_eq!(ada.balances().await, "99999999997.99 2.00");
    let full = |amount: &str| json!({ "userId": ada.id, "amount": amount, "note": "n" });
    assert_eq!(user_errors(&ada.mutate("rechargeWallet", json!({ "amount": "0.01" })).await), ["CONFLICT amount"]);
    assert_eq!(user_errors(&admin.mutate("adjustBalance", full("0.01")).await), ["CONFLICT amount"]);
    ada.mutate_by_id("cancelOrder", &order).await;
    bo.mutate_by_id("finishTask", &task).await;
    assert_eq!(ada.balances().await, "100000000003.99 2.00");
    ada.mutate_by_id("cancelTask", &own).await;
    assert_eq!(user_errors(&admin.mutate("adjustBalance", full("0.01")).await), ["CONFLICT amount"]);
    admin.mutate_ok("adjustBalance", full("-1")).await;
    assert_eq!(ada.balances().await, "100000000004.99 0.00");
    assert_eq!(app.audit().await, [""; 0]);
}
