//! Members of groups: invited, removed, managing, muted, called something, and hidden.

use std::time::Duration;

use futures_util::future::join_all;
use plaza::ids::UserId;
use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::groups::{group_id, insert_group, insert_users};
use crate::harness::{Person, TestApp};

async fn befriend_all(one: &Person, others: &[&Person]) {
    for other in others {
        one.make_friends(other).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_are_invited_and_the_others_stand_in_errors() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di, ed] = app.people(["ada", "bo", "cy", "di", "ed"]).await;
    befriend_all(&ada, &[&bo, &cy, &di]).await;
    befriend_all(&bo, &[&cy]).await;
    let group = ada.make_group("g", &[&bo], json!({})).await;
    di.befriend_ok("blockUser", json!({ "userId": ada.id })).await;
    let users = json!([bo.id, cy.id, di.id, ed.id, ada.id]);
    let payload = ada.in_group("inviteToGroup", json!({ "groupId": group, "userIds": users })).await;
    assert_eq!(payload["added"][0]["user"]["username"], "cy");
    assert_eq!((payload["added"].as_array().unwrap().len(), &payload["group"]["memberCount"]), (1, &json!(3)));
    let mut errors: Vec<(String, String)> = payload["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["field"][1].as_str().unwrap().to_owned(), error["code"].as_str().unwrap().to_owned()))
        .collect();
    errors.sort();
    let expected = [("0", "ALREADY_EXISTS"), ("2", "FORBIDDEN"), ("3", "NOT_FRIENDS"), ("4", "SELF_TARGET")];
    assert_eq!(errors, expected.map(|(place, code)| (place.to_owned(), code.to_owned())));

    // Whose requests waited is let in by it.
    bo.make_friends(&ed).await;
    ed.in_group_ok("requestToJoinGroup", json!({ "groupId": group, "reason": "me too" })).await;
    bo.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [ed.id] })).await;
    let own = "{ viewer { myJoinRequests { nodes { status group { name } } } } }";
    let requests = ed.data(own, json!({})).await["viewer"]["myJoinRequests"]["nodes"].clone();
    assert_eq!(requests, json!([{ "status": "ACCEPTED", "group": { "name": "g" } }]));

    // In a closed group its owner and managers invite.
    ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": ed.id })).await;
    let close = json!({ "id": group, "input": { "settings": { "disableJoinRequests": true } } });
    ada.in_group_ok("updateGroup", close).await;
    let invite = json!({ "groupId": group, "userIds": [ed.id] });
    assert_eq!(bo.refused_in_group("inviteToGroup", invite.clone()).await, ["FORBIDDEN"]);
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": bo.id, "isManager": true })).await;
    bo.in_group_ok("inviteToGroup", invite).await;
    assert_eq!(ed.refused_in_group("inviteToGroup", json!({ "groupId": group, "userIds": [] })).await, ["FORBIDDEN"]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn rank_decides_who_removes_and_mutes() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di] = app.people(["ada", "bo", "cy", "di"]).await;
    befriend_all(&ada, &[&bo, &cy, &di]).await;
    let group = ada.make_group("g", &[&bo, &cy, &di], json!({})).await;
    for manager in [&bo, &cy] {
        let set = json!({ "groupId": group, "userId": manager.id, "isManager": true });
        for _ in 0..2 {
            assert_eq!(ada.in_group_ok("setGroupManager", set.clone()).await["member"]["role"], "MANAGER");
        }
        assert_eq!(manager.refused_in_group("setGroupManager", set).await, ["FORBIDDEN"]);
    }
    let of = |user: &Person| json!({ "groupId": group, "userId": user.id, "minutes": 10 });
    for (who, other, code) in
        [(&bo, &ada, "FORBIDDEN"), (&bo, &cy, "FORBIDDEN"), (&di, &ada, "FORBIDDEN"), (&bo, &bo, "SELF_TARGET")]
    {
        assert_eq!(who.refused_in_group("muteGroupMember", of(other)).await, [code]);
        let remove = json!({ "groupId": group, "userId": other.id });
        assert_eq!(who.refused_in_group("removeGroupMember", remove).await, [code]);
    }

    // A mute ends by itself, by 0 minutes, and not by leaving.
    for (who, other) in [(&ada, &bo), (&bo, &di)] {
        let muted = who.in_group_ok("muteGroupMember", of(other)).await["member"].clone();
        assert_eq!((&muted["isMuted"], muted["mutedUntil"].is_string()), (&json!(true), true));
        assert_eq!(other.say_in(&group, "hm").await, ["MEMBER_MUTED"]);
        assert!(!other.actions_in(&group).await.contains(&"SEND".to_owned()));
    }
    ada.in_group_ok("muteGroupMember", json!({ "groupId": group, "userId": bo.id, "minutes": 0 })).await;
    assert_eq!(bo.say_in(&group, "there").await, [""; 0]);
    di.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [di.id] })).await;
    assert_eq!(di.say_in(&group, "back").await, ["MEMBER_MUTED"], "leaving lifts nothing");
    let sent = di
        .data(
            "mutation ($i: SendMessageInput!) { sendMessage(input: $i) { message { id } userErrors { message } } }",
            json!({ "i": { "to": { "groupId": group }, "content": { "text": { "text": "?" } } } }),
        )
        .await;
    assert!(
        sent["sendMessage"]["userErrors"][0]["message"]
            .as_str()
            .unwrap()
            .starts_with("You are muted in this group until 2")
    );
    app.advance_clock(Duration::from_secs(601));
    assert_eq!(di.say_in(&group, "at last").await, [""; 0]);

    // A manager who leaves and comes back is none.
    bo.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [bo.id] })).await;
    ada.in_group_ok("updateGroup", json!({ "id": group, "input": { "settings": { "muteAll": true } } })).await;
    assert_eq!(bo.say_in(&group, "hello").await, ["MEMBER_MUTED"]);
    assert_eq!(cy.say_in(&group, "hello").await, [""; 0]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_no_more_than_twenty_managers() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await.retrying_overload();
    let sql = app.sql().await;
    let keys = insert_users(&sql, 30).await;
    let members: Vec<(i64, &str)> = keys.into_iter().map(|key| (key, "GENERAL")).collect();
    let group = group_id(insert_group(&sql, "g", ada.key(), &members).await);
    let set = |user: i64| json!({ "groupId": group, "userId": UserId(user).global(), "isManager": true });
    let made = join_all(members.iter().map(|(user, _)| ada.in_group("setGroupManager", set(*user)))).await;
    assert_eq!(made.iter().filter(|payload| payload["member"].is_object()).count(), 20);
    assert!(made.iter().filter(|payload| payload["member"].is_null()).all(|payload| codes(payload) == ["CONFLICT"]));
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn history_and_windows_follow_the_settings() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = app.people(["ada", "bo", "cy"]).await;
    befriend_all(&ada, &[&bo, &cy]).await;
    for (shown, heard) in [(false, vec!["after"]), (true, vec!["before", "after"])] {
        let group = ada.make_group("g", &[&bo], json!({ "enableHistoryForNewMembers": shown })).await;
        ada.say_in(&group, "before").await;
        ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [cy.id] })).await;
        bo.say_in(&group, "after").await;
        assert_eq!(cy.heard_in(&group).await, heard, "history {shown}");
        assert_eq!(bo.heard_in(&group).await, ["before", "after"]);
        ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": cy.id })).await;
        ada.say_in(&group, "later").await;
        assert_eq!(cy.say_in(&group, "?").await, ["NOT_MEMBER"]);
        // What came before stays to be read, by the conversation.
        let read = "{ viewer { conversations { nodes { messages(first: 9) { nodes { content { ... on TextContent { text } } } } } } } }";
        let data = cy.data(read, json!({})).await["viewer"]["conversations"]["nodes"][0]["messages"]["nodes"].clone();
        let texts: Vec<&str> =
            data.as_array().unwrap().iter().filter_map(|node| node["content"]["text"].as_str()).collect();
        assert_eq!(texts, heard);
    }
}

