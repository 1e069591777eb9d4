//! Friends by name, and the groups in which they are sorted.

use serde_json::json;

use crate::harness::TestApp;
use crate::harness::accounts::codes;

#[tokio::test(flavor = "multi_thread")]
async fn friends_are_listed_by_name_and_found() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let mut friends = Vec::new();
    for (username, nickname) in
        [("ua", "张伟"), ("ub", "bob"), ("uc", "艾米"), ("ud", "陈静"), ("ue", "Zoë"), ("uf", "李娜")]
    {
        let friend = app.as_user(username).await;
        let update = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }";
        friend.data(update, json!({ "input": { "nickname": nickname } })).await;
        ada.make_friends(&friend).await;
        friends.push(friend);
    }
    assert_eq!(ada.friends(json!(null)).await, ["uc", "ub", "ud", "uf", "ua", "ue"], "ai bob chen li zhang zoe");
    for (query, found) in [
        ("张", vec!["ua"]),
        ("ZHANG", vec!["ua"]),
        ("o", vec!["ub", "ue"]),
        ("章", vec![]),
        ("Zoë", vec!["ue"]),
        (" ", vec!["uc", "ub", "ud", "uf", "ua", "ue"]),
    ] {
        assert_eq!(ada.friends(json!({ "query": query })).await, found, "{query}");
    }

    // A remark sorts and finds; without one the nickname does, whatever it becomes.
    let remark = json!({ "userId": friends[1].id, "remark": " 王老板 " });
    let payload = ada.befriend_ok("setFriendRemark", remark).await;
    assert_eq!(payload["friendship"]["remark"], "王老板");
    let update = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }";
    for (friend, nickname) in [(&friends[1], "aaa"), (&friends[4], "aab")] {
        friend.data(update, json!({ "input": { "nickname": nickname } })).await;
    }
    assert_eq!(ada.friends(json!(null)).await, ["ue", "uc", "ud", "uf", "ub", "ua"], "aab ai chen li wang zhang");
    assert_eq!(ada.friends(json!({ "query": "aaa" })).await, ["ub"], "by the nickname as well");
    ada.befriend_ok("setFriendRemark", json!({ "userId": friends[1].id, "remark": "" })).await;
    assert_eq!(ada.friends(json!(null)).await[0], "ub");

    ada.befriend_ok("setFriendLabels", json!({ "userId": friends[0].id, "labels": ["客户", " 老板"] })).await;
    ada.befriend_ok("setFriendLabels", json!({ "userId": friends[2].id, "labels": ["客户"] })).await;
    assert_eq!(ada.friends(json!({ "label": "客户" })).await, ["uc", "ua"]);
    assert_eq!(ada.friends(json!({ "label": "老板", "query": "张" })).await, ["ua"]);
    assert_eq!(ada.friends(json!({ "label": "客" })).await, [""; 0]);

    // Pages, both ways.
    let page = "query ($first: Int, $after: String, $last: Int, $before: String) { viewer { friends(first: $first, after: $after, last: $last, before: $before) {
        nodes { user { username } } pageInfo { hasNextPage endCursor startCursor } } } }";
    let mut seen = Vec::new();
    let mut after = json!(null);
    loop {
        let friends = ada.data(page, json!({ "first": 2, "after": after })).await["viewer"]["friends"].clone();
        seen.extend(
            friends["nodes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|node| node["user"]["username"].as_str().unwrap().to_owned()),
        );
        if friends["pageInfo"]["hasNextPage"] == false {
            let before = json!({ "last": 2, "before": friends["pageInfo"]["startCursor"] });
            let earlier = ada.data(page, before).await["viewer"]["friends"]["nodes"].clone();
            assert_eq!(earlier[0]["user"]["username"], seen[2].as_str());
            break;
        }
        after = friends["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, ada.friends(json!(null)).await);

    // What is noted is the owner's alone.
    let noted = friends[0]
        .data("query ($id: ID!) { viewer { friend(userId: $id) { remark labels } } }", json!({ "id": ada.id }))
        .await;
    assert_eq!(noted["viewer"]["friend"], json!({ "remark": "", "labels": [] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_are_sorted_into_groups() {
    let app = TestApp::start().await;
    let (ada, bo, cy, stranger) =
        (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await, app.as_user("dee").await);
    ada.make_friends(&bo).await;
    ada.make_friends(&cy).await;
    let group = ada.befriend_ok("createFriendGroup", json!({ "name": "同学", "memberIds": [bo.id, bo.id] })).await["friendGroup"].clone();
    let id = group["id"].clone();
    assert_eq!(ada.friends(json!({ "friendGroupId": id })).await, ["bo"]);
    assert_eq!(ada.refused("createFriendGroup", json!({ "name": "同学" })).await, ["CONFLICT"]);
    let other = ada.befriend_ok("createFriendGroup", json!({ "name": "邻居", "memberIds": [bo.id, cy.id] })).await["friendGroup"].clone();
    assert_eq!(ada.refused("renameFriendGroup", json!({ "id": other["id"], "name": "同学" })).await, ["CONFLICT"]);
    assert_eq!(
        ada.befriend_ok("renameFriendGroup", json!({ "id": other["id"], "name": "邻里" })).await["friendGroup"]["name"],
        "邻里"
    );

    // All or none, and each at fault is named.
    let mixed = json!({ "id": id, "memberIds": [cy.id, stranger.id, ada.id] });
    let refused = ada.befriend("addFriendGroupMembers", mixed).await;
    assert_eq!(codes(&refused), ["NOT_FRIENDS", "NOT_FRIENDS"]);
    assert_eq!(refused["userErrors"][0]["field"], json!(["memberIds", "1"]));
    assert_eq!(ada.friends(json!({ "friendGroupId": id })).await, ["bo"]);
    for _ in 0..2 {
        ada.befriend_ok("addFriendGroupMembers", json!({ "id": id, "memberIds": [cy.id] })).await;
        assert_eq!(ada.friends(json!({ "friendGroupId": id })).await, ["bo", "cy"]);
    }
    let list = "{ viewer { friendGroups { name friends(first: 5) { nodes { user { username } groups { name } } totalCount } } } }";
    let groups = ada.data(list, json!({})).await["viewer"]["friendGroups"].clone();
    assert_eq!(
        groups[0]["friends"]["nodes"][0],
        json!({ "user": { "username": "bo" }, "groups": [{ "name": "同学" }, { "name": "邻里" }] })
    );
    assert_eq!(groups[1]["friends"]["totalCount"], 2);
    for _ in 0..2 {
        ada.befriend_ok("removeFriendGroupMembers", json!({ "id": id, "memberIds": [bo.id, stranger.id] })).await;
        assert_eq!(ada.friends(json!({ "friendGroupId": id })).await, ["cy"]);
    }

    // Nobody else's, by any way.
    let by_id = "query ($id: ID!) { node(id: $id) { id } viewer { friendGroup(id: $id) { name } } }";
    assert_eq!(ada.data(by_id, json!({ "id": id })).await["viewer"]["friendGroup"]["name"], "同学");
    assert_eq!(cy.data(by_id, json!({ "id": id })).await, json!({ "node": null, "viewer": { "friendGroup": null } }));
    for field in ["addFriendGroupMembers", "removeFriendGroupMembers"] {
        assert_eq!(cy.refused(field, json!({ "id": id, "memberIds": [ada.id] })).await, ["NOT_FOUND"], "{field}");
    }
    assert_eq!(cy.refused("renameFriendGroup", json!({ "id": id, "name": "x" })).await, ["NOT_FOUND"]);
    assert_eq!(cy.refused("deleteFriendGroup", json!({ "id": id })).await, ["NOT_FOUND"]);
    assert_eq!(cy.friends(json!({ "friendGroupId": id })).await, [""; 0]);

    // A friendship that ends leaves the groups; a group that is deleted leaves the friends.
    ada.befriend_ok("removeFriend", json!({ "userId": cy.id })).await;
    assert_eq!(ada.friends(json!({ "friendGroupId": id })).await, [""; 0]);
    assert_eq!(ada.befriend_ok("deleteFriendGroup", json!({ "id": id })).await["deletedId"], id);
    assert_eq!(ada.refused("deleteFriendGroup", json!({ "id": id })).await, ["NOT_FOUND"]);
    assert_eq!(ada.friends(json!(null)).await, ["bo"]);
    assert_eq!(app.audit().await, [""; 0]);
}

/// Groups lead to friends and friends to groups: each turn multiplies the answer, and runs as many statements.
#[tokio::test(flavor = "multi_thread")]
async fn groups_of_friends_of_groups_are_too_expensive() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let page = "viewer { friendGroups { name friends(first: 20) { nodes { remark user { nickname } } } } }";
    ada.data(&format!("{{ {page} }}"), json!({})).await;
    ada.data("{ viewer { friends(first: 100) { nodes { remark labels groups { name } } } } }", json!({})).await;
    for nested in [
        "friendGroups { friends(first: 1) { nodes { groups { friends(first: 1) { nodes { id } } } } } }",
        "friendGroups { friends(first: 1) { totalCount nodes { groups { friends(first: 1) { nodes { groups { name } } } } } } }",
        "friends(first: 100) { nodes { user { commonGroups(first: 100) { nodes { members(first: 1) { totalCount } } } } } }",
    ] {
        let answer = ada.run(&format!("{{ viewer {{ {nested} }} }}"), json!({})).await;
        assert_eq!(answer.code(), "QUERY_TOO_EXPENSIVE", "{nested}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_found_however_they_are_typed() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let update = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { userErrors { code } } }";
    for (username, nickname) in [("zw", "张伟"), ("od", "ΟΔΟΣ"), ("bl", "Bob Lee")] {
        let friend = app.as_user(username).await;
        friend.data(update, json!({ "input": { "nickname": nickname } })).await;
        ada.make_friends(&friend).await;
    }
    for (query, found) in [
        ("zhang wei", vec!["zw"]),
        ("张wei", vec!["zw"]),
        ("ΟΔΟΣ", vec!["od"]),
        ("οδος", vec!["od"]),
        ("boblee", vec!["bl"]),
        ("\u{301}", vec![]),
    ] {
        assert_eq!(ada.friends(json!({ "query": query })).await, found, "{query}");
    }
}
