//! What every query and mutation of the market costs in statements, whatever the page size.

use serde_json::json;

use crate::harness::files::{file_part, rgb_png};
use crate::harness::{Person, TestApp};
use crate::statements::cost;

/// Ada, bo, and 119 others with an item each; ada has 120 more, with two pictures each, liked by bo. Half of all were
/// taken.
pub async fn market() -> (TestApp, Person, Person) {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "2")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    app.sql()
        .await
        .batch_execute(
            "insert into users (username, username_key, nickname) select 'p' || n, 'p' || n, 'P' || n from generate_series(1, 119) n;
             insert into profiles (user_id) select id from users where username like 'p%';
             insert into blobs (sha256, content_type, name, size_bytes, stored, uses, wanted_at)
                 select sha256(n::text::bytea), 'image/png', n::text, 9, true, 1, now() from generate_series(1, 240) n;
             insert into media (owner_id, blob_id, width, height, file_name, created_at)
                 select 1, n, 9, 9, 'a.png', now() from generate_series(1, 240) n;
             insert into items (owner_id, title, category, price, condition, note, direction, created_at, updated_at, status, counterparty_id, closed_at)
                 select case when n <= 120 then 1 else n - 119 end, 'lamp ' || n, 1, n, 9, '', 'SELL', now(), now(),
                     case n % 2 when 0 then 'CLOSED' else 'OPEN' end::item_status,
                     case when n % 2 = 0 then case when n <= 120 then 2 else 1 end end, case n % 2 when 0 then now() end
                 from generate_series(1, 240) n where n <> 121 and n <> 120;
             insert into item_images select id, n, 2 * (id - 1) + n + 1 from items cross join generate_series(0, 1) n where id <= 119;
             insert into favorites (user_id, item_id, created_at) select 2, id, now() from items where id <= 119;
             insert into search_entries (kind, subject_id, version, boost, words)
                 select 'ITEM', id, 1, 1, '''lamp'':1A'::tsvector from items;
             insert into search_entries (kind, subject_id, version, boost, words)
                 select 'USER', id, 1, 1, '''lamp'':1A'::tsvector from users where id > 2;
             insert into search_words values ('lamp', 'ITEM');
             analyze",
        )
        .await
        .unwrap();
    (app, ada, bo)
}

/// What a list usually shows of an item.
pub const CARD: &str = "title price owner { nickname } images { url thumbnailUrl } favoriteCount isFavorite";

#[tokio::test(flavor = "multi_thread")]
async fn lists_cost_the_same_at_every_page_size() {
    let (app, _ada, bo) = market().await;
    for (list, expected) in [
        ("items(first: $n) { nodes { title owner { nickname } favoriteCount isFavorite } }", 2),
        (
            "items(first: $n, filter: { status: [OPEN, DELETED], category: [1, 2] }, orderBy: { field: PRICE }) { nodes { title owner { nickname } } }",
            2,
        ),
        ("items(first: $n) { totalCount nodes { title } }", 2),
        ("items(first: $n, filter: { query: \"lamp\" }) { nodes { title owner { nickname } isFavorite } }", 3),
        ("items(first: $n, filter: { query: \"灯\" }) { nodes { title } }", 1),
        // The role that an action depends on is read apart from those who are shown.
        ("items(first: $n) { nodes { counterparty { nickname } availableActions } }", 3),
        (
            "search(query: \"lamp\", first: $n) { nodes { ... on Item { title owner { nickname } isFavorite } ... on User { nickname } } }",
            4,
        ),
        ("search(query: \"lamp\", first: $n, kinds: [ITEM]) { totalCount nodes { ... on Item { title } } }", 4),
        ("searchUsers(query: \"灯\", first: $n) { nodes { nickname } }", 1),
        ("viewer { favorites(first: $n) { nodes { item { title owner { nickname } isFavorite } } } }", 3),
        ("viewer { finishedItems(first: $n) { nodes { title owner { nickname } counterparty { nickname } } } }", 2),
        (
            "items(first: $n) { nodes { owner { items(first: 3) { nodes { isFavorite owner { items(first: 2) { nodes { title } } } } } } } }",
            4,
        ),
    ] {
        assert_eq!(cost(&app, &bo, &format!("query ($n: Int) {{ {list} }}"), json!({})).await, expected, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_costs_three_statements_and_one_when_its_people_and_pictures_were_seen() {
    let (app, _ada, bo) = market().await;
    let feed =
        format!("{{ items(first: 20, orderBy: {{ field: CREATED_AT, direction: ASC }}) {{ nodes {{ {CARD} }} }} }}");
    bo.data("{ items(first: 1) { nodes { id } } viewer { favorites { nodes { id } } } }", json!({})).await;
    let (data, cost) = app.count_statements(bo.data(&feed, json!({}))).await;
    assert_eq!(data["items"]["nodes"][19]["images"].as_array().unwrap().len(), 2);
    assert_eq!(data["items"]["nodes"][0]["isFavorite"], true);
    assert_eq!(cost, 3);
    assert_eq!(app.count_statements_warm(bo.data(&feed, json!({}))).await.1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn mutations_of_the_market_cost_what_they_should() {
    let (app, ada, bo) = market().await;
    let first = ada.create_item(json!({})).await;
    bo.trade_item(&first, None).await;
    let picture = ada.upload_media(file_part("a.png", rgb_png(40, 9))).await;
    let input = json!({ "title": "lamp", "category": 1, "price": 1, "condition": 1, "direction": "SELL", "imageIds": [picture["id"]] });
    let create =
        "mutation ($input: CreateItemInput!) { createItem(input: $input) { item { id } userErrors { code } } }";
    let (made, cost) = app.count_statements(ada.data(create, json!({ "input": input }))).await;
    assert_eq!(cost, 6, "the pictures, account, item, its pictures, words, card");
    let id = made["createItem"]["item"]["id"].clone();
    let cases = [
        (
            "a change: hold, change, words, card",
            "mutation ($id: ID!) { updateItem(id: $id, input: { price: 2 }) { item { id } } }",
            &ada,
            4,
        ),
        (
            "a favorite: account, hold, add, count, look, card",
            "mutation ($id: ID!) { addFavorites(itemIds: [$id]) { favorites { item { isFavorite } } } }",
            &bo,
            6,
        ),
        (
            "once more: account, hold, nothing, look, card",
            "mutation ($id: ID!) { addFavorites(itemIds: [$id]) { changedCount } }",
            &bo,
            5,
        ),
        (
            "no favorite: hold, delete, count, card",
            "mutation ($id: ID!) { removeFavorites(itemIds: [$id]) { changedCount } }",
            &bo,
            4,
        ),
        (
            "a trade: account, trade, blocks, search, event, card, who took it",
            "mutation ($id: ID!) { tradeItem(id: $id) { item { counterparty { id } } } }",
            &bo,
            7,
        ),
        (
            "once more: account, try, look, card",
            "mutation ($id: ID!) { tradeItem(id: $id) { userErrors { code } } }",
            &bo,
            4,
        ),
        (
            "its end: look, hold, change, search, card",
            "mutation ($id: ID!) { deleteItem(id: $id) { item { id } } }",
            &ada,
            5,
        ),
    ];
    for (what, mutation, person, expected) in cases {
        let (_, cost) = app.count_statements(person.data(mutation, json!({ "id": id }))).await;
        assert_eq!(cost, expected, "{what}");
    }
}