/// Where members are hidden, general ones see name cards, roles and pictures, and no names but their friends'.
#[tokio::test(flavor = "multi_thread")]
async fn hidden_members_stay_hidden() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di, ed] = app.people(["ada", "bo", "cy", "di", "ed"]).await;
    befriend_all(&ada, &[&bo, &cy, &di, &ed]).await;
    befriend_all(&bo, &[&cy]).await;
    let group = ada.make_group("g", &[&bo, &cy, &di], json!({ "disableViewMember": true })).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": di.id, "isManager": true })).await;
    di.in_group_ok("setGroupNameCard", json!({ "groupId": group, "nameCard": "The Card" })).await;
    let all = ["ada OWNER", "bo GENERAL", "cy GENERAL", "di MANAGER"];
    assert_eq!(ada.members_of(&group, "").await, all);
    assert_eq!(di.members_of(&group, "").await, all);
    assert_eq!(bo.members_of(&group, "").await, all, "cy is a friend");
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [ed.id] })).await;
    assert_eq!(ed.members_of(&group, "").await, ["ada OWNER", "- GENERAL", "- GENERAL", "di MANAGER", "ed GENERAL"]);
    for (person, query, found) in [
        (&ada, "b", vec!["bo GENERAL"]),
        (&ada, "card", vec!["di MANAGER"]),
        (&di, "BO", vec!["bo GENERAL"]),
        (&ed, "b", vec![]),
    ] {
        assert_eq!(person.members_of(&group, &format!(", query: {query:?}")).await, found, "{query}");
    }
    // By id neither, and strangers see nothing.
    let ids = "query ($id: ID!) { group(id: $id) { members { nodes { id } } } }";
    let members = ed.data(ids, json!({ "id": group })).await["group"]["members"]["nodes"].clone();
    let node = "query ($id: ID!) { node(id: $id) { ... on GroupMember { role user { username } } } }";
    let hidden = ed.data(node, json!({ "id": members[1]["id"] })).await;
    assert_eq!(hidden["node"], json!({ "role": "GENERAL", "user": null }));
    let stranger = app.as_user("fay").await;
    assert_eq!(stranger.data(node, json!({ "id": members[1]["id"] })).await["node"], Value::Null);

    // Who comes and goes is not told by name either.
    let cursor = ed.event_cursor().await;
    bo.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    let since = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload {
        ... on MembershipChanged { actor { username } removed { username } removedCount } } } } } }";
    crate::harness::until("it is told", || async {
        let data = ed.data(since, json!({ "after": cursor })).await;
        data["viewer"]["eventsSince"]["nodes"].as_array().is_some_and(|nodes| !nodes.is_empty())
    })
    .await;
    let data = ed.data(since, json!({ "after": cursor })).await;
    assert_eq!(
        data["viewer"]["eventsSince"]["nodes"][0]["payload"],
        json!({ "actor": null, "removed": [], "removedCount": 1 })
    );
}

