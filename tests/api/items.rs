//! Items: putting them up, changing them, looking at them, taking them out.

use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::files::{file_part, jpeg, pdf, rgb_png};
use crate::harness::market::{ITEM, titles};
use crate::harness::{Person, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_put_up_and_seen_by_everybody() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let item = ada.create_item(json!({ "title": "  小米充电宝 10000mAh ", "note": "九成新\n自用" })).await;
    let mut expected = json!({
        "id": item["id"], "title": "小米充电宝 10000mAh", "category": 1, "price": "99.90", "condition": 95,
        "note": "九成新\n自用", "direction": "SELL", "status": "OPEN", "favoriteCount": 0, "isFavorite": false,
        "closedAt": null, "availableActions": ["EDIT", "CLOSE", "DELETE", "FAVORITE"], "owner": { "id": ada.id },
        "counterparty": null, "images": []
    });
    assert_eq!(item, expected);
    expected["availableActions"] = json!(["TRADE", "FAVORITE"]);
    assert_eq!(bo.get_item(&item).await, expected);
    let document =
        format!("query ($id: ID!) {{ item(id: $id) {{ ...I }} node(id: $id) {{ ... on Item {{ ...I }} }} }} {ITEM}");
    let answer = app.run(&document, json!({ "id": item["id"] })).await;
    expected["availableActions"] = json!([]);
    assert_eq!(answer.data(), &json!({ "item": expected, "node": expected }));
    // No item, something else's id, no id at all.
    let none = plaza::ids::ItemId(77).global().to_string();
    assert_eq!(
        app.run("query ($id: ID!) { item(id: $id) { id } }", json!({ "id": none })).await.data()["item"],
        Value::Null
    );
    for id in [ada.id.as_str(), "x"] {
        assert_eq!(
            app.run("query ($id: ID!) { item(id: $id) { id } }", json!({ "id": id })).await.code(),
            "BAD_USER_INPUT"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_item_is_told_at_once() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let picture = bo.upload_media(file_part("b.png", rgb_png(9, 9))).await;
    let text = ada.upload_media(file_part("a.pdf", pdf(99, 0))).await;
    let create = async |fields: Value| {
        let mut input = json!({ "title": "x", "category": 1, "price": 1, "condition": 1, "direction": "WANT" });
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        ada.mutate_item("createItem", json!({ "input": input })).await
    };
    let all =
        create(json!({ "title": " \u{200b} ", "category": -1, "price": "-0.01", "condition": 101, "note": "a\u{7}b",
        "imageIds": vec![text["id"].clone(); 2] }))
        .await;
    assert_eq!(
        user_errors(&all),
        [
            "REQUIRED input.title",
            "OUT_OF_RANGE input.category",
            "OUT_OF_RANGE input.price",
            "OUT_OF_RANGE input.condition",
            "INVALID_INPUT input.note",
            "INVALID_INPUT input.imageIds",
        ]
    );
    for (fields, fault) in [
        (json!({ "title": "长".repeat(101) }), "TOO_LONG input.title"),
        (json!({ "title": "a\nb" }), "INVALID_INPUT input.title"),
        (json!({ "note": "长".repeat(2001) }), "TOO_LONG input.note"),
        (json!({ "price": "100000000.00" }), "OUT_OF_RANGE input.price"),
        (json!({ "condition": -1 }), "OUT_OF_RANGE input.condition"),
        (json!({ "condition": 70000 }), "OUT_OF_RANGE input.condition"),
        (json!({ "imageIds": ["x"] }), "NOT_FOUND input.imageIds.0"),
        (json!({ "imageIds": [picture["id"]] }), "NOT_FOUND input.imageIds.0"),
        (json!({ "imageIds": [text["id"]] }), "FILE_TYPE_NOT_ALLOWED input.imageIds.0"),
        (json!({ "imageIds": (0..10).map(|n| n.to_string()).collect::<Vec<_>>() }), "TOO_MANY_FILES input.imageIds"),
    ] {
        assert_eq!(user_errors(&create(fields).await), [fault]);
    }
    assert_eq!(
        create(json!({ "title": "长".repeat(100), "note": "长".repeat(2000), "price": "99999999.99" })).await["userErrors"],
        json!([])
    );
    assert_eq!(create(json!({ "price": 0, "condition": 0 })).await["userErrors"], json!([]));
    assert_eq!(app.query_number("select count(*) from items").await, 2);
    // What is no amount, or no character that a text has, never gets here.
    for fields in [json!({ "price": "1.234" }), json!({ "price": 1.5 }), json!({ "note": "\u{0}" })] {
        let input = json!({ "title": "x", "category": 1, "price": 1, "condition": 1, "direction": "WANT" });
        let mut input = input.as_object().unwrap().clone();
        input.extend(fields.as_object().unwrap().clone());
        let document = "mutation ($input: CreateItemInput!) { createItem(input: $input) { userErrors { code } } }";
        let body = ada.run(document, json!({ "input": input })).await.body;
        assert!(!body["errors"].is_null() || body["data"]["createItem"]["userErrors"] != json!([]), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_changed_by_its_owner_alone() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let item = ada.create_item(json!({})).await;
    let changed = ada.update_item(&item, json!({ "title": "台灯", "price": "12.5", "note": "亮", "direction": "WANT", "condition": 7, "category": 9 })).await;
    let changed = &changed["item"];
    let seen = json!([
        changed["title"],
        changed["price"],
        changed["note"],
        changed["direction"],
        changed["condition"],
        changed["category"]
    ]);
    assert_eq!(seen, json!(["台灯", "12.50", "亮", "WANT", 7, 9]));
    assert_eq!(
        user_errors(&ada.update_item(&item, json!({ "title": null, "status": null })).await),
        ["REQUIRED input.title", "REQUIRED input.status"]
    );
    assert_eq!(user_errors(&bo.update_item(&item, json!({ "title": "mine" })).await), ["FORBIDDEN id"]);
    assert_eq!(user_errors(&bo.mutate_item("deleteItem", json!({ "id": item["id"] })).await), ["FORBIDDEN id"]);
    assert_eq!(user_errors(&ada.mutate_item("deleteItem", json!({ "id": ada.id })).await), ["NOT_FOUND id"]);
    assert_eq!(ada.update_item(&item, json!({})).await["item"]["title"], "台灯", "nothing to change");
}

#[tokio::test(flavor = "multi_thread")]
async fn states_change_by_the_rules() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let item = ada.create_item(json!({})).await;
    let closed = ada.update_item(&item, json!({ "status": "CLOSED", "title": "卖了" })).await["item"].clone();
    assert_eq!(
        json!([closed["status"], closed["title"], closed["availableActions"]]),
        json!(["CLOSED", "卖了", ["EDIT", "REOPEN", "DELETE", "FAVORITE"]])
    );
    assert!(closed["closedAt"].is_string());
    assert_eq!(user_errors(&bo.trade_item(&item, None).await), ["ITEM_NOT_AVAILABLE id"]);
    assert_eq!(ada.update_item(&item, json!({ "status": "CLOSED" })).await["item"]["status"], "CLOSED", "it is");
    let illegal = ada.update_item(&item, json!({ "status": "DELETED" })).await["userErrors"][0].clone();
    assert_eq!(
        json!([illegal["code"], illegal["from"], illegal["to"], illegal["allowed"], illegal["field"]]),
        json!(["ILLEGAL_TRANSITION", "CLOSED", "DELETED", ["OPEN"], ["input", "status"]])
    );
    let open = ada.update_item(&item, json!({ "status": "OPEN" })).await["item"].clone();
    assert_eq!(json!([open["status"], open["closedAt"]]), json!(["OPEN", null]));

    let deleted = ada.mutate_item("deleteItem", json!({ "id": item["id"] })).await["item"].clone();
    assert_eq!(json!([deleted["status"], deleted["availableActions"]]), json!(["DELETED", []]));
    assert_eq!(codes(&ada.mutate_item("deleteItem", json!({ "id": item["id"] })).await), [""; 0], "it is");
    let illegal = ada.update_item(&item, json!({ "status": "OPEN" })).await["userErrors"][0].clone();
    assert_eq!(json!([illegal["code"], illegal["allowed"]]), json!(["ILLEGAL_TRANSITION", []]));
    assert_eq!(user_errors(&ada.update_item(&item, json!({ "title": "back" })).await), ["ITEM_NOT_AVAILABLE id"]);
    // Other users don't learn that there was such an item.
    assert_eq!(bo.get_item(&item).await, Value::Null);
    for payload in [
        bo.update_item(&item, json!({ "title": "x" })).await,
        bo.trade_item(&item, None).await,
        bo.mutate_item("deleteItem", json!({ "id": item["id"] })).await,
    ] {
        assert_eq!(user_errors(&payload), ["NOT_FOUND id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_items_are_for_their_owner_and_administrators() {
    let app = TestApp::start().await;
    let (ada, bo, root) = (app.as_user("ada").await, app.as_user("bo").await, app.as_role("root", "ADMIN").await);
    for title in ["a", "b"] {
        ada.create_item(json!({ "title": title })).await;
    }
    let gone = ada.create_item(json!({ "title": "gone" })).await;
    ada.mutate_item("deleteItem", json!({ "id": gone["id"] })).await;
    let own = "query ($id: ID!) { user(id: $id) { items { totalCount nodes { title } } } }";
    for (person, expected) in [(&ada, vec!["gone", "b", "a"]), (&root, vec!["gone", "b", "a"]), (&bo, vec!["b", "a"])] {
        let items = &person.data(own, json!({ "id": ada.id })).await["user"]["items"];
        assert_eq!(titles(&items["nodes"]), expected);
        assert_eq!(items["totalCount"], expected.len());
        assert_eq!(person.titles("").await, ["b", "a"], "the market has none of them");
        let deleted = person.titles("filter: { status: [DELETED] }").await;
        assert_eq!(deleted.is_empty(), person.id == bo.id, "{deleted:?}");
        assert_eq!(person.get_item(&gone).await.is_null(), person.id == bo.id);
    }
    assert_eq!(titles(&app.run(own, json!({ "id": ada.id })).await.data()["user"]["items"]["nodes"]), ["b", "a"]);
    let all = app.run("{ items(filter: { status: [DELETED] }) { totalCount nodes { title } } }", json!({})).await;
    assert_eq!(all.data()["items"], json!({ "totalCount": 0, "nodes": [] }));
    // An administrator takes out what has to go.
    let bad = bo.create_item(json!({ "title": "bad" })).await;
    assert!(root.get_item(&bad).await["availableActions"].as_array().unwrap().contains(&json!("DELETE")));
    assert_eq!(root.mutate_item("deleteItem", json!({ "id": bad["id"] })).await["item"]["status"], "DELETED");
    assert_eq!(user_errors(&root.update_item(&gone, json!({ "title": "x" })).await), ["NOT_FOUND id"]);
}

const UPLOAD: &str = "mutation ($id: ID!, $files: [Upload!]!) { uploadItemImages(itemId: $id, files: $files) {
    item { images { id fileName } } userErrors { code field } } }";

async fn upload(person: &Person, item: &Value, names: &[&'static str]) -> Value {
    let files: Vec<_> =
        names.iter().enumerate().map(|(n, name)| file_part(name, rgb_png(9 + u32::try_from(n).unwrap(), 9))).collect();
    person.send_files_with(UPLOAD, json!({ "id": item["id"] }), &files).await.json()["data"]["uploadItemImages"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_are_uploaded_to_an_item_or_given_by_id() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let names = |payload: &Value| {
        payload["item"]["images"]
            .as_array()
            .unwrap()
            .iter()
            .map(|image| image["fileName"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = ada.upload_media(file_part("first.png", rgb_png(20, 20))).await;
    let item = ada.create_item(json!({ "imageIds": [first["id"]] })).await;
    assert_eq!(item["images"][0]["id"], first["id"]);
    let payload = upload(&ada, &item, &["b.png", "c.png"]).await;
    assert_eq!(names(&payload), ["first.png", "b.png", "c.png"]);
    // In another order, and without one.
    let ids = payload["item"]["images"].clone();
    let turned = ada.update_item(&item, json!({ "imageIds": [ids[2]["id"], ids[0]["id"]] })).await;
    assert_eq!(turned["item"]["images"][0]["id"], ids[2]["id"]);
    assert_eq!(turned["item"]["images"].as_array().unwrap().len(), 2);
    // What an item shows can't be deleted; what it shows no more can.
    assert_eq!(user_errors(&ada.delete_file(&ids[0]["id"]).await), ["CONFLICT id"]);
    assert_eq!(codes(&ada.delete_file(&ids[1]["id"]).await), [""; 0]);
    assert_eq!(
        user_errors(
            &upload(&ada, &item, &["1.png", "2.png", "3.png", "4.png", "5.png", "6.png", "7.png", "8.png"]).await
        ),
        ["TOO_MANY_FILES files"]
    );
    assert_eq!(
        names(&upload(&ada, &item, &["1.png", "2.png", "3.png", "4.png", "5.png", "6.png", "7.png"]).await).len(),
        9
    );
    assert_eq!(user_errors(&upload(&ada, &item, &["x.png"]).await), ["TOO_MANY_FILES files"]);
    assert_eq!(user_errors(&upload(&bo, &item, &["x.png"]).await), ["FORBIDDEN itemId"]);
    let files = [file_part("a.pdf", pdf(99, 0)), file_part("b.jpg", jpeg(9, 9, 1, false))];
    let other = ada.create_item(json!({})).await;
    let refused =
        ada.send_files_with(UPLOAD, json!({ "id": other["id"] }), &files).await.json()["data"]["uploadItemImages"]
            .clone();
    assert_eq!(user_errors(&refused), ["FILE_TYPE_NOT_ALLOWED files.0"]);
    assert_eq!(ada.get_item(&other).await["images"], json!([]));
    bo.trade_item(&other, None).await;
    assert_eq!(user_errors(&upload(&ada, &other, &["late.png"]).await), ["ITEM_NOT_AVAILABLE itemId"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_at_once_never_give_an_item_more_than_nine() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let item = ada.create_item(json!({})).await;
    let uploads = (0..8).map(|_| upload(&ada, &item, &["a.png", "b.png"]));
    let payloads = futures_util::future::join_all(uploads).await;
    let taken = payloads.iter().filter(|payload| payload["userErrors"] == json!([])).count();
    assert_eq!(taken, 4, "{payloads:?}");
    assert_eq!(ada.get_item(&item).await["images"].as_array().unwrap().len(), 8);
    assert_eq!(app.query_number("select count(*) from media").await, 8, "what was refused is no file");
}

#[tokio::test(flavor = "multi_thread")]
async fn account_deletion_deletes_the_items_that_were_not_traded() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let picture = ada.upload_media(file_part("a.png", rgb_png(9, 9))).await;
    let open = ada.create_item(json!({ "title": "open", "imageIds": [picture["id"]] })).await;
    let traded = ada.create_item(json!({ "title": "traded" })).await;
    bo.trade_item(&traded, None).await;
    let liked = bo.create_item(json!({ "title": "liked" })).await;
    ada.set_favorites("addFavorites", &[&liked, &open]).await;
    bo.set_favorites("addFavorites", &[&open]).await;
    ada.data("mutation ($id: ID!) { deleteUser(id: $id) { userErrors { code } } }", json!({ "id": ada.id })).await;
    assert_eq!(bo.titles("").await, ["liked", "traded"]);
    assert_eq!(bo.get_item(&open).await, Value::Null);
    assert_eq!(bo.get_item(&liked).await["favoriteCount"], 0);
    assert_eq!(app.query_number("select count(*) from media").await, 0);
    let favorites = bo
        .data(
            "{ viewer { favorites { nodes { item { id } } } finishedItems { nodes { title owner { deleted } } } } }",
            json!({}),
        )
        .await;
    assert_eq!(favorites["viewer"]["favorites"]["nodes"], json!([{ "item": null }]));
    assert_eq!(
        favorites["viewer"]["finishedItems"]["nodes"],
        json!([{ "title": "traded", "owner": { "deleted": true } }])
    );
    assert_eq!(bo.titles("filter: { query: \"open\" }").await, [""; 0]);
}
