//! The stock of products: changed beside people who exchange, it says what is there.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::{Person, TestApp};

async fn update(admin: &Person, product: &Value, input: Value) -> Value {
    admin.mutate("updateProduct", json!({ "id": product["id"], "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_is_replaced_where_it_is_what_was_seen() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.as_role("admin", "ADMIN").await, app.as_user("ada").await);
    ada.recharge("10").await;
    let product = app.create_product(&admin, "1", 1).await;
    ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await;
    // The form was opened before the piece was sold.
    let late = update(&admin, &product, json!({ "name": "kettle", "stock": 1, "expectedStock": 1 })).await;
    assert_eq!(user_errors(&late), ["CONFLICT input.expectedStock"]);
    assert_eq!((&late["userErrors"][0]["current"], &late["product"]), (&json!("0"), &Value::Null));
    let out = ada.mutate("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await;
    assert_eq!(codes(&out), ["OUT_OF_STOCK"]);
    for (input, fault) in [
        (json!({ "stock": 1 }), "REQUIRED input.expectedStock"),
        (json!({ "stock": 1, "expectedStock": null }), "REQUIRED input.expectedStock"),
        (json!({ "stock": 1, "stockDelta": 1, "expectedStock": 0 }), "INVALID_INPUT input.stockDelta"),
        (json!({ "stockDelta": null }), "REQUIRED input.stockDelta"),
        (json!({ "stockDelta": -1 }), "OUT_OF_RANGE input.stockDelta"),
        (json!({ "stockDelta": 100_000_001 }), "OUT_OF_RANGE input.stockDelta"),
        (json!({ "stockDelta": i32::MIN }), "OUT_OF_RANGE input.stockDelta"),
        (json!({ "name": "kettle", "expectedStock": 7 }), "CONFLICT input.expectedStock"),
    ] {
        assert_eq!(user_errors(&update(&admin, &product, input.clone()).await), [fault], "{input}");
    }
    let look = "query ($id: ID!) { product(id: $id) { name stock } }";
    let data = ada.data(look, json!({ "id": product["id"] })).await;
    assert_eq!(data["product"], json!({ "name": product["name"], "stock": 0 }), "nothing happened");
    for (input, stock) in [
        (json!({ "stock": 5, "expectedStock": 0 }), 5),
        (json!({ "stockDelta": 3 }), 8),
        (json!({ "stockDelta": -8, "expectedStock": 8 }), 0),
        (json!({ "name": "pot" }), 0),
    ] {
        assert_eq!(update(&admin, &product, input).await["product"]["stock"], stock);
    }
    assert_eq!(app.audit().await, [""; 0]);
}

/// Many exchange, some cancel, and two administrators count, by what they saw and by what came in.
#[tokio::test(flavor = "multi_thread")]
async fn a_stock_adds_up_beside_many_exchanges() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let (admin, second) = (app.as_role("admin", "ADMIN").await, app.as_role("second", "ADMIN").await);
    let product = app.create_product(&admin, "1", 20).await;
    let mut people = Vec::new();
    for n in 0..6 {
        let person = app.as_user(&format!("p{n}")).await;
        person.recharge("100").await;
        people.push(person.on_instance(if n % 2 == 0 { app.address } else { other.address }));
    }
    let buy = async |person: &Person| {
        let mut bought = 0;
        for n in 0..10 {
            let payload = person.mutate("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await;
            if payload["order"].is_object() {
                bought += 1;
                if n % 3 == 0 {
                    person.mutate_by_id("cancelOrder", &payload["order"]).await;
                    bought -= 1;
                }
            } else {
                assert_eq!(codes(&payload), ["OUT_OF_STOCK"]);
            }
        }
        bought
    };
    let deliver = async {
        for _ in 0..10 {
            assert_eq!(codes(&update(&second, &product, json!({ "stockDelta": 2 })).await), [""; 0]);
        }
        20
    };
    let count = async {
        let mut added = 0;
        for _ in 0..30 {
            let data =
                admin.data("query ($id: ID!) { product(id: $id) { stock } }", json!({ "id": product["id"] })).await;
            let seen = data["product"]["stock"].as_i64().unwrap();
            let payload = update(&admin, &product, json!({ "stock": seen + 1, "expectedStock": seen })).await;
            match codes(&payload).as_slice() {
                [] => added += 1,
                refused => assert_eq!(refused, ["CONFLICT"]),
            }
        }
        added
    };
    let (bought, delivered, added) = tokio::join!(join_all(people.iter().map(buy)), deliver, count);
    let bought: i64 = bought.into_iter().sum();
    let left = app.query_number("select stock::bigint from products").await;
    assert_eq!(left, 20 + delivered + added - bought, "20, {delivered} delivered, {added} added, {bought} bought");
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_made_once_for_a_key() {
    let app = TestApp::start().await;
    let (admin, image) = {
        let admin = app.as_role("admin", "ADMIN").await;
        let image = admin.upload_picture().await;
        (admin, image)
    };
    let make = |name: &str| {
        let input = json!({ "name": name, "price": "1", "stock": 1, "imageId": image });
        json!({ "input": input, "idempotencyKey": "k" })
    };
    let payloads = join_all((0..10).map(|_| admin.mutate("createProduct", make("cup")))).await;
    for payload in &payloads {
        assert_eq!((&payload["product"], &payload["userErrors"]), (&payloads[0]["product"], &json!([])));
    }
    assert_eq!(app.query_number("select count(*) from products").await, 1);
    assert_eq!(user_errors(&admin.mutate("createProduct", make("pot")).await), ["IDEMPOTENCY_MISMATCH idempotencyKey"]);
    admin.mutate("deleteProduct", json!({ "id": payloads[0]["product"]["id"] })).await;
    assert_eq!(user_errors(&admin.mutate("createProduct", make("cup")).await), ["NOT_FOUND idempotencyKey"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_who_want_the_last_one_gets_it() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let admin = app.as_role("admin", "ADMIN").await.retrying_overload();
    let mut people = Vec::new();
    for n in 0..20 {
        let person = app.as_user(&format!("p{n}")).await.retrying_overload();
        person.recharge("100").await;
        people.push(person);
    }
    let product = app.create_product(&admin, "5", 1).await;
    let buy = |n: usize| {
        let person = people[n % 20].on_instance(if n.is_multiple_of(2) { app.address } else { other.address });
        let id = product["id"].clone();
        async move { person.mutate("exchangeProduct", json!({ "id": id, "address": "here" })).await }
    };
    let payloads = join_all((0..100).map(buy)).await;
    let won: Vec<&Value> = payloads.iter().filter(|payload| payload["order"].is_object()).collect();
    assert_eq!(won.len(), 1);
    assert!(payloads.iter().all(|payload| payload["order"].is_object() || codes(payload) == ["OUT_OF_STOCK"]));
    assert_eq!(
        (
            app.query_number("select count(*) from orders").await,
            app.query_number("select stock::bigint from products").await
        ),
        (1, 0)
    );
    // Cancelled by many at once, it comes back once; meanwhile others try to get it, and its stock is set.
    let order = &won[0]["order"];
    let buyer = people.iter().find(|person| person.id == order["buyer"]["id"].as_str().unwrap()).unwrap();
    let cancels = (0..20).map(|n| {
        let person = if n % 2 == 0 { buyer.clone() } else { admin.on_instance(other.address) };
        let id = order["id"].clone();
        async move { person.mutate("cancelOrder", json!({ "id": id })).await["userErrors"] == json!([]) }
    });
    let more = json!({ "id": product["id"], "input": { "stockDelta": 1 } });
    let sets = (0..10).map(|_| admin.mutate("updateProduct", more.clone()));
    let (cancelled, ..) = tokio::join!(join_all(cancels), join_all((0..40).map(buy)), join_all(sets));
    // The one of the two who did it is told so at each of their ten tries.
    assert_eq!(cancelled.iter().filter(|done| **done).count(), 10);
    assert_eq!(app.query_number("select count(*) from order_events where to_status = 'CANCELLED'").await, 1);
    assert_eq!(app.audit().await, [""; 0]);
}