/// Members who share only groups that don't allow it send each other no requests to become friends.
#[tokio::test(flavor = "multi_thread")]
async fn members_send_no_requests_where_that_is_off() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = app.people(["ada", "bo", "cy"]).await;
    befriend_all(&ada, &[&bo, &cy]).await;
    let group = ada.make_group("private", &[&bo, &cy], json!({ "disableAddMember": true })).await;
    assert_eq!(codes(&bo.ask(&cy).await), ["MEMBER_PRIVACY"]);
    let open = ada.make_group("open", &[&bo, &cy], json!({})).await;
    assert_eq!(codes(&bo.ask(&cy).await), [""; 0], "another group allows it");
    cy.befriend_ok("respondToFriendRequest", json!({ "fromUserId": bo.id, "decision": "DENY" })).await;
    ada.in_group_ok("dissolveGroup", json!({ "groupId": open })).await;
    assert_eq!(codes(&bo.ask(&cy).await), ["MEMBER_PRIVACY"]);
    cy.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    assert_eq!(codes(&bo.ask(&cy).await), [""; 0], "strangers ask");
}

/// A group of 500, 100 invitations and the end of it cost as many statements as a few.
#[tokio::test(flavor = "multi_thread")]
async fn many_members_cost_as_many_statements_as_few() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let sql = app.sql().await;
    let keys = insert_users(&sql, 620).await;
    let friends =
        "insert into relations (low_user_id, high_user_id, friends_since) select $1, unnest($2::bigint[]), now()";
    sql.execute(friends, &[&ada.key(), &keys]).await.unwrap();
    let ids: Vec<_> = keys.into_iter().map(|key| UserId(key).global()).collect();
    // Once before, so that connections know all types.
    ada.make_group("first", &[], json!({})).await;
    let mut costs = Vec::new();
    for (members, invited) in [(1, 1), (10, 10), (399, 100)] {
        let create = json!({ "input": { "name": "g", "memberIds": ids[..members] } });
        let (made, create) = app.count_statements_warm(ada.in_group_ok("createGroup", create)).await;
        let group = made["group"]["id"].clone();
        let invite = json!({ "groupId": group, "userIds": ids[members..members + invited] });
        let (added, invite) = app.count_statements_warm(ada.in_group_ok("inviteToGroup", invite)).await;
        assert_eq!(added["added"].as_array().unwrap().len(), invited);
        assert_eq!(added["group"]["memberCount"], members + invited + 1);
        let (_, dissolve) =
            app.count_statements_warm(ada.in_group_ok("dissolveGroup", json!({ "groupId": group }))).await;
        costs.push((create, invite, dissolve));
    }
    assert_eq!(costs[0], costs[1], "{costs:?}");
    assert_eq!(costs[1], costs[2], "{costs:?}");
}
