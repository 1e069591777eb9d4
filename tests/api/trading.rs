//! Trading: of all who want an item at once, one gets it, and both look back on it.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::{codes, faults};
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
    let lamp = ada.offer(json!({ "title": "lamp" })).await;
    let chair = ada.offer(json!({ "title": "chair" })).await;
    let wanted = bo.offer(json!({ "title": "wanted", "direction": "WANT" })).await;
    ada.offer(json!({ "title": "still here" })).await;
    let traded = bo.trade(&lamp, Some("99.9")).await["item"].clone();
    assert_eq!(
        json!([traded["status"], traded["counterparty"]["id"], traded["availableActions"]]),
        json!(["CLOSED", bo.id, ["FAVORITE"]])
    );
    assert!(traded["closedAt"].is_string());
    ada.trade(&wanted, None).await;
    ada.change(&chair, json!({ "status": "CLOSED" })).await;
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
    // Deleted, it is nobody's memory but its owner's.
    ada.market("deleteItem", json!({ "id": lamp["id"] })).await;
    assert_eq!(finished(&bo).await, ["wanted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_t_trade_is_told_why() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let item = ada.offer(json!({ "price": "10.00" })).await;
    assert_eq!(faults(&ada.trade(&item, None).await), ["OWN_ITEM id"]);
    ada.change(&item, json!({ "price": "11.00" })).await;
    assert_eq!(faults(&bo.trade(&item, Some("10.00")).await), ["CONFLICT expectedPrice"]);
    assert_eq!(
        faults(&bo.trade(&json!({ "id": plaza::ids::ItemId(99).global().to_string() }), None).await),
        ["NOT_FOUND id"]
    );
    assert_eq!(bo.look(&item).await["status"], "OPEN", "nothing happened");
    assert_eq!(codes(&bo.trade(&item, Some("11")).await), [""; 0]);
    assert_eq!(faults(&lan.trade(&item, Some("11")).await), ["ITEM_NOT_AVAILABLE id"]);
    assert_eq!(
        bo.trade(&item, Some("11")).await["userErrors"],
        json!([]),
        "who has it takes it again: nothing changes"
    );
    // A record is not changed; opened again, in the same call, it is no record.
    assert_eq!(faults(&ada.change(&item, json!({ "price": "1" })).await), ["ITEM_NOT_AVAILABLE id"]);
    let open = ada.change(&item, json!({ "price": "1", "status": "OPEN" })).await["item"].clone();
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
    let other = app.another().await;
    let ada = app.as_user("ada").await;
    let mut people = Vec::new();
    for n in 0..10 {
        people.push(app.as_user(&format!("p{n}")).await);
    }
    for round in 0..5 {
        let item = ada.offer(json!({ "title": format!("round {round}") })).await;
        let tries = (0..50).map(|n| {
            let person = people[n % people.len()].at(if n % 2 == 0 { app.address } else { other.address });
            let item = &item;
            async move {
                let payload = person.trade(item, None).await;
                (person.id, payload["item"].is_object(), codes(&payload).first().map(ToString::to_string))
            }
        });
        // The owner changes the price and closes it in between, which may win too.
        let (outcomes, _, closed) = tokio::join!(
            join_all(tries),
            ada.change(&item, json!({ "price": "1.00" })),
            ada.change(&item, json!({ "status": "CLOSED" }))
        );
        let winners: BTreeSet<&String> = outcomes.iter().filter(|(_, won, _)| *won).map(|(id, ..)| id).collect();
        assert!(
            outcomes.iter().all(|(_, won, code)| *won || code.as_deref() == Some("ITEM_NOT_AVAILABLE")),
            "{outcomes:?}"
        );
        let now = ada.look(&item).await;
        assert_eq!(now["status"], "CLOSED");
        match winners.iter().collect::<Vec<_>>().as_slice() {
            [] => assert_eq!(closed["item"]["counterparty"], Value::Null),
            [winner] => assert_eq!(now["counterparty"]["id"], ***winner),
            _ => panic!("{} got it", winners.len()),
        }
    }
    let odd = "select count(*) from items where (status = 'OPEN') <> (closed_at is null) or counterparty_id = owner_id";
    assert_eq!(app.number(odd).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_hears_of_a_trade_and_the_taker_of_its_end() {
    const EVENTS: &str = "subscription ($after: String) { events(after: $after) { cursor payload { __typename
        ... on ItemTraded { item { id title status isFavorite images { url } owner { nickname } counterparty { id } } } } } }";
    let app = TestApp::start().await;
    let other = app.another().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let item = ada.offer(json!({ "title": "lamp" })).await;
    ada.favor("addFavorites", &[&item]).await;
    let start = ada.cursor().await;
    let (mut for_ada, mut for_bo) = (ada.at(other.address).socket().await, bo.socket().await);
    for_ada.subscribe(EVENTS, json!({})).await;
    for_bo.subscribe(EVENTS, json!({})).await;
    // Both are live before anything happens: a message each says so.
    ada.say(&bo, "hi").await;
    for socket in [&mut for_ada, &mut for_bo] {
        assert_eq!(socket.next().await["events"]["payload"]["__typename"], "MessageCreated");
    }
    bo.trade(&item, None).await;
    let event = for_ada.next().await["events"].clone();
    let seen = &event["payload"]["item"];
    assert_eq!(
        json!([event["payload"]["__typename"], seen["title"], seen["isFavorite"], seen["owner"]["nickname"]]),
        json!(["ItemTraded", "lamp", true, "ada"])
    );
    ada.change(&item, json!({ "status": "OPEN" })).await;
    let event = for_bo.next().await["events"]["payload"].clone();
    assert_eq!(
        json!([event["__typename"], event["item"]["id"], event["item"]["status"], event["item"]["counterparty"]]),
        json!(["ItemTraded", item["id"], "OPEN", null])
    );
    // Once: closing and opening it by hand is nobody's business, and what was told can be asked for.
    ada.change(&item, json!({ "status": "CLOSED" })).await;
    ada.change(&item, json!({ "status": "OPEN" })).await;
    ada.say(&bo, "bye").await;
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
