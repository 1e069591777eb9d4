//! Messages that tell of a group's members: who joined and left, who runs it.

use plaza::ids::UserId;
use serde_json::{Value, json};

use crate::harness::groups::insert_users;
use crate::harness::{Person, TestApp};
use crate::large_groups::sign_in;
use crate::removal::conversation_of;

const NOTE: &str = "seq type sender { username } content { __typename ... on TextContent { text }
    ... on SystemContent { change count actor { username } users { username } } }";

impl Person {
    /// What a group's conversation tells them: "actor CHANGE count: users", and what was said.
    async fn notes_in(&self, group: &Value) -> Vec<String> {
        let document =
            format!("query ($id: ID!) {{ conversation(id: $id) {{ messages(first: 100) {{ nodes {{ {NOTE} }} }} }} }}");
        let data = self.data(&document, json!({ "id": conversation_of(group) })).await;
        data["conversation"]["messages"]["nodes"].as_array().unwrap().iter().map(note).collect()
    }
}

fn note(message: &Value) -> String {
    let content = &message["content"];
    if let Some(text) = content["text"].as_str() {
        return format!("{}: {text}", message["sender"]["username"].as_str().unwrap());
    }
    assert_eq!((&message["type"], &message["sender"]), (&json!("SYSTEM"), &Value::Null));
    let users = content["users"].as_array().unwrap();
    let users: Vec<&str> = users.iter().map(|user| user["username"].as_str().unwrap()).collect();
    let actor = content["actor"]["username"].as_str().unwrap_or("-");
    format!("{actor} {} {}: {}", content["change"].as_str().unwrap(), content["count"], users.join(", "))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_tells_of_its_members() {
    let app = TestApp::start().await;
    let [ada, bo, lan, mei] = &app.people(["ada", "bo", "lan", "mei"]).await;
    for friend in [bo, lan, mei] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("riders", &[bo], json!({ "enableHistoryForNewMembers": true })).await;
    let mut socket = bo.socket().await;
    socket
        .subscribe_live(&app, &format!("subscription {{ messageReceived {{ message {{ {NOTE} }} }} }}"), json!({}))
        .await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [lan.id, mei.id] })).await;
    bo.tell_group(&group, "welcome").await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": lan.id, "isManager": true })).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": lan.id, "isManager": true })).await;
    lan.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": mei.id })).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": lan.id, "isManager": false })).await;
    ada.in_group_ok("transferGroup", json!({ "groupId": group, "toUserId": bo.id })).await;
    let until_then = [
        "ada JOINED 2: lan, mei",
        "bo: welcome",
        "ada BECAME_MANAGER 1: lan",
        "lan REMOVED 1: mei",
        "ada NO_LONGER_MANAGER 1: lan",
        "ada BECAME_OWNER 1: bo",
    ];
    assert_eq!(bo.notes_in(&group).await, until_then);
    assert_eq!(mei.notes_in(&group).await, until_then[..3], "those who are removed don't see what tells of it");
    lan.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    assert_eq!(lan.notes_in(&group).await, until_then);
    let all = [&until_then[..], &["lan LEFT 1: lan"]].concat();
    assert_eq!(ada.notes_in(&group).await, all);
    for expected in all {
        assert_eq!(note(&socket.next().await["messageReceived"]["message"]), expected);
    }
    // They are nobody's: neither taken back, nor deleted for everyone, forwarded or found by sender.
    let last = "query ($id: ID!, $sender: ID!) { conversation(id: $id) { unreadCount lastMessage { id }
        messages(filter: { senderId: $sender }) { totalCount } types: messages(filter: { types: [SYSTEM] }) { totalCount } } }";
    let seen = ada.data(last, json!({ "id": conversation_of(&group), "sender": ada.id })).await["conversation"].clone();
    assert_eq!((&seen["messages"]["totalCount"], &seen["types"]["totalCount"]), (&json!(0), &json!(6)));
    let id = &seen["lastMessage"]["id"];
    for call in
        ["revokeMessage(id: $id)", "deleteMessage(id: $id, scope: FOR_EVERYONE)", "editMessage(id: $id, text: \"x\")"]
    {
        assert_eq!(bo.refused_on_message(call, id).await, ["FORBIDDEN"], "{call}");
    }
    let forward =
        "mutation ($id: ID!, $to: ID!) { forwardMessage(id: $id, to: { userId: $to }) { userErrors { code } } }";
    assert_eq!(
        ada.data(forward, json!({ "id": id, "to": bo.id })).await["forwardMessage"]["userErrors"][0]["code"],
        "FORBIDDEN"
    );
    assert_eq!(ada.on_message("deleteMessage(id: $id)", id).await["userErrors"], json!([]));
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_members_are_told_of_themselves_alone() {
    let app = TestApp::start().await;
    let [ada, bo, lan, mei] = &app.people(["ada", "bo", "lan", "mei"]).await;
    for friend in [bo, lan, mei] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("riders", &[bo], json!({ "disableViewMember": true })).await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [lan.id, mei.id] })).await;
    mei.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    assert_eq!(bo.notes_in(&group).await, ["- JOINED 2: ", "- LEFT 1: "]);
    assert_eq!(lan.notes_in(&group).await, ["- JOINED 2: lan", "- LEFT 1: "]);
    // Also behind the first twenty.
    let sql = app.sql().await;
    let many = insert_users(&sql, 30).await;
    let friends =
        "insert into relations (low_user_id, high_user_id, friends_since) select $1, unnest($2::bigint[]), now()";
    sql.execute(friends, &[&ada.key(), &many]).await.unwrap();
    let last = sign_in(&app, &sql, &many[29..]).await.remove(0);
    let invited: Vec<_> = many.iter().map(|user| UserId(*user).global()).collect();
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": invited })).await;
    assert_eq!(last.notes_in(&group).await, ["- JOINED 30: member30"]);
    // Also when members are shown later.
    ada.in_group_ok("updateGroup", json!({ "id": group, "input": { "settings": { "disableViewMember": false } } }))
        .await;
    assert_eq!(bo.notes_in(&group).await, ["- JOINED 2: ", "- LEFT 1: ", "- JOINED 30: "]);
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [mei.id] })).await;
    assert_eq!(bo.notes_in(&group).await[3], "ada JOINED 1: mei");
}

/// Who removes a member has not read what was said meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn acting_marks_nothing_as_read() {
    let app = TestApp::start().await;
    let [ada, bo] = &app.people(["ada", "bo"]).await;
    ada.make_friends(bo).await;
    let group = ada.make_group("riders", &[bo], json!({})).await;
    let conversation = conversation_of(&group);
    bo.tell_group(&group, "hello").await;
    let set = async |is_manager: bool| {
        ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": bo.id, "isManager": is_manager })).await
    };
    set(true).await;
    assert_eq!((ada.waiting(&conversation).await, bo.waiting(&conversation).await), ([2, 0], [1, 0]));
    let read = "mutation ($to: MessageTarget!) { markConversationRead(to: $to) { userErrors { code } } }";
    ada.data(read, json!({ "to": { "groupId": group } })).await;
    set(false).await;
    assert_eq!((ada.waiting(&conversation).await, bo.waiting(&conversation).await), ([0, 0], [2, 0]));
    assert_eq!(app.audit().await, [""; 0]);
}
