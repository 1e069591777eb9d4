//! Messages that are revoked or deleted: for how long, by which users, and that nothing of them is left.

use serde_json::{Value, json};

use crate::contents::send_content;
use crate::harness::accounts::codes;
use crate::harness::files::{file_part, rgb_png};
use crate::harness::{Person, TestApp, until};

const MESSAGE: &str = "id seq status revokedAt mentionsAll mentions { username } reactions { emoji }
    content { __typename ... on TextContent { text } }";

/// Changes of messages, as `messageChanged` and `events` tell them.
const CHANGED: &str = "subscription ($id: ID, $after: String) { messageChanged(conversationId: $id, after: $after) { cursor payload {
    __typename ... on MessageUpdated { message { seq } } ... on MessageRevoked { message { seq status content { __typename } } by { username } }
    ... on MessageDeleted { messageId seq forEveryone conversation { id } }
    ... on ReactionsChanged { message { seq reactions { emoji count viewerReacted } } } } } }";

impl Person {
    /// Runs a mutation of a message, such as `revokeMessage(id: $id)`; its payload.
    pub async fn on_message(&self, call: &str, id: &Value) -> Value {
        let shown =
            if call.starts_with("delete") { "deletedId".to_owned() } else { format!("message {{ {MESSAGE} }}") };
        let document = format!("mutation ($id: ID!) {{ {call} {{ {shown} userErrors {{ code field }} }} }}");
        let data = self.data(&document, json!({ "id": id })).await;
        data.as_object().unwrap().values().next().unwrap().clone()
    }

    /// The codes with which a mutation of a message is refused.
    pub async fn refused_on_message(&self, call: &str, id: &Value) -> Vec<String> {
        codes(&self.on_message(call, id).await).into_iter().map(Into::into).collect()
    }

    /// A message as they see it; null where they don't.
    pub async fn see(&self, id: &Value) -> Value {
        self.data(&format!("query ($id: ID!) {{ message(id: $id) {{ {MESSAGE} }} }}"), json!({ "id": id })).await["message"].clone()
    }

    /// What they see of a conversation: the texts, or what became of them.
    pub async fn texts_in(&self, conversation: &Value) -> Vec<String> {
        let document = "query ($id: ID!) { conversation(id: $id) { messages(first: 100) { totalCount nodes {
            type status content { ... on TextContent { text } } } } } }";
        let page = self.data(document, json!({ "id": conversation })).await["conversation"]["messages"].clone();
        let nodes = page["nodes"].as_array().unwrap();
        assert_eq!(page["totalCount"], nodes.len());
        let shown = |node: &Value| node["content"]["text"].as_str().or(node["status"].as_str()).unwrap().to_owned();
        // Beside them are messages that tell of members.
        nodes.iter().filter(|node| node["type"] != "SYSTEM").map(shown).collect()
    }

    /// Says something in a group; the message's id.
    pub async fn tell_group(&self, group: &Value, text: &str) -> Value {
        self.tell(&json!({ "groupId": group }), text, json!({})).await
    }

    /// Says something, with more of the input; the message's id.
    pub async fn tell(&self, to: &Value, text: &str, more: Value) -> Value {
        let payload = send_content(self, to, &json!({ "text": { "text": text } }), more).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
        payload["message"]["id"].clone()
    }
}

/// Makes a message as old as this.
async fn age(app: &TestApp, interval: &str) {
    app.sql()
        .await
        .batch_execute(&format!("update messages set created_at = created_at - interval '{interval}'"))
        .await
        .unwrap();
}

