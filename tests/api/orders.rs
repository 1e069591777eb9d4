//! The points store and its orders: exchanging, the states, who may do what, what comes back.

use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::money::document;
use crate::harness::{Person, TestApp, post};

const ADDRESS: &str = "上海市 1 号";

async fn stock(person: &Person, product: &Value) -> Value {
    let data = person.data("query ($id: ID!) { product(id: $id) { stock } }", json!({ "id": product["id"] })).await;
    data["product"]["stock"].clone()
}

async fn exchange(person: &Person, product: &Value) -> Value {
    person.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": ADDRESS })).await
}

async fn ship(admin: &Person, order: &Value) -> Value {
    let input = json!({ "trackingNumber": "SF1", "expectedAddress": order["address"] });
    admin.mutate_ok("updateOrder", json!({ "id": order["id"], "input": input })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_changes_everything_at_once() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.as_role("admin", "ADMIN").await, app.as_user("ada").await);
    let product = app.create_product(&admin, "12.50", 2).await;
    let id = product["id"].clone();
    let tries = async |variables: Value| {
        let mut all = json!({ "id": id, "address": ADDRESS });
        all.as_object_mut().unwrap().extend(variables.as_object().unwrap().clone());
        ada.mutate("exchangeProduct", all).await
    };
    let short = tries(json!({})).await;
    assert_eq!(user_errors(&short), ["INSUFFICIENT_BALANCE id"]);
    assert_eq!(
        json!([short["order"], short["product"], short["wallet"], short["userErrors"][0]["required"]]),
        json!([null, null, null, "12.50"])
    );
    ada.recharge("30").await;
    assert_eq!(user_errors(&tries(json!({ "address": "  " })).await), ["ADDRESS_REQUIRED address"]);
    assert_eq!(user_errors(&tries(json!({ "address": null })).await), ["ADDRESS_REQUIRED address"]);
    assert_eq!(user_errors(&tries(json!({ "address": "x".repeat(201) })).await), ["TOO_LONG address"]);
    assert_eq!(user_errors(&tries(json!({ "expectedPrice": "12.00" })).await), ["CONFLICT expectedPrice"]);
    assert_eq!(user_errors(&tries(json!({ "id": plaza::ids::ProductId(99).global().0 })).await), ["NOT_FOUND id"]);
    assert_eq!(
        (ada.balances().await.as_str(), stock(&ada, &product).await),
        ("30.00 0.00", json!(2)),
        "nothing happened"
    );
    let payload = tries(json!({ "expectedPrice": "12.5" })).await;
    let (order, now) = (&payload["order"], payload["product"]["stock"].clone());
    assert_eq!((now, &payload["wallet"]["balance"]), (json!(1), &json!("17.50")));
    assert_eq!(
        json!([
            order["productName"],
            order["price"],
            order["address"],
            order["status"],
            order["trackingNumber"],
            order["buyer"]["id"],
            order["image"]["id"]
        ]),
        json!(["保温杯", "12.50", ADDRESS, "PENDING", null, ada.id, product["image"]["id"]])
    );
    assert_eq!(order["history"], json!([{ "from": null, "to": "PENDING", "note": null, "actor": { "id": ada.id } }]));
    assert_eq!(order["number"].as_str().unwrap().len(), 14);
    // An address of invisible characters is none.
    ada.data("mutation { updateProfile(input: { address: \"\u{200b}\" }) { userErrors { code } } }", json!({})).await;
    assert_eq!(user_errors(&tries(json!({ "address": null })).await), ["ADDRESS_REQUIRED address"]);
    // The profile's address does where none is given; the last piece is gone after that.
    ada.data("mutation { updateProfile(input: { address: \"home\" }) { userErrors { code } } }", json!({})).await;
    assert_eq!(tries(json!({ "address": null })).await["order"]["address"], "home");
    let out = tries(json!({})).await;
    assert_eq!(
        (user_errors(&out), &out["userErrors"][0]["available"]),
        (vec!["OUT_OF_STOCK id".to_owned()], &json!(0))
    );
    assert_eq!(ada.ledger_entries().await, ["EXCHANGE -12.50 5.00", "EXCHANGE -12.50 17.50", "RECHARGE 30.00 30.00"]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_goes_through_its_states() {
    let app = TestApp::start().await;
    let (admin, ada, bo) = (app.as_role("admin", "ADMIN").await, app.as_user("ada").await, app.as_user("bo").await);
    let support = app.as_role("support", "SUPPORT").await;
    ada.recharge("100").await;
    let product = app.create_product(&admin, "10", 9).await;
    let order = exchange(&ada, &product).await;
    let id = json!({ "id": order["id"] });
    let update = |input: Value| json!({ "id": order["id"], "input": input });
    assert_eq!(order["availableActions"], json!(["EDIT_ADDRESS", "CANCEL"]));
    // Others don't learn that it is there.
    for person in [&bo, &support] {
        for field in ["confirmOrder", "cancelOrder", "refundOrder"] {
            assert_eq!(user_errors(&person.mutate(field, id.clone()).await), ["NOT_FOUND id"], "{field}");
        }
        assert_eq!(
            user_errors(&person.mutate("updateOrder", update(json!({ "address": "x" }))).await),
            ["NOT_FOUND id"]
        );
        let data = person.data("query ($id: ID!) { order(id: $id) { id } node(id: $id) { id } }", id.clone()).await;
        assert_eq!(data, json!({ "order": null, "node": null }));
    }
    let order = ada.mutate_ok("updateOrder", update(json!({ "address": " 北京 " }))).await;
    assert_eq!(order["address"], "北京");
    assert_eq!(user_errors(&ada.mutate("updateOrder", update(json!({}))).await), ["REQUIRED input"]);
    assert_eq!(
        user_errors(&ada.mutate("updateOrder", update(json!({ "address": "", "trackingNumber": null }))).await),
        ["REQUIRED input.address", "REQUIRED input.trackingNumber"]
    );
    assert_eq!(
        user_errors(&ada.mutate("updateOrder", update(json!({ "trackingNumber": "SF1" }))).await),
        ["FORBIDDEN input.trackingNumber"]
    );
    let early = ada.mutate("confirmOrder", id.clone()).await;
    assert_eq!(codes(&early), ["ILLEGAL_TRANSITION"]);
    assert_eq!(
        json!([early["userErrors"][0]["from"], early["userErrors"][0]["to"], early["userErrors"][0]["allowed"]]),
        json!(["PENDING", "COMPLETED", ["CANCELLED"]])
    );
    assert_eq!(codes(&admin.mutate("refundOrder", id.clone()).await), ["ILLEGAL_TRANSITION"]);
    let shipped = ship(&admin, &order).await;
    assert_eq!(
        json!([shipped["status"], shipped["trackingNumber"], shipped["availableActions"]]),
        json!(["SHIPPED", "SF1", ["CONFIRM", "REFUND"]])
    );
    assert_eq!(
        admin.mutate_ok("updateOrder", update(json!({ "trackingNumber": "SF2" }))).await["trackingNumber"],
        "SF2"
    );
    for (field, variables) in [("updateOrder", update(json!({ "address": "x" }))), ("cancelOrder", id.clone())] {
        let refused = ada.mutate(field, variables).await;
        assert_eq!(
            (codes(&refused), &refused["userErrors"][0]["allowed"]),
            (vec!["ILLEGAL_TRANSITION"], &json!(["COMPLETED"]))
        );
    }
    assert_eq!(user_errors(&ada.mutate("refundOrder", id.clone()).await), ["FORBIDDEN id"]);
    assert_eq!(ada.mutate_by_id("confirmOrder", &order).await["status"], "COMPLETED");
    assert_eq!(
        user_errors(&admin.mutate("refundOrder", json!({ "id": order["id"], "reason": "x".repeat(201) })).await),
        ["TOO_LONG reason"]
    );
    let refunded =
        admin.mutate_ok("refundOrder", json!({ "id": order["id"], "reason": " broken ", "restock": true })).await;
    let steps: Vec<String> = refunded["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{} {} {}", step["from"], step["to"], step["note"]).replace('"', ""))
        .collect();
    assert_eq!(
        steps,
        [
            "null PENDING null",
            "PENDING PENDING null",
            "PENDING SHIPPED null",
            "SHIPPED COMPLETED null",
            "COMPLETED REFUNDED broken"
        ]
    );
    assert_eq!(refunded["availableActions"], json!([]));
    assert_eq!((ada.balances().await.as_str(), stock(&ada, &product).await), ("100.00 0.00", json!(9)));
    // Cancelled before it was sent, the piece comes back; refunded without it, it does not.
    let order = exchange(&ada, &product).await;
    assert_eq!(
        ada.mutate_ok("cancelOrder", json!({ "id": order["id"], "reason": "no" })).await["history"][1]["note"],
        "no"
    );
    assert_eq!((ada.balances().await.as_str(), stock(&ada, &product).await), ("100.00 0.00", json!(9)));
    let order = exchange(&ada, &product).await;
    ship(&admin, &order).await;
    admin.mutate_by_id("refundOrder", &order).await;
    assert_eq!((ada.balances().await.as_str(), stock(&ada, &product).await), ("100.00 0.00", json!(8)));
    assert_eq!(ada.ledger_entries().await.iter().filter(|entry| entry.starts_with("REFUND")).count(), 3);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn products_come_change_and_go() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.as_role("admin", "ADMIN").await, app.as_user("ada").await);
    ada.recharge("1000").await;
    let cup = app.create_product(&admin, "10", 3).await;
    let wrong = json!({ "input": { "name": " ", "price": "0", "stock": -1, "imageId": "x" } });
    assert_eq!(
        user_errors(&admin.mutate("createProduct", wrong).await),
        ["REQUIRED input.name", "OUT_OF_RANGE input.price", "OUT_OF_RANGE input.stock"]
    );
    let others = json!({ "input": { "name": "a", "price": "1", "stock": 1, "imageId": ada.upload_picture().await } });
    assert_eq!(user_errors(&admin.mutate("createProduct", others).await), ["NOT_FOUND input.imageId"]);
    for field in ["createProduct", "updateProduct", "deleteProduct"] {
        let input = json!({ "name": "a", "price": "1", "stock": 1, "imageId": "x" });
        let answer = ada.run(&document(field), json!({ "id": cup["id"], "input": input })).await;
        assert_eq!(answer.code(), "FORBIDDEN", "{field}");
    }
    let image = admin.upload_picture().await;
    let add = async |name: &str, price: &str, stock: i32| {
        let input = json!({ "name": name, "price": price, "stock": stock, "imageId": image });
        admin.mutate_ok("createProduct", json!({ "input": input })).await
    };
    let umbrella = add("雨伞", "25", 0).await;
    add("Backpack", "99.90", 5).await;
    let list = async |arguments: &str| {
        let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
        let document = format!("{{ products{arguments} {{ totalCount nodes {{ name }} }} }}");
        let data = post(app.address, None, &document, json!({})).await.data()["products"].clone();
        let names: Vec<&str> =
            data["nodes"].as_array().unwrap().iter().map(|node| node["name"].as_str().unwrap()).collect();
        assert_eq!(data["totalCount"], names.len());
        names.join(" ")
    };
    assert_eq!(list("").await, "Backpack 雨伞 保温杯");
    assert_eq!(list("orderBy: { field: PRICE, direction: ASC }").await, "保温杯 雨伞 Backpack");
    assert_eq!(list("orderBy: { field: NAME, direction: ASC }").await, "Backpack 保温杯 雨伞");
    assert_eq!(list("filter: { inStock: true }").await, "Backpack 保温杯");
    assert_eq!(list("filter: { inStock: false }").await, "雨伞");
    assert_eq!(list("filter: { price: { min: 20, max: 30 } }").await, "雨伞");
    assert_eq!(list("filter: { query: \"雨\" }").await, "雨伞");
    assert_eq!(list("filter: { query: \"backpak\" }, orderBy: { field: NAME }").await, "Backpack");
    let page = "query ($after: String) { products(orderBy: { field: NAME, direction: ASC }, first: 1, after: $after) { nodes { name } pageInfo { endCursor } } }";
    let mut after = Value::Null;
    for name in ["Backpack", "保温杯", "雨伞"] {
        let products = ada.data(page, json!({ "after": after })).await["products"].clone();
        assert_eq!(products["nodes"][0]["name"], name);
        after = products["pageInfo"]["endCursor"].clone();
    }
    // The longest name has a cursor, too.
    let longest = "𠀀".repeat(100);
    let long = add(&longest, "1", 1).await;
    let by_name = "query { products(orderBy: { field: NAME }, first: 1) { nodes { name } pageInfo { endCursor } } }";
    let products = ada.data(by_name, json!({})).await["products"].clone();
    assert_eq!(products["nodes"][0]["name"], longest);
    let next =
        "query ($after: String) { products(orderBy: { field: NAME }, first: 1, after: $after) { nodes { name } } }";
    let next = ada.data(next, json!({ "after": products["pageInfo"]["endCursor"] })).await;
    assert_eq!(next["products"]["nodes"][0]["name"], "雨伞");
    admin.mutate("deleteProduct", json!({ "id": long["id"] })).await;
    // An order keeps what it was, whatever becomes of the product.
    let order = exchange(&ada, &cup).await;
    let changed = json!({ "name": "马克杯", "price": "12", "stock": 7, "expectedStock": 2, "imageId": image });
    let changed = json!({ "id": cup["id"], "input": changed });
    assert_eq!(admin.mutate_ok("updateProduct", changed).await["stock"], 7);
    assert_eq!(list("filter: { query: \"马克杯\" }").await, "马克杯");
    assert_eq!(
        codes(&admin.mutate("updateProduct", json!({ "id": cup["id"], "input": { "name": null } })).await),
        ["REQUIRED"]
    );
    let deleted = admin.mutate("deleteProduct", json!({ "id": cup["id"] })).await;
    assert_eq!(deleted["deletedId"], cup["id"]);
    for (field, input) in [("deleteProduct", Value::Null), ("updateProduct", json!({ "price": "1" }))] {
        assert_eq!(
            user_errors(&admin.mutate(field, json!({ "id": cup["id"], "input": input })).await),
            ["NOT_FOUND id"],
            "{field}"
        );
    }
    assert_eq!(
        user_errors(&ada.mutate("exchangeProduct", json!({ "id": cup["id"], "address": "x" })).await),
        ["NOT_FOUND id"]
    );
    assert_eq!(list("").await, "Backpack 雨伞");
    let document = "query ($id: ID!, $p: ID!) { order(id: $id) { productName price image { id } product { id } } product(id: $p) { id }
        search(query: \"马克杯\") { nodes { __typename } } }";
    let data = ada.data(document, json!({ "id": order["id"], "p": cup["id"] })).await;
    assert_eq!(
        data["order"],
        json!({ "productName": "保温杯", "price": "10.00", "image": { "id": cup["image"]["id"] }, "product": null })
    );
    assert_eq!(json!([data["product"], data["search"]["nodes"]]), json!([null, []]));
    ada.mutate_by_id("cancelOrder", &order).await;
    assert_eq!(stock(&ada, &umbrella).await, 0);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_listed_for_their_buyer_and_for_administrators() {
    let app = TestApp::start().await;
    let (admin, ada, bo) = (app.as_role("admin", "ADMIN").await, app.as_user("ada").await, app.as_user("bo").await);
    let product = app.create_product(&admin, "1", 100).await;
    let mut orders = Vec::new();
    for person in [&ada, &bo, &ada, &ada] {
        person.recharge("1").await;
        orders.push(exchange(person, &product).await);
        app.advance_clock(std::time::Duration::from_mins(1));
    }
    ship(&admin, &orders[0]).await;
    ada.mutate_by_id("cancelOrder", &orders[2]).await;
    let own = "query ($f: OrderFilter, $first: Int, $after: String) { viewer { orders(filter: $f, first: $first, after: $after) {
        totalCount nodes { id createdAt } pageInfo { endCursor hasNextPage } } } }";
    let all = "query ($f: OrderFilter) { orders(filter: $f) { totalCount nodes { id createdAt } } }";
    let places = |list: &Value| -> Vec<usize> {
        let place = |node: &Value| orders.iter().position(|order| order["id"] == node["id"]).unwrap();
        list["nodes"].as_array().unwrap().iter().map(place).collect()
    };
    let of_ada = ada.data(own, json!({})).await["viewer"]["orders"].clone();
    assert_eq!((places(&of_ada), &of_ada["totalCount"]), (vec![3, 2, 0], &json!(3)));
    let at = |place: usize| of_ada["nodes"][place]["createdAt"].clone();
    for (filter, expected) in [
        (json!({}), vec![3, 2, 1, 0]),
        (json!({ "buyerId": bo.id }), vec![1]),
        (json!({ "status": ["SHIPPED", "CANCELLED"] }), vec![2, 0]),
        (json!({ "createdAt": { "from": at(1) } }), vec![3, 2]),
        (json!({ "createdAt": { "from": at(2), "to": at(1) }, "buyerId": ada.id }), vec![2, 0]),
        (json!({ "status": [] }), vec![]),
    ] {
        let list = admin.data(all, json!({ "f": filter })).await["orders"].clone();
        assert_eq!((places(&list), &list["totalCount"]), (expected.clone(), &json!(expected.len())), "{filter}");
    }
    assert_eq!(places(&ada.data(own, json!({ "f": { "buyerId": bo.id } })).await["viewer"]["orders"]), [0; 0]);
    let page = ada.data(own, json!({ "first": 2 })).await["viewer"]["orders"].clone();
    let next =
        ada.data(own, json!({ "first": 2, "after": page["pageInfo"]["endCursor"] })).await["viewer"]["orders"].clone();
    assert_eq!((places(&page), places(&next), &next["pageInfo"]["hasNextPage"]), (vec![3, 2], vec![0], &json!(false)));
    assert_eq!(bo.run(all, json!({})).await.code(), "FORBIDDEN");
    assert_eq!(app.as_role("support", "SUPPORT").await.run(all, json!({})).await.code(), "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_tells_nothing_that_its_owner_may_not_see_any_more() {
    let app = TestApp::start().await;
    let (admin, ada, other) =
        (app.as_role("admin", "ADMIN").await, app.as_user("ada").await, app.as_role("other", "ADMIN").await);
    ada.recharge("100").await;
    let product = app.create_product(&admin, "1", 10).await;
    let (order, task) = (exchange(&ada, &product).await, ada.create_task("1").await);
    let calls = [("cancelOrder", order["id"].clone()), ("cancelTask", task["id"].clone())];
    let call = |id: &Value| json!({ "id": id, "idempotencyKey": "k" });
    for (field, id) in &calls {
        other.mutate_ok(field, call(id)).await;
        assert_eq!(other.mutate(field, call(id)).await["userErrors"], json!([]), "{field} again");
    }
    app.sql().await.execute("update users set role = 'USER' where id = $1", &[&other.key()]).await.unwrap();
    for (field, id) in &calls {
        assert_eq!(user_errors(&other.mutate(field, call(id)).await), ["NOT_FOUND id"], "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_buyer_and_administrators_get_events_of_an_order() {
    const UPDATED: &str = "subscription ($id: ID) { orderUpdated(orderId: $id) { id status } }";
    let app = TestApp::start().await;
    let (admin, ada, bo) = (app.as_role("admin", "ADMIN").await, app.as_user("ada").await, app.as_user("bo").await);
    for person in [&ada, &bo, &admin] {
        person.recharge("10").await;
    }
    let product = app.create_product(&admin, "1", 10).await;
    let (mut at_admin, mut at_ada, mut at_bo) = (admin.socket().await, ada.socket().await, bo.socket().await);
    for socket in [&mut at_admin, &mut at_ada, &mut at_bo] {
        socket.subscribe_live(&app, UPDATED, json!({})).await;
    }
    let cursor = admin.event_cursor().await;
    let order = exchange(&ada, &product).await;
    let said = |order: &Value, status: &str| json!({ "orderUpdated": { "id": order["id"], "status": status } });
    assert_eq!((at_ada.next().await, at_admin.next().await), (said(&order, "PENDING"), said(&order, "PENDING")));
    // Of one's own an administrator hears once.
    let own = exchange(&admin, &product).await;
    ship(&admin, &order).await;
    assert_eq!((at_admin.next().await, at_admin.next().await), (said(&own, "PENDING"), said(&order, "SHIPPED")));
    assert_eq!(at_ada.next().await, said(&order, "SHIPPED"));
    let of_bo = exchange(&bo, &product).await;
    assert_eq!(at_bo.next().await, said(&of_bo, "PENDING"), "the first that bo hears");
    // What was missed is there from a cursor on, from memory and from the database.
    let since = "query ($c: String!) { viewer { eventsSince(after: $c) { nodes { payload { ... on OrderChanged { order { id } } } } } } }";
    for address in [app.address, app.another_instance().await.address] {
        let list = |data: Value| {
            let nodes = data["viewer"]["eventsSince"]["nodes"].as_array().unwrap().clone();
            nodes.iter().map(|node| node["payload"]["order"]["id"].clone()).collect::<Vec<_>>()
        };
        let expected = vec![order["id"].clone(), own["id"].clone(), order["id"].clone(), of_bo["id"].clone()];
        assert_eq!(list(admin.on_instance(address).data(since, json!({ "c": cursor })).await), expected);
        assert_eq!(list(bo.on_instance(address).data(since, json!({ "c": cursor })).await), [of_bo["id"].clone()]);
    }
    // Who is no administrator any more hears no more of others' orders.
    app.sql().await.execute("update users set role = 'USER' where id = $1", &[&admin.key()]).await.unwrap();
    at_admin.next().await;
    exchange(&ada, &product).await;
    let last = exchange(&admin, &product).await;
    assert_eq!(at_admin.next().await, said(&last, "PENDING"));
    let mut socket = bo.socket().await;
    socket.subscribe(UPDATED, json!({ "id": order["id"] })).await;
    assert_eq!(socket.receive().await["payload"][0]["extensions"]["code"], "FORBIDDEN");
}
