//! Reactions: what is one, who may react, how it is told, and that the counts hold under many hands.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::edits::edit;
use crate::harness::accounts::codes;
use crate::harness::{Person, TestApp, until};

const ADD: &str = "mutation ($id: ID!, $emoji: String!) { addReaction(messageId: $id, emoji: $emoji) {
    message { reactions { emoji count viewerReacted } } userErrors { code field } } }";
const REMOVE: &str = "mutation ($id: ID!, $emoji: String!) { removeReaction(messageId: $id, emoji: $emoji) {
    message { reactions { emoji count viewerReacted } } userErrors { code field } } }";
const EVENTS: &str = "subscription { events { payload { __typename ... on ReactionsChanged {
    message { seq reactions { emoji count viewerReacted } } } } } }";

impl Person {
    async fn react(&self, message: &Value, emoji: &str) -> Value {
        self.data(ADD, json!({ "id": message, "emoji": emoji })).await["addReaction"].clone()
    }

    async fn unreact(&self, message: &Value, emoji: &str) -> Value {
        self.data(REMOVE, json!({ "id": message, "emoji": emoji })).await["removeReaction"].clone()
    }
}

/// The reactions of a payload: emoji, count, and whether the viewer's is among them.
fn shown(payload: &Value) -> Vec<String> {
    assert_eq!(payload.get("userErrors").unwrap_or(&json!([])), &json!([]), "{payload}");
    let group =
        |group: &Value| format!("{} {} {}", group["emoji"].as_str().unwrap(), group["count"], group["viewerReacted"]);
    payload["message"]["reactions"].as_array().unwrap().iter().map(group).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_come_and_go_and_are_told() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let message = ada.send_message(&bo, "hello").await["id"].clone();
    bo.send_message(&ada, "hi").await;
    until("it is told", || async { app.app.events.head().position == 4 }).await;
    let mut sockets = [ada.socket().await, bo.socket().await];
    for socket in &mut sockets {
        socket.subscribe_live(&app, EVENTS, json!({})).await;
    }
    assert_eq!(shown(&bo.react(&message, "👍").await), ["👍 1 true"]);
    for (socket, own) in sockets.iter_mut().zip([false, true]) {
        let told = socket.next().await["events"]["payload"].clone();
        assert_eq!(shown(&told), [format!("👍 1 {own}")]);
    }
    // Once, however it is written; in the order in which the emoji came.
    assert_eq!(shown(&bo.react(&message, "👍").await), ["👍 1 true"]);
    assert_eq!(shown(&bo.react(&message, "❤").await), ["👍 1 true", "❤️ 1 true"]);
    assert_eq!(shown(&ada.react(&message, "❤️").await), ["👍 1 false", "❤️ 2 true"]);
    assert_eq!(shown(&ada.unreact(&message, "👍").await), ["👍 1 false", "❤️ 2 true"]);
    assert_eq!(shown(&bo.unreact(&message, "👍").await), ["❤️ 2 true"]);
    let page = "query ($id: ID!) { message(id: $id) { seq reactions { emoji count viewerReacted } conversation {
        messages(first: 5) { nodes { reactions { emoji count viewerReacted } } } } } }";
    let seen = ada.data(page, json!({ "id": message })).await["message"].clone();
    assert_eq!(shown(&json!({ "message": seen })), ["❤️ 2 true"]);
    assert_eq!(shown(&json!({ "message": seen["conversation"]["messages"]["nodes"][0] })), ["❤️ 2 true"]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_could_not_answer_do_not_react() {
    let app = TestApp::start().await;
    let [ada, bo, lan, mei, eve] = &app.people(["ada", "bo", "lan", "mei", "eve"]).await;
    for friend in [bo, lan, mei] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("riders", &[bo, lan, mei], json!({})).await;
    let said = ada.tell_group(&group, "hello").await;
    assert_eq!(shown(&lan.react(&said, "🎉").await), ["🎉 1 true"]);
    for (emoji, code) in
        [("", "INVALID_INPUT"), ("ok", "INVALID_INPUT"), ("👍👍", "INVALID_INPUT"), ("好", "INVALID_INPUT")]
    {
        assert_eq!(codes(&bo.react(&said, emoji).await), [code], "{emoji}");
        assert_eq!(codes(&bo.unreact(&said, emoji).await), [code], "{emoji}");
    }
    ada.in_group_ok("muteGroupMember", json!({ "groupId": group, "userId": bo.id, "minutes": 10 })).await;
    assert_eq!(codes(&bo.react(&said, "👍").await), ["MEMBER_MUTED"]);
    ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": lan.id })).await;
    assert_eq!(codes(&lan.react(&said, "👍").await), ["NOT_MEMBER"]);
    assert_eq!(codes(&lan.unreact(&said, "🎉").await), ["NOT_MEMBER"]);
    assert_eq!(codes(&eve.react(&said, "👍").await), ["NOT_FOUND"]);
    assert_eq!(codes(&eve.unreact(&said, "👍").await), ["NOT_FOUND"]);
    assert_eq!(codes(&eve.react(&json!("nothing"), "👍").await), ["NOT_FOUND"]);
    let direct = ada.send_message(bo, "hi").await["id"].clone();
    ada.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
    assert_eq!(codes(&ada.react(&direct, "👍").await), ["BLOCKED"]);
    assert_eq!(codes(&bo.react(&direct, "👍").await), ["FORBIDDEN"]);
    // A person who has not answered is spared.
    let asked = eve.send_message(mei, "hi").await["id"].clone();
    assert_eq!(codes(&eve.react(&asked, "👍").await), ["CONFLICT"]);
    assert_eq!(shown(&mei.react(&asked, "👍").await), ["👍 1 true"]);
    // Twenty different ones, and the same by others still.
    for n in 0..20 {
        let emoji = char::from_u32(0x1f600 + n).unwrap().to_string();
        assert_eq!(
            mei.react(&said, &emoji).await["userErrors"],
            if n < 19 { json!([]) } else { json!([{ "code": "CONFLICT", "field": ["emoji"] }]) }
        );
    }
    assert_eq!(ada.react(&said, "🎉").await["userErrors"], json!([]));
    assert_eq!(app.audit().await, [""; 0]);
}

/// Forty members react at once, some take it off again, and their message is revoked in between: what is told in the end is what
/// is there, in few events.
#[tokio::test(flavor = "multi_thread")]
async fn many_react_at_once_and_few_events_tell_of_it() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let mut members = Vec::new();
    for n in 0..40 {
        members.push(app.as_user(&format!("member{n}")).await);
    }
    let sql = app.sql().await;
    let others: Vec<(i64, &str)> = members.iter().map(|person| (person.key(), "GENERAL")).collect();
    let group = crate::harness::groups::group_id(
        crate::harness::groups::insert_group(&sql, "riders", ada.key(), &others).await,
    );
    let said = [ada.tell_group(&group, "one").await, ada.tell_group(&group, "two").await];
    let mut socket = members[0].socket().await;
    socket.subscribe_live(&app, EVENTS, json!({})).await;
    let emoji = ["👍", "❤️", "😀"];
    let others = members.iter().enumerate().map(|(n, person)| {
        let said = &said;
        async move {
            for message in said {
                person.react(message, emoji[n % 3]).await;
                person.react(message, "🎉").await;
            }
            if n % 4 == 0 {
                person.unreact(&said[0], "🎉").await;
            }
        }
    });
    let revoking = async {
        let reacted = "select count(*) from reactions join messages on messages.id = message_id where seq = 2";
        until("some have reacted", || async { app.query_number(reacted).await > 0 }).await;
        assert_eq!(ada.on_message("revokeMessage(id: $id)", &said[1]).await["userErrors"], json!([]));
    };
    tokio::join!(join_all(others), revoking);
    let mut events = 0;
    let last = loop {
        let payload = socket.next().await["events"]["payload"].clone();
        if payload["__typename"] != "ReactionsChanged" {
            continue;
        }
        events += 1;
        if payload["message"]["seq"] == 1
            && payload["message"]["reactions"]
                .as_array()
                .unwrap()
                .iter()
                .map(|group| group["count"].as_i64().unwrap())
                .sum::<i64>()
                == 70
        {
            break payload;
        }
    };
    assert_eq!(shown(&last).len(), 4, "{last}");
    assert!(events < 40, "{events} events of 130 changes");
    until("nothing waits to be told", || async {
        app.query_number("select count(*) from jobs where kind = 'TELL_REACTIONS'").await == 0
    })
    .await;
    assert_eq!(ada.see(&said[1]).await["reactions"], json!([]));
    assert_eq!(app.audit().await, [""; 0]);
}