const REVOKE: &str = "revokeMessage(id: $id)";
const DELETE: &str = "deleteMessage(id: $id)";
const DELETE_FOR_ALL: &str = "deleteMessage(id: $id, scope: FOR_EVERYONE)";

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_taken_back_and_nothing_of_it_is_left() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.make_friends(&bo).await;
    let group = ada.make_group("riders", &[&bo], json!({})).await;
    let to = json!({ "groupId": group });
    let start = bo.event_cursor().await;
    let more = json!({ "mentionUserIds": [bo.id], "mentionAll": true });
    let secret = ada.tell(&to, "a secret of mine", more).await;
    assert_eq!(bo.on_message("addReaction(messageId: $id, emoji: \"👍\")", &secret).await["userErrors"], json!([]));
    let file = ada.upload_media(file_part("cat.png", rgb_png(64, 40))).await["id"].clone();
    let picture =
        send_content(&ada, &to, &json!({ "picture": { "mediaId": file } }), json!({})).await["message"]["id"].clone();
    let mut socket = bo.socket().await;
    socket.subscribe(CHANGED, json!({ "after": start })).await;
    assert_eq!(socket.next().await["messageChanged"]["payload"]["message"]["reactions"][0]["count"], 1);

    for (place, message) in [&secret, &picture].into_iter().enumerate() {
        let revoked = ada.on_message(REVOKE, message).await;
        assert_eq!(revoked["userErrors"], json!([]));
        let gone = json!({ "id": message, "seq": place + 1, "status": "REVOKED", "revokedAt": revoked["message"]["revokedAt"],
            "mentionsAll": false, "mentions": [], "reactions": [], "content": null });
        assert!(gone["revokedAt"].is_string());
        assert_eq!(revoked["message"], gone);
        assert_eq!(bo.see(message).await, gone);
        let told = socket.next().await["messageChanged"]["payload"].clone();
        assert_eq!(told["message"], json!({ "seq": place + 1, "status": "REVOKED", "content": null }));
        assert_eq!(told["by"]["username"], "ada");
        assert_eq!(ada.refused_on_message(REVOKE, message).await, ["CONFLICT"]);
    }
    assert_eq!(bo.texts_in(&conversation_of(&group)).await, ["REVOKED", "REVOKED"]);
    // The file is its owner's, and in no message any more.
    let delete = "mutation ($id: ID!) { deleteFile(id: $id) { deletedId userErrors { code } } }";
    assert_eq!(ada.data(delete, json!({ "id": file })).await["deleteFile"]["deletedId"], file);
    // Neither in memory nor in any table, for an instance that follows and for one that begins now.
    let receive = "subscription ($after: String) { messageReceived(after: $after) { message { seq content { __typename } mentionsAll } } }";
    for address in [app.address, app.another_instance().await.address] {
        let mut socket = bo.on_instance(address).socket().await;
        socket.subscribe(receive, json!({ "after": start })).await;
        for seq in [1, 2] {
            let message = socket.next().await["messageReceived"]["message"].clone();
            assert_eq!(message, json!({ "seq": seq, "content": null, "mentionsAll": false }));
        }
    }
    let left = "select (select count(*) from reactions) + (select count(*) from message_mentions)
        + (select count(*) from messages where messages::text like '%secret of mine%')
        + (select count(*) from events where events::text like '%secret of mine%')";
    assert_eq!(app.query_number(left).await, 0);
    assert_eq!(app.audit().await, [""; 0]);
}

