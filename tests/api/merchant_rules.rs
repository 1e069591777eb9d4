//! Who can own and serve a merchant, what changes nothing, and what ends with it.

use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::{Person, TestApp};
use crate::merchants::{BLOCK, LEAVE, look};

async fn users<const N: usize>(app: &TestApp, names: [&str; N]) -> [Person; N] {
    let mut users = Vec::new();
    for name in names {
        users.push(app.as_user(name).await);
    }
    users.try_into().unwrap_or_else(|_| panic!("as many as there are names"))
}

async fn suspend(app: &TestApp, person: &Person) {
    let sql = format!("update users set suspended_at = now() where id = {}", person.key());
    app.sql().await.batch_execute(&sql).await.unwrap();
}

fn name(merchant: &Value, contact: &Person) -> Value {
    json!({ "id": merchant, "input": { "customerServiceId": contact.id } })
}

/// No user gets a merchant who could not be named its contact, and an owner without other members can end it.
#[tokio::test(flavor = "multi_thread")]
async fn merchants_go_to_those_alone_who_can_be_named() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di] = users(&app, ["ada", "bo", "cy", "di"]).await;
    let merchant = app.merchant_of(&ada, "m").await;
    for person in [&bo, &cy, &di] {
        person.join_merchant(&merchant).await;
    }
    let give = |to: &Person| json!({ "merchantId": merchant, "toUserId": to.id });
    bo.data(BLOCK, json!({ "id": ada.id })).await;
    suspend(&app, &cy).await;
    for to in [&bo, &cy] {
        assert_eq!(ada.refused_at_merchant("transferMerchant", give(to)).await, ["FORBIDDEN"]);
    }
    // A contact who blocks the new owner does not stay.
    let contact = app.as_user("contact").await;
    ada.at_merchant_ok("updateMerchant", name(&merchant, &contact)).await;
    contact.data(BLOCK, json!({ "id": di.id })).await;
    let given = ada.at_merchant_ok("transferMerchant", give(&di)).await["merchant"].clone();
    assert_eq!((&given["owner"]["username"], &given["customerService"]["username"]), (&json!("di"), &json!("di")));

    // A contact who blocks the owner, or is suspended, does not get it from a deleted account.
    for (n, suspended) in [false, true].into_iter().enumerate() {
        let [owner, contact] = users(&app, [&format!("owner{n}"), &format!("contact{n}")]).await;
        let left = app.merchant_of(&owner, &format!("left{n}")).await;
        owner.at_merchant_ok("updateMerchant", name(&left, &contact)).await;
        if suspended {
            suspend(&app, &contact).await;
        } else {
            contact.data(BLOCK, json!({ "id": owner.id })).await;
        }
        assert_eq!(codes(&owner.data(LEAVE, json!({ "id": owner.id })).await["deleteUser"]), [""; 0]);
        assert_eq!(look(&ada, &left).await, Value::Null, "closed");
    }
    let alone = app.merchant_of(&bo, "alone").await;
    bo.at_merchant_ok("leaveMerchant", json!({ "merchantId": alone })).await;
    assert_eq!(look(&ada, &alone).await, Value::Null, "closed");
    assert_eq!(app.audit().await, [""; 0]);
}

/// A client may send all fields: what is as it was tells no user, and a new owner keeps the picture.
#[tokio::test(flavor = "multi_thread")]
async fn what_changes_nothing_is_told_to_no_user() {
    let app = TestApp::start().await;
    let [ada, bo] = users(&app, ["ada", "bo"]).await;
    let merchant = app.merchant_of(&ada, "m").await;
    ada.at_merchant_ok("updateMerchant", name(&merchant, &bo)).await;
    bo.join_merchant(&merchant).await;
    let changed = ada.at_merchant_ok("transferMerchant", json!({ "merchantId": merchant, "toUserId": bo.id })).await;
    let events = "select (select count(*) from outbox where kind = 'MERCHANT_CHANGED') + (select count(*) from events where kind = 'MERCHANT_CHANGED')";
    let before = app.query_number(events).await;
    let all = json!({ "name": "m", "iconId": changed["merchant"]["icon"]["id"], "customerServiceId": bo.id });
    for input in [json!({}), all] {
        let same = bo.at_merchant_ok("updateMerchant", json!({ "id": merchant, "input": input })).await;
        assert_eq!(same["merchant"], changed["merchant"]);
    }
    assert_eq!(app.query_number(events).await, before);
    let foreign = json!({ "id": merchant, "input": { "iconId": ada.upload_picture().await } });
    assert_eq!(bo.refused_at_merchant("updateMerchant", foreign).await, ["NOT_FOUND"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_are_none_and_contacts_are_counted() {
    let app = TestApp::with(&[("PLAZA_LIMIT_CREATIONS", "3")]).await;
    let [ada, bo, cy] = users(&app, ["ada", "bo", "cy"]).await;
    let merchant = app.merchant_of(&ada, "m").await;
    let icon = ada.upload_picture().await;
    let wrong = json!({ "input": { "activationCode": "0".repeat(32), "name": "n", "iconId": icon, "customerServiceId": ada.id } });
    for expected in ["ACTIVATION_CODE_INVALID", "ACTIVATION_CODE_INVALID", "RATE_LIMITED"] {
        assert_eq!(ada.refused_at_merchant("createMerchant", wrong.clone()).await, [expected]);
    }
    for n in 0..3 {
        ada.at_merchant_ok("updateMerchant", name(&merchant, [&bo, &cy][n % 2])).await;
    }
    assert_eq!(ada.refused_at_merchant("updateMerchant", name(&merchant, &cy)).await, ["RATE_LIMITED"]);
}

/// Pictures of what is no more can be deleted, and requests that expired stay that.
#[tokio::test(flavor = "multi_thread")]
async fn what_ends_lets_go_of_its_picture_and_of_old_requests() {
    let app = TestApp::start().await;
    let [ada, bo] = users(&app, ["ada", "bo"]).await;
    let (avatar, merchant) = (ada.upload_picture().await, app.merchant_of(&ada, "m").await);
    let input = json!({ "input": { "name": "g", "avatarId": avatar } });
    let group = ada.in_group_ok("createGroup", input).await["group"]["id"].clone();
    bo.in_group_ok("requestToJoinGroup", json!({ "groupId": group, "reason": "" })).await;
    app.sql().await.batch_execute("update group_join_requests set expires_at = now()").await.unwrap();
    assert_eq!(codes(&ada.delete_file(&json!(avatar)).await), ["CONFLICT"]);
    let icon = look(&ada, &merchant).await["icon"]["id"].clone();
    assert_eq!(codes(&ada.delete_file(&icon).await), ["CONFLICT"]);
    ada.in_group_ok("dissolveGroup", json!({ "groupId": group })).await;
    ada.at_merchant_ok("leaveMerchant", json!({ "merchantId": merchant })).await;
    for file in [&json!(avatar), &icon] {
        assert_eq!(codes(&ada.delete_file(file).await), [""; 0]);
    }
    let requests = "{ viewer { myJoinRequests { nodes { status repliedAt } } } }";
    let requests = bo.data(requests, json!({})).await["viewer"]["myJoinRequests"]["nodes"].clone();
    assert_eq!(requests, json!([{ "status": "EXPIRED", "repliedAt": null }]));
    assert_eq!(app.audit().await, [""; 0]);
}
