//! Trading: of all who want an item at once, one gets it, and both look back on it.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::market::titles;
use crate::harness::{Person, TestApp};

const FINISHED: &str =
    "{ viewer { finishedItems { totalCount nodes { title status counterparty { id } owner { id } } } } }";

async fn finished(person: &Person) -> Vec<String> {
    titles(&person.data(FINISHED, json!({})).await["viewer"]["finishedItems"]["nodes"])
}

#[tokio::test(flavor = "multi_thread")]
async fn both_parties_look_back_on_a_trade() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let lamp = ada.create_item(json!({ "title": "lamp" })).await;
    let chair = ada.create_item(json!({ "title": "chair" })).await;
    let wanted = bo.create_item(json!({ "title": "wanted", "direction": "WANT" })).await;
    ada.create_item(json!({ "title": "still here" })).await;
    let traded = bo.trade_item(&lamp, Some("99.9")).await["item"].clone();
    assert_eq!(
        json!([traded["status"], traded["counterparty"]["id"], traded["availableActions"]]),
        json!(["CLOSED", bo.id, ["FAVORITE"]])
    );
    assert!(traded["closedAt"].is_string());
    ada.trade_item(&wanted, None).await;
    ada.update_item(&chair, json!({ "status": "CLOSED" })).await;
    assert_eq!(finished(&ada).await, ["chair", "wanted", "lamp"]);
    assert_eq!(finished(&bo).await, ["wanted", "lamp"]);
    assert_eq!(finished(&lan).await, [""; 0]);
    assert_eq!(ada.data(FINISHED, json!({})).await["viewer"]["finishedItems"]["totalCount"], 3);
    // A page at a time, both ways.
    let page = "query ($after: String) { viewer { finishedItems(first: 1, after: $after) { nodes { title } pageInfo { endCursor hasNextPage } } } }";
    let mut after = Value::Null;
    for (title, more) in [("chair", true), ("wanted", true), ("lamp", false)] {
        let data = ada.data(page, json!({ "after": after })).await["viewer"]["finishedItems"].clone();
        assert_eq!(json!([data["nodes"][0]["title"], data["pageInfo"]["hasNextPage"]]), json!([title, more]));
        after = data["pageInfo"]["endCursor"].clone();
    }
    let back = "query ($before: String) { viewer { finishedItems(last: 5, before: $before) { nodes { title } } } }";
    let data = ada.data(back, json!({ "before": after })).await;
    assert_eq!(titles(&data["viewer"]["finishedItems"]["nodes"]), ["chair", "wanted"]);
    // Deleted, only its owner still has it in their list.
    ada.mutate_item("deleteItem", json!({ "id": lamp["id"] })).await;
    assert_eq!(finished(&bo).await, ["wanted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_t_trade_is_told_why() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let item = ada.create_item(json!({ "price": "10.00" })).await;
    assert_eq!(user_errors(&ada.trade_item(&item, None).await), ["OWN_ITEM id"]);
    ada.update_item(&item, json!({ "price": "11.00" })).await;
    assert_eq!(user_errors(&bo.trade_item(&item, Some("10.00")).await), ["CONFLICT expectedPrice"]);
    assert_eq!(
        user_errors(&bo.trade_item(&json!({ "id": plaza::ids::ItemId(99).global().to_string() }), None).await),
        ["NOT_FOUND id"]
    );
    assert_eq!(bo.get_item(&item).await["status"], "OPEN", "nothing happened");
    assert_eq!(codes(&bo.trade_item(&item, Some("11")).await), [""; 0]);
    assert_eq!(user_errors(&lan.trade_item(&item, Some("11")).await), ["ITEM_NOT_AVAILABLE id"]);
    assert_eq!(
        bo.trade_item(&item, Some("11")).await["userErrors"],
        json!([]),
        "who has it takes it again: nothing changes"
    );
    // A record is not changed; opened again, in the same call, it is no record.
    assert_eq!(user_errors(&ada.update_item(&item, json!({ "price": "1" })).await), ["ITEM_NOT_AVAILABLE id"]);
    let open = ada.update_item(&item, json!({ "price": "1", "status": "OPEN" })).await["item"].clone();
    assert_eq!(json!([open["price"], open["status"], open["counterparty"]]), json!(["1.00", "OPEN", null]));
    assert_eq!(finished(&bo).await, [""; 0]);
    assert_eq!(
        app.run("mutation ($id: ID!) { tradeItem(id: $id) { item { id } } }", json!({ "id": item["id"] })).await.code(),
        "UNAUTHENTICATED"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_want_it_one_gets_it() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let ada = app.as_user("ada").await;
    let mut people = Vec::new();
    for n in 0..10 {
        people.push(app.as_user(&format!("p{n}")).await);
    }
    for round in 0..5 {
        let item = ada.create_item(json!({ "title": format!("round {round}") })).await;
        let tries = (0..50).map(|n| {
            let person = people[n % people.len()]
                .on_instance(if n % 2 == 0 { app.address } else { other.address })
                .retrying_overload();
            let item = &item;
            async move {
                let payload = person.trade_item(item, None).await;
                (person.id, payload["item"].is_object(), codes(&payload).first().map(ToString::to_string))
            }
        });
        // The owner changes the price and closes it in between, which may win too.
        let (outcomes, _, closed) = tokio::join!(
            join_all(tries),
            ada.update_item(&item, json!({ "price": "1.00" })),
            ada.update_item(&item, json!({ "status": "CLOSED" }))
        );
        let winners: BTreeSet<&String> = outcomes.iter().filter(|(_, won, _)| *won).map(|(id, ..)| id).collect();
        assert!(
            outcomes.iter().all(|(_, won, code)| *won || code.as_deref() == Some("ITEM_NOT_AVAILABLE")),
            "{outcomes:?}"
        );
        let now = ada.get_item(&item).await;
        assert_eq!(now["status"], "CLOSED");
        match winners.iter().collect::<Vec<_>>().as_slice() {
            [] => assert_eq!(closed["item"]["counterparty"], Value::Null),
            [winner] => assert_eq!(now["counterparty"]["id"], ***winner),
            _ => panic!("{} got it", winners.len()),
        }
    }
    let odd = "select count(*) from items where (status = 'OPEN') <> (closed_at is null) or counterparty_id = owner_id";
    assert_eq!(app.query_number(odd).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_hears_of_a_trade_and_the_taker_of_its_end() {
    const EVENTS: &str = "subscription ($after: String) { events(after: $after) { cursor payload { __typename
        ... on ItemTraded { item { id title status isFavorite images { url } owner { nickname } counterparty { id } } } } } }";
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let item = ada.create_item(json!({ "title": "lamp" })).await;
    ada.set_favorites("addFavorites", &[&item]).await;
    let start = ada.event_cursor().await;
    let (mut for_ada, mut for_bo) = (ada.on_instance(other.address).socket().await, bo.socket().await);
    for_ada.subscribe(EVENTS, json!({})).await;
    for_bo.subscribe(EVENTS, json!({})).await;
    // Both are live before anything happens: a message each says so.
    ada.send_message(&bo, "hi").await;
    for socket in [&mut for_ada, &mut for_bo] {
        assert_eq!(socket.next().await["events"]["payload"]["__typename"], "MessageCreated");
    }
    bo.trade_item(&item, None).await;
    let event = for_ada.next().await["events"].clone();
    let seen = &event["payload"]["item"];
    assert_eq!(
        json!([event["payload"]["__typename"], seen["title"], seen["isFavorite"], seen["owner"]["nickname"]]),
        json!(["ItemTraded", "lamp", true, "ada"])
    );
    ada.update_item(&item, json!({ "status": "OPEN" })).await;
    let event = for_bo.next().await["events"]["payload"].clone();
    assert_eq!(
        json!([event["__typename"], event["item"]["id"], event["item"]["status"], event["item"]["counterparty"]]),
        json!(["ItemTraded", item["id"], "OPEN", null])
    );
    // Once: closing and opening it by hand makes no event, and what was told can be asked for.
    ada.update_item(&item, json!({ "status": "CLOSED" })).await;
    ada.update_item(&item, json!({ "status": "OPEN" })).await;
    ada.send_message(&bo, "bye").await;
    assert_eq!(for_bo.next().await["events"]["payload"]["__typename"], "MessageCreated");
    let since =
        "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload { __typename } } } } }";
    let kinds = |data: Value| {
        data["viewer"]["eventsSince"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["payload"]["__typename"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(ada.data(since, json!({ "after": start })).await),
        ["MessageCreated", "ItemTraded", "MessageCreated"]
    );
    assert_eq!(
        kinds(bo.data(since, json!({ "after": start })).await),
        ["MessageCreated", "ItemTraded", "MessageCreated"]
    );
}
