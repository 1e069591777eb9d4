//! Wallets: recharging, adjusting, what entries say, keys that take effect once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::user_errors;
use crate::harness::money::document;
use crate::harness::{TestApp, post};

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_says_what_moved_and_why() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.as_user("ada").await, app.as_role("admin", "ADMIN").await);
    assert_eq!(ada.balances().await, "0.00 0.00");
    let payload = ada.mutate("rechargeWallet", json!({ "amount": "100" })).await;
    assert_eq!(
        json!([
            payload["wallet"]["balance"],
            payload["entry"]["amount"],
            payload["entry"]["balanceAfter"],
            payload["entry"]["reason"],
            payload["entry"]["note"]
        ]),
        json!(["100.00", "100.00", "100.00", "RECHARGE", null])
    );
    let less = json!({ "userId": ada.id, "amount": "-30.5", "note": " a mistake " });
    let payload = admin.mutate("adjustBalance", less).await;
    assert_eq!(
        json!([payload["wallet"]["balance"], payload["entry"]["reason"], payload["entry"]["note"]]),
        json!(["69.50", "ADMIN_ADJUSTMENT", "a mistake"])
    );
    assert_eq!(ada.ledger_entries().await, ["ADMIN_ADJUSTMENT -30.50 69.50", "RECHARGE 100.00 100.00"]);
    // Its owner and administrators see it, by itself and as a part of the account; other users do not.
    let (wallet, entry) = (payload["wallet"]["id"].clone(), payload["entry"]["id"].clone());
    let bo = app.as_user("bo").await;
    let nodes = "query ($ids: [ID!]!, $u: ID!) { nodes(ids: $ids) { id ... on Wallet { balance } ... on LedgerEntry { amount } }
        user(id: $u) { private { wallet { balance entries(first: 1) { nodes { note } } } } } }";
    for (person, sees) in [(&ada, true), (&admin, true), (&bo, false)] {
        let data = person.data(nodes, json!({ "ids": [wallet, entry], "u": ada.id })).await;
        let private = json!({ "wallet": { "balance": "69.50", "entries": { "nodes": [{ "note": "a mistake" }] } } });
        let expected = if sees {
            json!([{ "id": wallet, "balance": "69.50" }, { "id": entry, "amount": "-30.50" }])
        } else {
            json!([null, null])
        };
        assert_eq!(data["nodes"], expected);
        assert_eq!(data["user"]["private"], if sees { private } else { Value::Null });
    }
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_come_in_pages_of_their_own_wallet() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    for n in 1..=5 {
        ada.recharge(&n.to_string()).await;
        bo.recharge("7").await;
    }
    let page = "query ($first: Int, $after: String, $last: Int, $before: String) { viewer { wallet {
        entries(first: $first, after: $after, last: $last, before: $before) {
        totalCount nodes { amount } pageInfo { endCursor startCursor hasNextPage } } } } }";
    let list = |data: &Value| data["viewer"]["wallet"]["entries"].clone();
    let amounts = |list: &Value| -> Vec<String> {
        list["nodes"].as_array().unwrap().iter().map(|node| node["amount"].as_str().unwrap().to_owned()).collect()
    };
    let first = list(&ada.data(page, json!({ "first": 2 })).await);
    assert_eq!((amounts(&first), &first["totalCount"]), (vec!["5.00".into(), "4.00".into()], &json!(5)));
    let cursor = &first["pageInfo"]["endCursor"];
    let next = list(&ada.data(page, json!({ "first": 9, "after": cursor })).await);
    assert_eq!(amounts(&next), ["3.00", "2.00", "1.00"]);
    let back = list(&ada.data(page, json!({ "last": 1, "before": next["pageInfo"]["startCursor"] })).await);
    assert_eq!(amounts(&back), ["4.00"]);
    assert_eq!(
        bo.run(page, json!({ "first": 2, "after": cursor })).await.code(),
        "BAD_USER_INPUT",
        "of another wallet"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_are_none_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let (ada, admin) = (app.as_user("ada").await, app.as_role("admin", "ADMIN").await);
    ada.recharge("5").await;
    for amount in ["0", "-1", "100000000.00", "92233720368547758.07"] {
        assert_eq!(
            user_errors(&ada.mutate("rechargeWallet", json!({ "amount": amount })).await),
            ["OUT_OF_RANGE amount"]
        );
    }
    for amount in [
        json!("1.234"),
        json!("NaN"),
        json!("1e3"),
        json!("Infinity"),
        json!(""),
        json!(1.5),
        json!("92233720368547758.08"),
        json!(null),
    ] {
        let answer = ada.run(&document("rechargeWallet"), json!({ "amount": amount })).await;
        assert!(
            answer.body["errors"].is_array() && answer.body["data"].get("rechargeWallet").is_none(),
            "{amount}: {}",
            answer.body
        );
    }
    let adjust = async |user: &str, amount: &str, note: &str| {
        user_errors(&admin.mutate("adjustBalance", json!({ "userId": user, "amount": amount, "note": note })).await)
    };
    assert_eq!(adjust(&ada.id, "0", "why").await, ["OUT_OF_RANGE amount"]);
    assert_eq!(adjust(&ada.id, "-100000000", " ").await, ["OUT_OF_RANGE amount", "REQUIRED note"]);
    assert_eq!(adjust(&ada.id, "1", &"x".repeat(201)).await, ["TOO_LONG note"]);
    assert_eq!(adjust(&ada.id, "1", "two\nlines").await, ["INVALID_INPUT note"]);
    for unknown in ["nonsense", plaza::ids::UserId(99_999).global().as_str(), plaza::ids::ItemId(1).global().as_str()] {
        assert_eq!(adjust(unknown, "1", "why").await, ["NOT_FOUND userId"]);
    }
    let short = admin.mutate("adjustBalance", json!({ "userId": ada.id, "amount": "-5.01", "note": "why" })).await;
    assert_eq!(user_errors(&short), ["INSUFFICIENT_BALANCE amount"]);
    assert_eq!(json!([short["userErrors"][0]["balance"], short["userErrors"][0]["required"]]), json!(["5.00", "5.01"]));
    // A wallet has a bound, whatever is put in.
    app.sql()
        .await
        .execute("update wallets set balance = 9999999999999 where user_id = $1", &[&ada.key()])
        .await
        .unwrap();
    assert_eq!(user_errors(&ada.mutate("rechargeWallet", json!({ "amount": "0.01" })).await), ["CONFLICT amount"]);
    app.sql().await.execute("update wallets set balance = 500 where user_id = $1", &[&ada.key()]).await.unwrap();
    assert_eq!((ada.balances().await.as_str(), ada.ledger_entries().await.len()), ("5.00 0.00", 1));
    let forbidden =
        ada.run(&document("adjustBalance"), json!({ "userId": ada.id, "amount": "1", "note": "why" })).await;
    assert_eq!(forbidden.code(), "FORBIDDEN");
    assert_eq!(
        post(app.address, None, &document("rechargeWallet"), json!({ "amount": "1" })).await.code(),
        "UNAUTHENTICATED"
    );
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn recharging_can_be_switched_off() {
    for setting in [("PLAZA_RECHARGE", "off"), ("PLAZA_PRODUCTION", "true")] {
        let app = TestApp::with(&[setting]).await;
        let ada = app.as_user("ada").await;
        assert_eq!(user_errors(&ada.mutate("rechargeWallet", json!({ "amount": "1" })).await), ["FORBIDDEN "]);
        assert_eq!(ada.balances().await, "0.00 0.00");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_sent_a_hundred_times_at_once_takes_effect_once() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let (ada, admin) = (app.as_user("ada").await, app.as_role("admin", "ADMIN").await);
    let product = app.create_product(&admin, "3.00", 5).await;
    ada.recharge("100").await;
    let input = json!({ "title": "task", "content": "once", "price": "10" });
    let task = ada.create_task("1").await;
    let order = ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "here" })).await;
    for (field, variables) in [
        ("rechargeWallet", json!({ "amount": "7" })),
        ("createTask", json!({ "input": input })),
        ("updateTask", json!({ "id": task["id"], "input": { "price": "4" } })),
        ("cancelTask", json!({ "id": task["id"] })),
        ("exchangeProduct", json!({ "id": product["id"], "address": "here" })),
        ("cancelOrder", json!({ "id": order["id"], "reason": "changed my mind" })),
    ] {
        let mut variables = variables;
        variables["idempotencyKey"] = json!("a key");
        let tries = (0..100).map(|n| {
            let person = ada.on_instance(if n % 2 == 0 { app.address } else { other.address }).retrying_overload();
            let variables = variables.clone();
            async move { person.mutate(field, variables).await }
        });
        let answers = join_all(tries).await;
        for answer in &answers {
            assert_eq!(answer["userErrors"], json!([]), "{field}: {answer}");
            let same = |name: &str| answer[name]["id"] == answers[0][name]["id"];
            assert!(["task", "order", "entry"].iter().all(|name| same(name)), "{field}: {answer}, {}", answers[0]);
        }
        // Later as well, from a server that knows nothing of it; other arguments are refused.
        let again = ada.on_instance(app.another_instance().await.address).mutate(field, variables.clone()).await;
        assert_eq!(again["userErrors"], json!([]), "{field}: {again}");
        let mut others = variables.clone();
        match field {
            "rechargeWallet" => others["amount"] = json!("8"),
            "createTask" | "updateTask" => others["input"]["price"] = json!("5"),
            "cancelTask" => others["id"] = json!(plaza::ids::TaskId(77).global().to_string()),
            "exchangeProduct" => others["address"] = json!("there"),
            _ => others["reason"] = json!("another"),
        }
        assert_eq!(user_errors(&ada.mutate(field, others).await), ["IDEMPOTENCY_MISMATCH idempotencyKey"], "{field}");
    }
    // 100 + 7, 10 held for the new task, 3 for the order that stays.
    assert_eq!(ada.balances().await, "94.00 10.00");
    let orders = "select count(*) from orders where status = 'PENDING'";
    assert_eq!((app.query_number(orders).await, app.query_number("select count(*) from tasks").await), (1, 2));
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_a_user_an_operation_and_its_arguments() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let ask = |price: &str| json!({ "input": { "title": "t", "content": "c", "price": price }, "idempotencyKey": "k" });
    // A failure is not kept: the same key may do it later, with other arguments too.
    assert_eq!(user_errors(&ada.mutate("createTask", ask("9")).await), ["INSUFFICIENT_BALANCE input.price"]);
    ada.recharge("10").await;
    let task = ada.mutate_ok("createTask", ask("2")).await;
    assert_eq!(
        ada.mutate_ok("rechargeWallet", json!({ "amount": "1", "idempotencyKey": "k" })).await["amount"],
        "1.00"
    );
    assert_eq!(bo.mutate_ok("rechargeWallet", json!({ "amount": "1", "idempotencyKey": "k" })).await["amount"], "1.00");
    // It is looked up before anything that may have changed since.
    let (image, other) = (ada.upload_picture().await, ada.upload_picture().await);
    let input = json!({ "title": "t", "content": "c", "price": "0", "imageIds": [image] });
    let shown = ada.mutate_ok("createTask", json!({ "input": input, "idempotencyKey": "pictures" })).await;
    ada.mutate_ok("updateTask", json!({ "id": shown["id"], "input": { "imageIds": [other] } })).await;
    ada.data("mutation ($id: ID!) { deleteFile(id: $id) { deletedId } }", json!({ "id": image })).await;
    let again = ada.mutate_ok("createTask", json!({ "input": input, "idempotencyKey": "pictures" })).await;
    assert_eq!(json!([again["id"], again["images"][0]["id"]]), json!([shown["id"], other]));
    ada.mutate_by_id("cancelTask", &task).await;
    assert_eq!(ada.mutate_ok("createTask", ask("2")).await["status"], "CANCELLED", "as it is now");
    for (key, fault) in [
        (String::new(), "INVALID_INPUT idempotencyKey"),
        ("a\0b".to_owned(), "INVALID_INPUT idempotencyKey"),
        ("k".repeat(201), "TOO_LONG idempotencyKey"),
    ] {
        assert_eq!(
            user_errors(&ada.mutate("rechargeWallet", json!({ "amount": "1", "idempotencyKey": key })).await),
            [fault]
        );
    }
    // A day later it is known; a few days later it is not.
    let recharge = json!({ "amount": "1", "idempotencyKey": "k" });
    let back = "update idempotency_keys set created_at = created_at - interval '25 hours'";
    app.sql().await.execute(back, &[]).await.unwrap();
    assert_eq!(plaza::idempotency::delete_expired(&app.app.database, app.app.clock.now()).await.unwrap(), 0);
    ada.mutate("rechargeWallet", recharge).await;
    assert_eq!(ada.ledger_entries().await.iter().filter(|entry| entry.starts_with("RECHARGE 1.00")).count(), 1);
    app.sql().await.execute(back, &[]).await.unwrap();
    assert_eq!(plaza::idempotency::delete_expired(&app.app.database, app.app.clock.now()).await.unwrap(), 4);
}
