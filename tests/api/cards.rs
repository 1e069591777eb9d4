//! Cards: messages that show something of Plaza's own, each viewer as they may see it.

use serde_json::{Value, json};

use crate::contents::send_content;
use crate::harness::accounts::user_errors;
use crate::harness::{Person, TestApp};

const CARD: &str =
    "type content { __typename ... on CardContent { kind subjectId subject { __typename ... on Item { title }
    ... on Task { title } ... on Order { number } ... on User { username } ... on Group { name } } } }";

async fn card(person: &Person, id: &Value) -> Value {
    person.data(&format!("query ($id: ID!) {{ message(id: $id) {{ {CARD} }} }}"), json!({ "id": id })).await["message"]
        .clone()
}

/// An order of a user's.
async fn order_of(app: &TestApp, buyer: &Person) -> Value {
    let admin = app.as_role("root", "ADMIN").await;
    let product = app.create_product(&admin, "1.00", 5).await;
    buyer.recharge("500.00").await;
    let exchanged =
        buyer.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "1 Main Street" })).await;
    exchanged["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_shows_each_viewer_what_they_may_see() {
    let app = TestApp::start().await;
    let [ada, bo] = &app.people(["ada", "bo"]).await;
    let item = ada.create_item(json!({})).await["id"].clone();
    ada.recharge("500.00").await;
    let task = ada.create_task("5.00").await["id"].clone();
    let order = order_of(&app, ada).await;
    let group = ada.make_group("riders", &[], json!({})).await;
    let to = json!({ "userId": bo.id });
    let receive = format!("subscription {{ messageReceived {{ message {{ {CARD} }} }} }}");
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, &receive, json!({})).await;
    for (input, kind, id, is_public) in [
        ("itemId", "ITEM", &item, true),
        ("taskId", "TASK", &task, true),
        ("orderId", "ORDER", &order, false),
        ("userId", "USER", &json!(bo.id), true),
        ("groupId", "GROUP", &group, true),
    ] {
        let sent = send_content(ada, &to, &json!({ "card": { input: id } }), json!({})).await;
        assert_eq!(sent["userErrors"], json!([]), "{kind}");
        let own = card(ada, &sent["message"]["id"]).await;
        assert_eq!(
            (&own["type"], &own["content"]["kind"], &own["content"]["subjectId"]),
            (&json!("CARD"), &json!(kind), id)
        );
        assert!(own["content"]["subject"].is_object(), "{own}");
        // The order of another user is not theirs to see, live or later.
        for seen in [card(bo, &sent["message"]["id"]).await, socket.next().await["messageReceived"]["message"].clone()]
        {
            assert_eq!(seen["content"]["subject"].is_object(), is_public, "{seen}");
            assert_eq!(seen["content"]["subjectId"], *id);
        }
    }
    // Once it is gone the card stays, and shows nothing; sent again under its key it is the same.
    let keyed = json!({ "clientMessageId": "k" });
    let first =
        send_content(bo, &json!({ "userId": ada.id }), &json!({ "card": { "itemId": item } }), keyed.clone()).await;
    let seen = "select min(id) from messages where content ->> 'kind' = 'ITEM'";
    let message = json!(plaza::ids::MessageId(app.query_number(seen).await).global());
    ada.mutate_item("deleteItem", json!({ "id": item })).await;
    assert_eq!(card(bo, &message).await["content"]["subject"], Value::Null);
    let again = send_content(bo, &json!({ "userId": ada.id }), &json!({ "card": { "itemId": item } }), keyed).await;
    assert_eq!((&again["deduplicated"], &again["message"]["id"]), (&json!(true), &first["message"]["id"]));
    assert!(card(ada, &message).await["content"]["subject"].is_object(), "its owner sees it still");
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_sender_may_see_is_sent() {
    let app = TestApp::start().await;
    let [ada, bo] = &app.people(["ada", "bo"]).await;
    let order = order_of(&app, ada).await;
    let to = json!({ "userId": ada.id });
    for card in [
        json!({ "orderId": order }),
        json!({ "itemId": plaza::ids::ItemId(99).global() }),
        json!({ "groupId": plaza::ids::GroupId(99).global() }),
        json!({ "userId": plaza::ids::UserId(99).global() }),
    ] {
        let refused = send_content(bo, &to, &json!({ "card": card }), json!({})).await;
        assert_eq!(user_errors(&refused), ["NOT_FOUND input.content.card"], "{card}");
    }
    let refused = send_content(bo, &to, &json!({ "card": { "itemId": order } }), json!({})).await;
    assert_eq!(user_errors(&refused), ["NOT_FOUND input.content.card.itemId"]);
    assert_eq!(app.query_number("select count(*) from messages").await, 0);
}
