//! Favorites: the list of a user, and counts that are right under concurrency.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::user_errors;
use crate::harness::{Person, TestApp};

async fn list(person: &Person, arguments: &str) -> Value {
    let document = format!(
        "{{ viewer {{ favorites{arguments} {{ totalCount pageInfo {{ endCursor hasNextPage }} nodes {{ id createdAt item {{ id title isFavorite favoriteCount }} }} }} }} }}"
    );
    person.data(&document, json!({})).await["viewer"]["favorites"].clone()
}

fn listed(favorites: &Value) -> Vec<Value> {
    favorites["nodes"].as_array().unwrap().iter().map(|node| node["item"]["title"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn favorites_come_and_go_and_may_be_repeated() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let mut items = Vec::new();
    for title in ["a", "b", "c"] {
        items.push(ada.create_item(json!({ "title": title })).await);
    }
    let [a, b, c] = &items[..] else { panic!("three") };
    let added = bo.set_favorites("addFavorites", &[a, b, a]).await;
    assert_eq!(added["changedCount"], 2);
    assert_eq!(added["favorites"].as_array().unwrap().len(), 2);
    assert_eq!(added["favorites"][0]["item"], json!({ "id": a["id"], "isFavorite": true, "favoriteCount": 1 }));
    assert_eq!(bo.set_favorites("addFavorites", &[c, b]).await["changedCount"], 1);
    assert_eq!(bo.set_favorites("addFavorites", &[]).await["changedCount"], 0);
    ada.set_favorites("addFavorites", &[a]).await;
    let favorites = list(&bo, "").await;
    assert_eq!(listed(&favorites), ["c", "a", "b"], "the newest first; of one call, in its order");
    assert_eq!(favorites["totalCount"], 3);
    assert_eq!(favorites["nodes"][1]["item"]["favoriteCount"], 2);
    let node = bo
        .data(
            "query ($id: ID!) { node(id: $id) { ... on Favorite { item { title } } } }",
            json!({ "id": favorites["nodes"][0]["id"] }),
        )
        .await;
    assert_eq!(node["node"]["item"]["title"], "c");
    let foreign =
        ada.data("query ($id: ID!) { node(id: $id) { id } }", json!({ "id": favorites["nodes"][0]["id"] })).await;
    assert_eq!(foreign["node"], Value::Null);

    let removed = bo.set_favorites("removeFavorites", &[a, c, c]).await;
    assert_eq!(
        json!([removed["changedCount"], removed["favorites"][0]["item"]]),
        json!([2, { "id": a["id"], "isFavorite": false, "favoriteCount": 1 }])
    );
    assert_eq!(
        bo.set_favorites("removeFavorites", &[a]).await,
        json!({ "changedCount": 0, "favorites": [], "userErrors": [] })
    );
    assert_eq!(listed(&list(&bo, "").await), ["b"]);
    // Page by page.
    bo.set_favorites("addFavorites", &[a, c]).await;
    let first = list(&bo, "(first: 2)").await;
    assert_eq!(listed(&first), ["a", "c"]);
    let after = format!("(first: 2, after: {})", first["pageInfo"]["endCursor"]);
    assert_eq!(listed(&list(&bo, &after).await), ["b"]);
    let before = format!("(last: 1, before: {})", first["pageInfo"]["endCursor"]);
    assert_eq!(listed(&list(&bo, &before).await), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_item_is_no_favorite() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let (item, gone) = (ada.create_item(json!({})).await, ada.create_item(json!({ "title": "gone" })).await);
    bo.set_favorites("addFavorites", &[&gone]).await;
    ada.mutate_item("deleteItem", json!({ "id": gone["id"] })).await;
    let none = json!({ "id": plaza::ids::ItemId(99).global().to_string() });
    let refused = bo.set_favorites("addFavorites", &[&item, &gone, &none]).await;
    assert_eq!(user_errors(&refused), ["NOT_FOUND itemIds.1", "NOT_FOUND itemIds.2"]);
    assert_eq!(
        user_errors(&bo.set_favorites("addFavorites", &[&item, &json!({ "id": "x" })]).await),
        ["NOT_FOUND itemIds.1"]
    );
    assert_eq!(user_errors(&bo.set_favorites("addFavorites", &vec![&item; 101]).await), ["OUT_OF_RANGE itemIds"]);
    assert_eq!(user_errors(&bo.set_favorites("removeFavorites", &vec![&item; 101]).await), ["OUT_OF_RANGE itemIds"]);
    assert_eq!(ada.get_item(&item).await["favoriteCount"], 0, "all or none");
    let left = list(&bo, "").await;
    assert_eq!(json!([left["totalCount"], left["nodes"][0]["item"]]), json!([1, null]), "gone for bo");
    ada.set_favorites("addFavorites", &[&item]).await;
    assert_eq!(bo.set_favorites("removeFavorites", &[&gone]).await["changedCount"], 1);
    for field in ["addFavorites", "removeFavorites"] {
        let document = format!("mutation {{ {field}(itemIds: []) {{ changedCount }} }}");
        assert_eq!(app.run(&document, json!({})).await.code(), "UNAUTHENTICATED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_hold_under_concurrent_changes() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let ada = app.as_user("ada").await;
    let mut items = Vec::new();
    for n in 0..6 {
        items.push(ada.create_item(json!({ "title": format!("{n}") })).await);
    }
    let mut people = vec![ada];
    for n in 0..5 {
        people.push(app.as_user(&format!("p{n}")).await);
    }
    let work = (0..120).map(|n| {
        let person = people[n % people.len()]
            .on_instance(if n % 2 == 0 { app.address } else { other.address })
            .retrying_overload();
        let field = if n % 3 == 0 { "removeFavorites" } else { "addFavorites" };
        // Different ones, in different orders, and always some in common.
        let mut chosen: Vec<&Value> = items.iter().cycle().skip(n).take(4).collect();
        if n % 4 == 0 {
            chosen.reverse();
        }
        async move {
            let payload = person.set_favorites(field, &chosen).await;
            assert_eq!(payload["userErrors"], json!([]), "{payload}");
            let change = payload["changedCount"].as_i64().unwrap();
            if field == "addFavorites" { change } else { -change }
        }
    });
    let changed: i64 = join_all(work).await.into_iter().sum();
    assert_eq!(app.query_number("select count(*) from favorites").await, changed, "every change was told once");
    let wrong =
        "select count(*) from items where favorite_count <> (select count(*) from favorites where item_id = items.id)";
    assert_eq!(app.query_number(wrong).await, 0);
}
