//! Forwarded messages, and who has read a message.

use serde_json::{Value, json};

use crate::contents::send_content;
use crate::edits::edit;
use crate::harness::accounts::user_errors;
use crate::harness::files::{file_part, rgb_png};
use crate::harness::{Person, TestApp};

const FORWARD: &str = "mutation ($id: ID!, $to: MessageTarget!, $key: String) { forwardMessage(id: $id, to: $to, clientMessageId: $key) {
    message { id isForwarded mentionsAll replyTo { seq } sender { username } content { __typename ... on TextContent { text }
        ... on PictureContent { url localPath } ... on LocationContent { name } } } deduplicated userErrors { code field } } }";

impl Person {
    async fn forward(&self, message: &Value, to: &Value, key: Value) -> Value {
        self.data(FORWARD, json!({ "id": message, "to": to, "key": key })).await["forwardMessage"].clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_are_forwarded_and_files_become_ones_own() {
    let app = TestApp::start().await;
    let [ada, bo, lan] = &app.people(["ada", "bo", "lan"]).await;
    let (to_bo, to_lan) = (json!({ "userId": bo.id }), json!({ "userId": lan.id }));
    let file = ada.upload_media(file_part("cat.png", rgb_png(64, 40))).await["id"].clone();
    let picture = json!({ "picture": { "mediaId": file, "localPath": "/sdcard/cat.png" } });
    let sent = send_content(ada, &to_bo, &picture, json!({})).await["message"].clone();
    let again = bo.forward(&sent["id"], &to_lan, json!("k")).await;
    assert_eq!(again["userErrors"], json!([]));
    let content = json!({ "__typename": "PictureContent", "url": sent["content"]["url"], "localPath": null });
    assert_eq!((&again["message"]["content"], &again["message"]["isForwarded"]), (&content, &json!(true)));
    assert_eq!(again["message"]["sender"]["username"], "bo");
    // Once more under the same key it is the same message, and no other file.
    assert_eq!(bo.forward(&sent["id"], &to_lan, json!("k")).await["deduplicated"], true);
    bo.forward(&sent["id"], &to_lan, Value::Null).await;
    assert_eq!(app.query_number("select count(*) from media").await, 2);
    let own = "{ viewer { files { nodes { fileName url } } } }";
    assert_eq!(bo.data(own, json!({})).await["viewer"]["files"]["nodes"][0]["url"], sent["content"]["url"]);
    // The first owner takes theirs back and deletes it: what was forwarded stays.
    ada.on_message("revokeMessage(id: $id)", &sent["id"]).await;
    let delete = "mutation ($id: ID!) { deleteFile(id: $id) { deletedId userErrors { code } } }";
    assert_eq!(ada.data(delete, json!({ "id": file })).await["deleteFile"]["deletedId"], file);
    let shown = lan
        .data(
            "query ($id: ID!) { message(id: $id) { content { ... on PictureContent { url } } } }",
            json!({ "id": again["message"]["id"] }),
        )
        .await;
    assert_eq!(shown["message"]["content"]["url"], sent["content"]["url"]);
    // Words without what stood beside them.
    let group = bo.make_group("riders", &[], json!({})).await;
    let first = bo.tell_group(&group, "first").await;
    let said = bo.tell(&json!({ "groupId": group }), "words", json!({ "replyToId": first, "mentionAll": true })).await;
    let forwarded = bo.forward(&said, &to_lan, Value::Null).await["message"].clone();
    assert_eq!(
        (&forwarded["content"]["text"], &forwarded["mentionsAll"], &forwarded["replyTo"]),
        (&json!("words"), &json!(false), &Value::Null)
    );
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_seen_or_sent_is_not_forwarded() {
    let app = TestApp::start().await;
    let [ada, bo, eve] = &app.people(["ada", "bo", "eve"]).await;
    let (to_bo, to_eve) = (json!({ "userId": bo.id }), json!({ "userId": eve.id }));
    let file = ada.upload_media(file_part("cat.png", rgb_png(64, 40))).await["id"].clone();
    let picture =
        send_content(ada, &to_bo, &json!({ "picture": { "mediaId": file } }), json!({})).await["message"]["id"].clone();
    let secret = ada.tell(&to_bo, "cipher", json!({ "isPrivate": true })).await;
    let revoked = ada.tell(&to_bo, "gone", json!({})).await;
    ada.on_message("revokeMessage(id: $id)", &revoked).await;
    for (person, message, to, expected) in [
        (eve, &picture, &to_bo, "NOT_FOUND id"),
        (bo, &json!("nothing"), &to_eve, "NOT_FOUND id"),
        (bo, &secret, &to_eve, "FORBIDDEN id"),
        (bo, &revoked, &to_eve, "CONFLICT id"),
        (bo, &picture, &json!({ "groupId": plaza::ids::GroupId(99).global() }), "NOT_FOUND input.to.groupId"),
        (bo, &picture, &json!({ "userId": plaza::ids::UserId(99).global() }), "NOT_FOUND input.to.userId"),
    ] {
        assert_eq!(user_errors(&person.forward(message, to, Value::Null).await), [expected]);
    }
    eve.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
    assert_eq!(user_errors(&bo.forward(&picture, &to_eve, Value::Null).await), ["FORBIDDEN input.to.userId"]);
    assert_eq!(app.query_number("select count(*) from media").await, 1, "no file is left of what was refused");
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_by_whom_a_message_was_read() {
    let app = TestApp::start().await;
    let [ada, bo, lan, mei] = &app.people(["ada", "bo", "lan", "mei"]).await;
    for friend in [bo, lan, mei] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("riders", &[bo, lan, mei], json!({})).await;
    let said = ada.tell_group(&group, "one").await;
    let readers = async |person: &Person, page: &str| {
        let document = format!(
            "query ($id: ID!) {{ message(id: $id) {{ readByCount readBy{page} {{ totalCount nodes {{ username }} pageInfo {{ endCursor hasNextPage }} }} }} }}"
        );
        person.data(&document, json!({ "id": said })).await["message"].clone()
    };
    let read = "mutation ($id: ID!) { markConversationRead(to: { groupId: $id }) { userErrors { code } } }";
    assert_eq!(readers(ada, "").await["readBy"]["nodes"], json!([]));
    for person in [mei, lan] {
        person.data(read, json!({ "id": group })).await;
    }
    bo.tell_group(&group, "an answer").await;
    let seen = readers(ada, "(first: 2)").await;
    assert_eq!((&seen["readByCount"], &seen["readBy"]["totalCount"]), (&json!(3), &json!(3)));
    assert_eq!(seen["readBy"]["nodes"], json!([{ "username": "bo" }, { "username": "lan" }]));
    let next = readers(lan, &format!("(first: 2, after: {})", seen["readBy"]["pageInfo"]["endCursor"])).await;
    assert_eq!(next["readBy"]["nodes"], json!([{ "username": "mei" }]));
    // Where members are hidden, only those visible to the viewer.
    ada.in_group_ok("updateGroup", json!({ "id": group, "input": { "settings": { "disableViewMember": true } } }))
        .await;
    assert_eq!(readers(bo, "").await["readBy"]["nodes"], json!([{ "username": "bo" }]));
    assert_eq!(readers(ada, "").await["readBy"]["totalCount"], 3);
    bo.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    assert_eq!(readers(bo, "").await["readBy"]["nodes"], json!([{ "username": "bo" }]));
}

/// Under the same key it is the same message, also once the one that was forwarded is changed or gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_forward_is_the_same_message() {
    let app = TestApp::start().await;
    let [ada, bo, lan] = &app.people(["ada", "bo", "lan"]).await;
    let (to_bo, to_lan) = (json!({ "userId": bo.id }), json!({ "userId": lan.id }));
    let said = ada.tell(&to_bo, "words", json!({})).await;
    let first = bo.forward(&said, &to_lan, json!("k")).await["message"]["id"].clone();
    edit(ada, &said, "other words").await;
    let again = bo.forward(&said, &to_lan, json!("k")).await;
    assert_eq!((&again["deduplicated"], &again["message"]["id"]), (&json!(true), &first));
    for call in ["deleteMessage(id: $id)", "revokeMessage(id: $id)"] {
        let person = if call.starts_with("delete") { bo } else { ada };
        person.on_message(call, &said).await;
        let again = bo.forward(&said, &to_lan, json!("k")).await;
        assert_eq!((&again["deduplicated"], &again["message"]["id"]), (&json!(true), &first), "{call}");
    }
    let another = ada.tell(&to_bo, "else", json!({})).await;
    assert_eq!(
        user_errors(&bo.forward(&another, &to_lan, json!("k")).await),
        ["IDEMPOTENCY_MISMATCH input.clientMessageId"]
    );
    assert_eq!(user_errors(&bo.forward(&said, &to_lan, json!("new")).await), ["NOT_FOUND id"]);
}

/// Forwards of one file at once, of which some are refused: those that are not all arrive.
#[tokio::test(flavor = "multi_thread")]
async fn forwards_of_one_file_at_once_arrive() {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "20")]).await;
    let [ada, bo, lan] = &app.people(["ada", "bo", "lan"]).await;
    let bo = &bo.retrying_overload();
    lan.send_message(bo, "hi").await;
    bo.send_message(lan, "hi").await;
    let (to_bo, to_lan) = (json!({ "userId": bo.id }), json!({ "userId": lan.id }));
    let nowhere = json!({ "groupId": plaza::ids::GroupId(99).global() });
    for round in 0..10_u8 {
        let picture = ada.upload_media(file_part("cat.png", rgb_png(64, 40 + u32::from(round)))).await["id"].clone();
        let sent = send_content(ada, &to_bo, &json!({ "picture": { "mediaId": picture } }), json!({})).await["message"]
            ["id"]
            .clone();
        let forwards = [&to_lan, &nowhere, &to_lan, &nowhere].map(|to| bo.forward(&sent, to, Value::Null));
        for (place, answer) in futures_util::future::join_all(forwards).await.iter().enumerate() {
            let expected: &[&str] = if place % 2 == 0 { &[] } else { &["NOT_FOUND input.to.groupId"] };
            assert_eq!(user_errors(answer), expected, "round {round}");
        }
        if round == 0 {
            ada.send_message(bo, "answer me").await;
            bo.send_message(ada, "yes").await;
        }
    }
    assert_eq!(app.query_number("select count(*) from media").await, 20);
    assert_eq!(app.audit().await, [""; 0]);
}
