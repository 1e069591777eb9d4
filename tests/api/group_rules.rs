//! Who comes into a group, who gets it, and what stands about its members.

use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::harness::accounts::codes;
use crate::harness::files::{file_part, rgb_png};
use crate::harness::groups::group_id;

/// A friend of both does not bring a user and an owner together where one blocks the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_block_holds_against_a_friend_of_both() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di] = app.people(["ada", "bo", "cy", "di"]).await;
    for friend in [&ada, &bo, &di] {
        cy.make_friends(friend).await;
    }
    let group = bo.make_group("g", &[&cy], json!({})).await;
    ada.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
    bo.befriend_ok("blockUser", json!({ "userId": di.id })).await;
    let payload = cy.in_group("inviteToGroup", json!({ "groupId": group, "userIds": [ada.id, di.id] })).await;
    assert_eq!(codes(&payload), ["FORBIDDEN", "FORBIDDEN"]);
    assert_eq!((&payload["added"], &payload["group"]["memberCount"]), (&json!([]), &json!(2)));
    let created = bo.in_group("createGroup", json!({ "input": { "name": "h", "memberIds": [ada.id] } })).await;
    assert_eq!(codes(&created), ["NOT_FRIENDS"]);
    // The owner's own friends are not asked about.
    bo.befriend_ok("unblockUser", json!({ "userId": di.id })).await;
    assert_eq!(
        cy.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [di.id] })).await["group"]["memberCount"],
        3
    );
    assert_eq!(app.audit().await, [""; 0]);
}

/// A member who is muted and gets the group is muted no longer: no other member ranks above an owner.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_not_muted() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = app.people(["ada", "bo", "cy"]).await;
    for friend in [&bo, &cy] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("g", &[&bo, &cy], json!({})).await;
    for member in [&bo, &cy] {
        ada.in_group_ok("muteGroupMember", json!({ "groupId": group, "userId": member.id, "minutes": 100 })).await;
        assert_eq!(member.say_in(&group, "hm").await, ["MEMBER_MUTED"]);
    }
    ada.in_group_ok("transferGroup", json!({ "groupId": group, "toUserId": bo.id })).await;
    assert_eq!(bo.say_in(&group, "there").await, [""; 0]);
    // The former owner is a general member, who can be muted.
    bo.in_group_ok("muteGroupMember", json!({ "groupId": group, "userId": ada.id, "minutes": 100 })).await;
    let leave = "mutation ($id: ID!) { deleteUser(id: $id) { userErrors { code } } }";
    bo.data(leave, json!({ "id": bo.id })).await;
    assert_eq!(ada.members_of(&group, "").await, ["ada OWNER", "cy GENERAL"]);
    assert_eq!(ada.say_in(&group, "mine again").await, [""; 0]);
    assert_eq!(app.audit().await, [""; 0]);
}

/// A group whose owner leaves goes to a member who can run it.
#[tokio::test(flavor = "multi_thread")]
async fn an_heir_is_not_suspended_if_there_is_another() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di] = app.people(["ada", "bo", "cy", "di"]).await;
    for friend in [&bo, &cy, &di] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("g", &[&bo, &cy, &di], json!({})).await;
    let alone = ada.make_group("alone", &[&bo], json!({})).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": bo.id, "isManager": true })).await;
    let suspend = format!("update users set suspended_at = now() where id in ({}, {})", bo.key(), cy.key());
    app.sql().await.batch_execute(&suspend).await.unwrap();
    let leave = "mutation ($id: ID!) { deleteUser(id: $id) { deletedId userErrors { code } } }";
    assert_eq!(ada.data(leave, json!({ "id": ada.id })).await["deleteUser"]["userErrors"], json!([]));
    assert_eq!(di.members_of(&group, "").await, ["bo MANAGER", "cy GENERAL", "di OWNER"]);
    let owner = "query ($id: ID!) { group(id: $id) { owner { username } } }";
    assert_eq!(di.data(owner, json!({ "id": alone })).await["group"]["owner"]["username"], "bo", "the only one");
    assert_eq!(app.audit().await, [""; 0]);
}

