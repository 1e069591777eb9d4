//! The feed: every filter, every order, both ways, stable while items are put up.

use serde_json::{Value, json};

use crate::harness::market::titles;
use crate::harness::{Person, TestApp};

async fn market() -> (TestApp, Person, Person) {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    for (title, category, price, condition, direction, owner) in [
        ("one", 1, "10.00", 90, "SELL", &ada),
        ("two", 2, "20.00", 50, "WANT", &bo),
        ("three", 1, "30.00", 99, "SELL", &bo),
        ("four", 3, "20.00", 0, "SELL", &ada),
        ("five", 2, "0.01", 70, "WANT", &ada),
    ] {
        owner.create_item(json!({ "title": title, "category": category, "price": price, "condition": condition, "direction": direction })).await;
        app.advance_clock(std::time::Duration::from_mins(1));
    }
    (app, ada, bo)
}

async fn item(person: &Person, title: &str) -> Value {
    let all = person.data("{ items(first: 100) { nodes { id title createdAt } } }", json!({})).await;
    let nodes = all["items"]["nodes"].as_array().unwrap().clone();
    nodes.into_iter().find(|node| node["title"] == title).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_what_their_filters_say() {
    let (_app, ada, bo) = market().await;
    let (one, three) = (item(&ada, "one").await, item(&ada, "three").await);
    ada.update_item(&item(&ada, "four").await, json!({ "status": "CLOSED" })).await;
    let from_to = format!("createdAt: {{ from: {}, to: {} }}", one["createdAt"], three["createdAt"]);
    let owner = format!("ownerId: {:?}", bo.id);
    for (filter, expected) in [
        ("", vec!["five", "four", "three", "two", "one"]),
        ("direction: SELL", vec!["four", "three", "one"]),
        ("direction: WANT", vec!["five", "two"]),
        ("status: [OPEN]", vec!["five", "three", "two", "one"]),
        ("status: [CLOSED, CLOSED]", vec!["four"]),
        ("status: [OPEN, CLOSED, DELETED]", vec!["five", "four", "three", "two", "one"]),
        ("status: []", vec![]),
        ("category: [1]", vec!["three", "one"]),
        ("category: [2, 1, 2]", vec!["five", "three", "two", "one"]),
        ("category: []", vec![]),
        ("category: [77]", vec![]),
        ("price: { min: \"20\" }", vec!["four", "three", "two"]),
        ("price: { max: \"20.00\" }", vec!["five", "four", "two", "one"]),
        ("price: { min: 10, max: 20 }", vec!["four", "two", "one"]),
        ("price: {}", vec!["five", "four", "three", "two", "one"]),
        ("price: { min: 30, max: 10 }", vec![]),
        (&owner, vec!["three", "two"]),
        ("minCondition: 70", vec!["five", "three", "one"]),
        (&from_to, vec!["three", "two", "one"]),
        ("direction: SELL, status: [OPEN], category: [1, 3], price: { max: 25 }, minCondition: 1", vec!["one"]),
        ("query: \"three\"", vec!["three"]),
        ("query: \"  \"", vec!["five", "four", "three", "two", "one"]),
        ("query: \"three\", direction: WANT", vec![]),
    ] {
        assert_eq!(ada.titles(&format!("filter: {{ {filter} }}")).await, expected, "{filter}");
        let count = ada.data(&format!("{{ items(filter: {{ {filter} }}) {{ totalCount }} }}"), json!({})).await;
        assert_eq!(count["items"]["totalCount"], expected.len(), "{filter}");
    }
    for (arguments, expected) in [
        ("orderBy: { field: CREATED_AT, direction: ASC }", vec!["one", "two", "three", "four", "five"]),
        ("orderBy: { field: PRICE }", vec!["three", "four", "two", "one", "five"]),
        ("orderBy: { field: PRICE, direction: ASC }", vec!["five", "one", "two", "four", "three"]),
        (
            "orderBy: { field: PRICE }, filter: { category: [2, 3], status: [OPEN, CLOSED] }",
            vec!["four", "two", "five"],
        ),
    ] {
        assert_eq!(ada.titles(arguments).await, expected, "{arguments}");
    }
    ada.set_favorites("addFavorites", &[&one, &three]).await;
    bo.set_favorites("addFavorites", &[&one]).await;
    assert_eq!(ada.titles("orderBy: { field: FAVORITES }, first: 2").await, ["one", "three"]);
    let own = "query ($id: ID!) { user(id: $id) { items(filter: { direction: SELL }, orderBy: { field: PRICE, direction: ASC }) { totalCount nodes { title } } } }";
    let items = &bo.data(own, json!({ "id": ada.id })).await["user"]["items"];
    assert_eq!(json!([titles(&items["nodes"]), items["totalCount"]]), json!([["one", "four"], 2]));
    let other =
        "query ($id: ID!, $o: ID!) { user(id: $id) { items(filter: { ownerId: $o }) { totalCount nodes { title } } } }";
    assert_eq!(
        bo.data(other, json!({ "id": ada.id, "o": bo.id })).await["user"]["items"],
        json!({ "totalCount": 0, "nodes": [] })
    );
    let found =
        "query ($id: ID!) { user(id: $id) { items(filter: { query: \"three\" }) { totalCount nodes { title } } } }";
    assert_eq!(
        bo.data(found, json!({ "id": bo.id })).await["user"]["items"],
        json!({ "totalCount": 1, "nodes": [{ "title": "three" }] })
    );
    assert_eq!(bo.data(found, json!({ "id": ada.id })).await["user"]["items"]["nodes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_arguments_are_refused() {
    let (_app, ada, _bo) = market().await;
    let many: Vec<i32> = (0..21).collect();
    for arguments in [
        "first: 0".to_owned(),
        "last: 101".into(),
        "first: 1, last: 1".into(),
        "after: \"x\"".into(),
        format!("filter: {{ category: {many:?} }}"),
        format!("filter: {{ query: {:?} }}", "长".repeat(101)),
        "filter: { ownerId: \"x\" }".into(),
        "orderBy: { field: RELEVANCE }".into(),
    ] {
        let answer = ada.run(&format!("{{ items({arguments}) {{ nodes {{ id }} }} }}"), json!({})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{arguments}");
    }
    // A cursor is good for its list alone: its filter, its order, its person.
    let page = ada.data("{ items(first: 1) { pageInfo { endCursor } } }", json!({})).await;
    let cursor = &page["items"]["pageInfo"]["endCursor"];
    let of = format!("{{ user(id: {:?}) {{ items(after: {cursor}) {{ nodes {{ id }} }} }} }}", ada.id);
    for document in [
        format!("{{ items(after: {cursor}, orderBy: {{ field: PRICE }}) {{ nodes {{ id }} }} }}"),
        format!("{{ items(after: {cursor}, filter: {{ direction: SELL }}) {{ nodes {{ id }} }} }}"),
        format!("{{ viewer {{ finishedItems(after: {cursor}) {{ nodes {{ id }} }} }} }}"),
        of,
    ] {
        assert_eq!(ada.run(&document, json!({})).await.code(), "BAD_USER_INPUT", "{document}");
    }
}

/// Reads a list page by page, from its beginning or its end.
async fn walk(person: &Person, order: &str, size: usize, backward: bool) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let (count, place) = if backward { ("last", "before") } else { ("first", "after") };
        let document = format!(
            "query ($c: String) {{ items({order}, {count}: {size}, {place}: $c) {{ nodes {{ title }}
                pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }} }}"
        );
        let page = person.data(&document, json!({ "c": cursor })).await["items"].clone();
        let next = titles(&page["nodes"]);
        assert!(next.len() <= size);
        let info = &page["pageInfo"];
        if backward {
            found.splice(0..0, next);
            cursor = info["startCursor"].clone();
        } else {
            found.extend(next);
            cursor = info["endCursor"].clone();
        }
        if info[if backward { "hasPreviousPage" } else { "hasNextPage" }] == false {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_make_up_the_list_whatever_is_put_up_meanwhile() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    app.sql()
        .await
        .batch_execute(
            "insert into items (owner_id, title, category, price, condition, note, direction, created_at, updated_at,
                favorite_count, status, closed_at)
             select 1, 'item ' || n, n % 3, n % 4, 50, '', 'SELL', timestamptz '2026-01-01' + (n % 7) * interval '1 day', now(),
                n % 5, case when n % 6 = 0 then 'CLOSED' else 'OPEN' end::item_status, case when n % 6 = 0 then now() end
             from generate_series(1, 60) n",
        )
        .await
        .unwrap();
    for order in ["CREATED_AT", "PRICE", "FAVORITES"] {
        for direction in ["ASC", "DESC"] {
            for filter in
                ["", ", filter: { category: [0, 2] }", ", filter: { status: [OPEN], price: { min: \"0.01\" } }"]
            {
                let order = format!("orderBy: {{ field: {order}, direction: {direction} }}{filter}");
                let all = ada.titles(&format!("{order}, first: 100")).await;
                assert!(all.len() >= 35, "{order}");
                for (size, backward) in [(7, false), (7, true), (100, true)] {
                    assert_eq!(walk(&ada, &order, size, backward).await, all, "{order} {size} {backward}");
                }
            }
        }
    }
    // Newer ones come before what was read: nothing is doubled, nothing is missed.
    let before = ada.titles("first: 100").await;
    let (read, ()) = tokio::join!(walk(&ada, "filter: {}", 3, false), async {
        for n in 0..20 {
            ada.create_item(json!({ "title": format!("new {n}") })).await;
        }
    });
    let old: Vec<String> = read.iter().filter(|title| !title.starts_with("new")).cloned().collect();
    assert_eq!(old, before);
    let mut distinct = read.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), read.len());
}