/// The conversation of a group.
pub fn conversation_of(group: &Value) -> Value {
    let id = plaza::ids::GroupId::parse(group.as_str().unwrap()).unwrap();
    json!(id.conversation().global())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_taken_back_by_their_senders_in_time_and_by_those_who_run_a_group() {
    let app = TestApp::start().await;
    let [ada, bo, lan, mei, eve] = &app.people(["ada", "bo", "lan", "mei", "eve"]).await;
    for friend in [bo, lan, mei] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("riders", &[bo, lan, mei], json!({})).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": lan.id, "isManager": true })).await;
    let said = bo.tell_group(&group, "hello").await;
    let late = bo.tell_group(&group, "late").await;
    let owned = ada.tell_group(&group, "from the owner").await;
    let left = mei.tell_group(&group, "and gone").await;
    mei.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    assert_eq!(mei.refused_on_message(REVOKE, &left).await, ["NOT_MEMBER"]);
    assert_eq!(eve.refused_on_message(REVOKE, &said).await, ["NOT_FOUND"]);
    assert_eq!(bo.refused_on_message(REVOKE, &owned).await, ["FORBIDDEN"]);
    assert_eq!(bo.refused_on_message(REVOKE, &json!("nothing")).await, ["NOT_FOUND"]);
    assert_eq!(bo.on_message(REVOKE, &said).await["message"]["status"], "REVOKED");
    age(&app, "2 minutes 1 second").await;
    assert_eq!(bo.refused_on_message(REVOKE, &late).await, ["REVOKE_WINDOW_PASSED"]);
    for (person, message) in [(lan, &late), (lan, &owned), (ada, &left)] {
        assert_eq!(person.on_message(REVOKE, message).await["message"]["status"], "REVOKED");
    }
    // In a direct conversation it is the sender alone, also while one of the two blocks the other.
    let direct = bo.send_message(ada, "hi").await["id"].clone();
    assert_eq!(ada.refused_on_message(REVOKE, &direct).await, ["FORBIDDEN"]);
    ada.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
    assert_eq!(bo.on_message(REVOKE, &direct).await["message"]["status"], "REVOKED");
    // What is gone is not edited, answered with its words, or reacted to.
    let edit = "editMessage(id: $id, text: \"again\")";
    assert_eq!(bo.refused_on_message(edit, &said).await, ["FORBIDDEN"]);
    assert_eq!(lan.refused_on_message("addReaction(messageId: $id, emoji: \"👍\")", &said).await, ["CONFLICT"]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_deleted_for_everyone_by_its_sender_and_by_administrators() {
    let app = TestApp::start().await;
    let (ada, bo, root) = (app.as_user("ada").await, app.as_user("bo").await, app.as_role("root", "ADMIN").await);
    let first = ada.send_message(&bo, "first").await;
    let second = ada.send_message(&bo, "second").await;
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, CHANGED, json!({ "id": first["conversation"]["id"] })).await;
    age(&app, "3 days").await;
    assert_eq!(bo.refused_on_message(DELETE_FOR_ALL, &first["id"]).await, ["FORBIDDEN"]);
    assert_eq!(app.as_user("eve").await.refused_on_message(DELETE_FOR_ALL, &first["id"]).await, ["NOT_FOUND"]);
    for (person, message) in [(&ada, &first), (&root, &second)] {
        assert_eq!(person.on_message(DELETE_FOR_ALL, &message["id"]).await["deletedId"], message["id"]);
        let told = socket.next().await["messageChanged"]["payload"].clone();
        let gone = json!({ "__typename": "MessageDeleted", "messageId": message["id"], "seq": message["seq"], "forEveryone": true,
            "conversation": { "id": first["conversation"]["id"] } });
        assert_eq!(told, gone);
        // Once more is as good as once.
        assert_eq!(person.on_message(DELETE_FOR_ALL, &message["id"]).await["deletedId"], message["id"]);
    }
    assert_eq!(ada.texts_in(&first["conversation"]["id"]).await, ["DELETED", "DELETED"]);
    // What was revoked can be deleted, and is not revoked any more.
    let third = ada.send_message(&bo, "third").await["id"].clone();
    ada.on_message(REVOKE, &third).await;
    ada.on_message(DELETE_FOR_ALL, &third).await;
    assert_eq!(bo.see(&third).await["status"], "DELETED");
    assert_eq!(ada.refused_on_message(REVOKE, &third).await, ["CONFLICT"]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_deleted_for_oneself_alone() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let mut ids = Vec::new();
    for text in ["one", "two", "three", "four"] {
        ids.push(ada.send_message(&bo, text).await);
    }
    let conversation = ids[0]["conversation"]["id"].clone();
    let last = "query ($id: ID!) { conversation(id: $id) { unreadCount maxSeq lastMessage { seq } } }";
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, CHANGED, json!({})).await;
    for (n, text) in [(1, "two"), (3, "four")] {
        assert_eq!(bo.on_message(DELETE, &ids[n]["id"]).await["deletedId"], ids[n]["id"]);
        let told = socket.next().await["messageChanged"]["payload"].clone();
        assert_eq!((&told["seq"], &told["forEveryone"]), (&ids[n]["seq"], &json!(false)), "{text}");
        assert_eq!(bo.see(&ids[n]["id"]).await, Value::Null);
        assert_eq!(bo.refused_on_message(DELETE, &ids[n]["id"]).await, ["NOT_FOUND"]);
    }
    assert_eq!(bo.texts_in(&conversation).await, ["one", "three"]);
    let seen = bo.data(last, json!({ "id": conversation })).await["conversation"].clone();
    assert_eq!(seen, json!({ "unreadCount": 4, "maxSeq": 4, "lastMessage": { "seq": 3 } }), "counts and markers stay");
    // Pages of both directions go past it, and lists by type.
    let page =
        "query ($id: ID!) { conversation(id: $id) { a: messages(last: 1) { nodes { seq } pageInfo { hasPreviousPage } }
        b: messages(first: 1, filter: { types: [TEXT] }) { totalCount nodes { seq } pageInfo { hasNextPage } } } }";
    let pages = bo.data(page, json!({ "id": conversation })).await["conversation"].clone();
    assert_eq!(pages["a"], json!({ "nodes": [{ "seq": 3 }], "pageInfo": { "hasPreviousPage": true } }));
    assert_eq!(pages["b"], json!({ "totalCount": 2, "nodes": [{ "seq": 1 }], "pageInfo": { "hasNextPage": true } }));
    // For the other one all is there; a stranger has nothing to delete.
    assert_eq!(ada.texts_in(&conversation).await, ["one", "two", "three", "four"]);
    assert_eq!(app.as_user("eve").await.refused_on_message(DELETE, &ids[0]["id"]).await, ["NOT_FOUND"]);
    for message in [&ids[0], &ids[2]] {
        bo.on_message(DELETE, &message["id"]).await;
    }
    assert_eq!(bo.texts_in(&conversation).await, [""; 0]);
    assert_eq!(bo.data(last, json!({ "id": conversation })).await["conversation"]["lastMessage"], Value::Null);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_cleared_or_hidden_for_oneself_alone() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let first = ada.send_message(&bo, "one").await;
    let conversation = first["conversation"]["id"].clone();
    ada.send_message(&bo, "two").await;
    bo.on_message(DELETE, &first["id"]).await;
    let start = bo.event_cursor().await;
    let update = |call: &str| {
        format!(
            "mutation ($id: ID!) {{ {call} {{ conversation {{ hidden unreadCount lastReadSeq lastMessage {{ seq }} }} userErrors {{ code }} }} }}"
        )
    };
    let list = "{ viewer { conversations { totalCount nodes { lastMessage { seq } } } unread { messages } } }";
    let listed = async |person: &Person| person.data(list, json!({})).await["viewer"].clone();
    let hide = update("updateConversation(id: $id, hidden: true)");
    let hidden = bo.data(&hide, json!({ "id": conversation })).await["updateConversation"].clone();
    assert_eq!(
        hidden["conversation"],
        json!({ "hidden": true, "unreadCount": 2, "lastReadSeq": 0, "lastMessage": { "seq": 2 } })
    );
    assert_eq!(listed(&bo).await["conversations"]["totalCount"], 0);
    assert_eq!(listed(&ada).await["conversations"]["totalCount"], 1);
    bo.data(&update("updateConversation(id: $id, hidden: false)"), json!({ "id": conversation })).await;
    assert_eq!(listed(&bo).await["conversations"]["totalCount"], 1);
    bo.data(&hide, json!({ "id": conversation })).await;
    ada.send_message(&bo, "three").await;
    assert_eq!(
        listed(&bo).await["conversations"]["nodes"],
        json!([{ "lastMessage": { "seq": 3 } }]),
        "back with a message"
    );

    let clear = update("clearConversation(id: $id)");
    let cleared = bo.data(&clear, json!({ "id": conversation })).await["clearConversation"].clone();
    assert_eq!(
        cleared["conversation"],
        json!({ "hidden": false, "unreadCount": 0, "lastReadSeq": 3, "lastMessage": null })
    );
    assert_eq!(
        listed(&bo).await,
        json!({ "conversations": { "totalCount": 0, "nodes": [] }, "unread": { "messages": 0 } })
    );
    assert_eq!(bo.see(&first["id"]).await, Value::Null);
    assert_eq!(ada.texts_in(&conversation).await, ["one", "two", "three"]);
    ada.send_message(&bo, "four").await;
    assert_eq!(bo.texts_in(&conversation).await, ["four"]);
    assert_eq!(listed(&bo).await["unread"]["messages"], 1);
    // Instances know of it: what was cleared is not replayed.
    let receive = "subscription ($after: String) { messageReceived(after: $after) { message { seq } } }";
    for address in [app.address, app.another_instance().await.address] {
        let mut socket = bo.on_instance(address).socket().await;
        socket.subscribe(receive, json!({ "after": start })).await;
        assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], 4);
    }
    // Nothing to clear, and a conversation of other users.
    bo.data(&clear, json!({ "id": conversation })).await;
    bo.data(&clear, json!({ "id": conversation })).await;
    let eve = app.as_user("eve").await;
    for call in [&clear, &hide] {
        let refused = eve.data(call, json!({ "id": conversation })).await;
        assert_eq!(refused.as_object().unwrap().values().next().unwrap()["userErrors"][0]["code"], "NOT_FOUND");
    }
    until("all is told", || async { app.app.events.head().position > 8 }).await;
    assert_eq!(app.audit().await, [""; 0]);
}