/// A manager who changes the name may send the picture along that the owner gave.
#[tokio::test(flavor = "multi_thread")]
async fn the_picture_of_a_group_can_be_kept() {
    let app = TestApp::start().await;
    let [ada, bo] = app.people(["ada", "bo"]).await;
    ada.make_friends(&bo).await;
    let mut pictures = Vec::new();
    for side in [9, 10] {
        pictures.push(ada.upload_media(file_part("a.png", rgb_png(side, 9))).await["id"].clone());
    }
    let group = ada.make_group("g", &[&bo], json!({})).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": bo.id, "isManager": true })).await;
    ada.in_group_ok("updateGroup", json!({ "id": group, "input": { "avatarId": pictures[0] } })).await;
    let change = |picture: &Value| json!({ "id": group, "input": { "name": "h", "avatarId": picture } });
    assert_eq!(bo.in_group_ok("updateGroup", change(&pictures[0])).await["group"]["name"], "h");
    assert_eq!(bo.refused_in_group("updateGroup", change(&pictures[1])).await, ["NOT_FOUND"]);
}

/// A name card is read as a name is, and is as little of what can't be seen or is taken for another one.
#[tokio::test(flavor = "multi_thread")]
async fn name_cards_are_names() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let group = ada.make_group("g", &[], json!({})).await;
    let card = |card: &str| json!({ "groupId": group, "nameCard": card });
    for unusable in ["\u{200b}", "\u{3164}", "Ada\u{e0061}", "Ad\u{430}", "a\u{202e}b", "a\u{0}"] {
        assert_eq!(ada.refused_in_group("setGroupNameCard", card(unusable)).await, ["INVALID_INPUT"], "{unusable:?}");
    }
    for (given, stored) in [(" Ada 女士 ", "Ada 女士"), ("e\u{301}", "é"), ("😀", "😀"), ("", "")] {
        let member = ada.in_group_ok("setGroupNameCard", card(given)).await["member"].clone();
        assert_eq!(member["nameCard"], stored);
    }
    let long = "x".repeat(101);
    for (query, reason) in [("a\u{0}", "control characters"), (long.as_str(), "100 characters")] {
        for list in [
            "query ($id: ID!, $query: String!) { group(id: $id) { members(query: $query) { nodes { id } } } }",
            "query ($id: ID!, $query: String!) { node(id: $id) { id } viewer { friends(filter: { query: $query }) { nodes { id } } } }",
        ] {
            let answer = ada.run(list, json!({ "id": group, "query": query })).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT");
            assert!(answer.body["errors"][0]["message"].as_str().unwrap().contains(reason), "{}", answer.body);
        }
    }
}

/// An attempt that is refused for the sake of members counts: who is in a group is not tried out.
#[tokio::test(flavor = "multi_thread")]
async fn requests_that_members_are_spared_count() {
    let app = TestApp::with(&[("PLAZA_LIMIT_FRIEND_REQUESTS", "2")]).await;
    let [ada, bo, cy, di] = app.people(["ada", "bo", "cy", "di"]).await;
    for friend in [&bo, &cy] {
        friend.make_friends(&ada).await;
    }
    ada.make_group("private", &[&bo, &cy], json!({ "disableAddMember": true })).await;
    // The request to ada was the first one.
    assert_eq!(codes(&bo.ask(&cy).await), ["MEMBER_PRIVACY"]);
    assert_eq!(codes(&bo.ask(&cy).await), ["RATE_LIMITED"]);
    assert_eq!(codes(&bo.ask(&di).await), ["RATE_LIMITED"]);
    assert_eq!(app.audit().await, [""; 0]);
}

/// The number of a direct conversation is none of a group whose messages could be read.
#[tokio::test(flavor = "multi_thread")]
async fn a_direct_conversation_is_no_group_to_be_read() {
    let app = TestApp::start().await;
    let [ada, bo] = app.people(["ada", "bo"]).await;
    ada.send_message(&bo, "hello").await;
    let direct = group_id(app.query_number("select id from conversations").await);
    let read = "mutation ($to: MessageTarget!) { markConversationRead(to: $to) { userErrors { code field } } }";
    let marked = ada.data(read, json!({ "to": { "groupId": direct } })).await["markConversationRead"].clone();
    assert_eq!(marked["userErrors"], json!([{ "code": "NOT_FOUND", "field": ["to", "groupId"] }]));
    assert_eq!(app.query_number("select count(*) from messages").await, 1);
}