/// What an instance did not tell before it was gone, the leader does.
#[tokio::test(flavor = "multi_thread")]
async fn reactions_of_a_lost_instance_are_told_by_the_leader() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "hello").await;
    until("it is told", || async { app.app.events.head().position == 3 }).await;
    let mut socket = ada.socket().await;
    socket.subscribe_live(&app, EVENTS, json!({})).await;
    let react = format!(
        "with added as (insert into reactions (message_id, emoji, user_id, created_at) select id, '👍', {}, now() from messages returning message_id)
         update messages set reaction_count = 1;
         insert into jobs (kind, subject_id, due_at, next_try_at) select 'TELL_REACTIONS', id, now(), now() from messages",
        bo.key()
    );
    app.sql().await.batch_execute(&react).await.unwrap();
    assert_eq!(shown(&socket.next().await["events"]["payload"]), ["👍 1 false"]);
    assert_eq!(app.query_number("select count(*) from jobs").await, 0);
}

/// Who joined later, came back, or cleared the conversation is told nothing of messages that they may not see, live and by replay,
/// on any instance.
#[tokio::test(flavor = "multi_thread")]
async fn changes_of_unseen_messages_are_not_told() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let [ada, bo, lan, mei, eve] = &app.people(["ada", "bo", "lan", "mei", "eve"]).await;
    for friend in [bo, lan, mei, eve] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("riders", &[bo, lan, mei], json!({})).await;
    let early = ada.tell_group(&group, "before eve").await;
    lan.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    let meanwhile = ada.tell_group(&group, "without lan").await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [lan.id, eve.id] })).await;
    let clear = "mutation ($id: ID!) { clearConversation(id: $id) { userErrors { code } } }";
    mei.data(clear, json!({ "id": crate::removal::conversation_of(&group) })).await;
    let hidden = ada.tell_group(&group, "deleted by lan").await;
    lan.on_message("deleteMessage(id: $id)", &hidden).await;
    until("all is moved", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    let events = "subscription { messageChanged { payload { __typename ... on ReactionsChanged { message { id } }
        ... on MessageRevoked { message { id } } ... on MessageUpdated { message { id } } ... on ConversationRead { marker { seq } } } } }";
    let mut listeners = Vec::new();
    for person in [lan, eve, mei] {
        let start = person.event_cursor().await;
        let mut sockets = [person.socket().await, person.on_instance(other.address).socket().await];
        sockets[0].subscribe_live(&app, events, json!({})).await;
        sockets[1].subscribe_live(&other, events, json!({})).await;
        listeners.push((person, start, sockets));
    }
    for message in [&early, &meanwhile, &hidden] {
        bo.react(message, "👍").await;
        edit(ada, message, "changed").await;
        until("reactions are told", || async { app.query_number("select count(*) from jobs").await == 0 }).await;
        bo.unreact(message, "👍").await;
        until("reactions are told", || async { app.query_number("select count(*) from jobs").await == 0 }).await;
        ada.on_message("revokeMessage(id: $id)", message).await;
    }
    // What they do see comes behind it all.
    let seen = ada.tell_group(&group, "for all").await;
    edit(ada, &seen, "for all of you").await;
    for (person, start, sockets) in &mut listeners {
        for socket in sockets {
            let mut told = Vec::new();
            while told.last() != Some(&seen) {
                let payload = socket.next().await["messageChanged"]["payload"].clone();
                told.push(payload["message"]["id"].clone());
            }
            assert_eq!(told.contains(&hidden), person.id != lan.id, "{told:?}");
            assert!(!told.contains(&early) && !told.contains(&meanwhile), "{told:?}");
        }
        let since = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload {
            ... on ReactionsChanged { message { id } } ... on MessageUpdated { message { id } } ... on MessageRevoked { message { id } } } } } } }";
        for address in [app.address, other.address] {
            let replayed = person.on_instance(address).data(since, json!({ "after": start })).await.to_string();
            for message in [&early, &meanwhile] {
                assert!(!replayed.contains(message.as_str().unwrap()), "{replayed}");
            }
            assert_eq!(replayed.contains(hidden.as_str().unwrap()), person.id != lan.id);
        }
    }
}
