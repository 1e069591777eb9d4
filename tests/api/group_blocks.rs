//! Blocks inside groups and merchants: who is blocked reaches nobody by another way in.

use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::{Person, TestApp, until};

const EVENTS: &str = "subscription { events { payload { __typename } } }";

async fn users(app: &TestApp) -> [Person; 3] {
    [app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await]
}

/// Ada blocks Bo, who tries all that leads to her through groups and merchants; Cy is a friend of both.
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_user_reaches_nobody_through_groups_and_merchants() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = users(&app).await;
    for (person, other) in [(&ada, &bo), (&ada, &cy), (&bo, &cy)] {
        person.make_friends(other).await;
    }
    let own = bo.make_group("Bo's", &[&cy], json!({})).await;
    let (merchant, bought) = (app.merchant_of(&bo, "shop").await, app.merchant_of(&ada, "store").await);
    let group = ada.make_merchant_group(&bought, "customers").await;
    bo.join_merchant(&bought).await;
    ada.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
    until("all is moved", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    let mut at_ada = ada.socket().await;
    at_ada.subscribe_live(&app, EVENTS, json!({})).await;
    let before = "select count(*) from group_members where user_id = (select id from users where username = 'ada')";
    let (groups, members) = (app.query_number("select count(*) from groups").await, app.query_number(before).await);

    // Bo can't pull her in, alone or among others, and learns what any refusal tells.
    let invite = |users: Value| json!({ "groupId": own, "userIds": users });
    let create = |members: Value| json!({ "input": { "name": "hello Ada", "memberIds": members } });
    for (field, variables) in [
        ("inviteToGroup", invite(json!([ada.id]))),
        ("createGroup", create(json!([ada.id]))),
        ("createGroup", create(json!([cy.id, ada.id]))),
    ] {
        assert_eq!(bo.refused_in_group(field, variables.clone()).await, ["FORBIDDEN"], "{field} {variables}");
    }
    // Nor make her answer for his merchant, now or later.
    let name = json!({ "id": merchant, "input": { "customerServiceId": ada.id } });
    assert_eq!(bo.refused_at_merchant("updateMerchant", name).await, ["FORBIDDEN"]);
    let give = json!({ "merchantId": merchant, "toUserId": ada.id });
    assert_eq!(bo.refused_at_merchant("transferMerchant", give).await, ["NOT_MEMBER"]);
    let give = json!({ "groupId": own, "toUserId": ada.id });
    assert_eq!(bo.refused_in_group("transferGroup", give).await, ["NOT_MEMBER"]);
    // As a member of her merchant he asks her groups as any stranger does.
    let ask = json!({ "groupId": group, "reason": "" });
    assert_eq!(bo.in_group_ok("requestToJoinGroup", ask).await["member"], Value::Null);
    // Nor does she pull him in, or name him, without noticing that she blocks him.
    let shared = ada.make_group("Ada's", &[&cy], json!({})).await;
    let invite = json!({ "groupId": shared, "userIds": [bo.id] });
    assert_eq!(ada.refused_in_group("inviteToGroup", invite).await, ["NOT_FRIENDS"]);
    let name = json!({ "id": bought, "input": { "customerServiceId": bo.id } });
    assert_eq!(ada.refused_at_merchant("updateMerchant", name).await, ["FORBIDDEN"]);

    // In a group that both are in, by a third, neither becomes a way to write to the other alone.
    let both = cy.make_group("Cy's", &[&bo], json!({})).await;
    cy.in_group_ok("inviteToGroup", json!({ "groupId": both, "userIds": [ada.id] })).await;
    let document = "query ($id: ID!) { group(id: $id) { members(first: 10) { nodes { user { id username } } } } }";
    let seen = bo.data(document, json!({ "id": both })).await["group"]["members"]["nodes"].clone();
    let id =
        seen.as_array().unwrap().iter().find(|node| node["user"]["username"] == "ada").unwrap()["user"]["id"].clone();
    let send = json!({ "input": { "to": { "userId": id }, "content": { "text": { "text": "psst" } } } });
    assert_eq!(codes(&bo.data(crate::harness::SEND, send).await["sendMessage"]), ["FORBIDDEN"]);
    assert_eq!(codes(&bo.ask(&ada).await), ["ALREADY_FRIENDS"], "as he sees it");
    assert_eq!(
        bo.refused_in_group("muteGroupMember", json!({ "groupId": both, "userId": ada.id, "minutes": 5 })).await,
        ["FORBIDDEN"]
    );

    assert_eq!(app.query_number("select count(*) from groups").await, groups + 2, "hers and Cy's");
    assert_eq!(app.query_number(before).await, members + 2);
    // She has heard of the request to join her group, and of both new groups.
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(at_ada.next().await["events"]["payload"]["__typename"].clone());
    }
    heard.sort_by_key(ToString::to_string);
    assert_eq!(heard, ["GroupJoinRequestCreated", "MembershipChanged", "MembershipChanged"]);
}