/// What was deleted for oneself stays away when it is changed later, and is counted after leaving, rejoining and clearing.
#[tokio::test(flavor = "multi_thread")]
async fn deletions_for_oneself_are_counted_and_bounded() {
    let app = TestApp::start().await;
    let [ada, bo] = &app.people(["ada", "bo"]).await;
    ada.make_friends(bo).await;
    let group = ada.make_group("riders", &[bo], json!({})).await;
    let said = ada.tell_group(&group, "hello").await;
    bo.on_message(DELETE, &said).await;
    bo.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [bo.id] })).await;
    let clear = "mutation ($id: ID!) { clearConversation(id: $id) { userErrors { code } } }";
    bo.data(clear, json!({ "id": conversation_of(&group) })).await;
    assert_eq!(app.query_number("select sum(hidden_count) from members").await, 0);
    assert_eq!(app.audit().await, [""; 0]);
    let more = ada.tell_group(&group, "more").await;
    let fill = "insert into hidden_messages select conversation_id, user_id, n from members cross join generate_series(1000, 1999) n where user_id = 2;
        update members set hidden_count = 1000 where user_id = 2";
    app.sql().await.batch_execute(fill).await.unwrap();
    assert_eq!(bo.refused_on_message(DELETE, &more).await, ["CONFLICT"]);
    assert_eq!(bo.see(&more).await["content"]["text"], "more");
}

/// Notes to oneself that show files go with the account, with their reactions and mentions.
#[tokio::test(flavor = "multi_thread")]
async fn notes_with_reactions_and_mentions_go_with_their_account() {
    let app = TestApp::start().await;
    let [ada] = &app.people(["ada"]).await;
    let file = ada.upload_media(file_part("cat.png", rgb_png(64, 40))).await["id"].clone();
    let to = json!({ "userId": ada.id });
    let picture = json!({ "picture": { "mediaId": file } });
    let note = send_content(ada, &to, &picture, json!({ "mentionUserIds": [ada.id] })).await["message"]["id"].clone();
    assert_eq!(ada.on_message("addReaction(messageId: $id, emoji: \"👍\")", &note).await["userErrors"], json!([]));
    let delete = "mutation ($id: ID!) { deleteUser(id: $id, forfeitBalance: true) { deletedId userErrors { code } } }";
    assert_eq!(ada.data(delete, json!({ "id": ada.id })).await["deleteUser"]["deletedId"], json!(ada.id));
    assert_eq!(app.query_number("select (select count(*) from media) + (select count(*) from reactions)").await, 0);
    assert_eq!(app.audit().await, [""; 0]);
}
