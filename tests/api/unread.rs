//! What waits for a user, in numbers, after any mix of messages, markers, memberships, requests and blocks.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Person, TestApp};

const UNREAD: &str = "{ viewer { unread { messages conversations friendRequests groupJoinRequests }
    conversations(first: 100) { nodes { unreadCount } } } }";

impl Person {
    /// The numbers of messages, conversations, friend requests and join requests; the first two agree with their list.
    async fn unread(&self) -> [i64; 4] {
        let viewer = self.data(UNREAD, json!({})).await["viewer"].clone();
        let nodes = viewer["conversations"]["nodes"].as_array().unwrap().clone();
        let counts: Vec<i64> = nodes.iter().map(|node| node["unreadCount"].as_i64().unwrap()).collect();
        let with_any = counts.iter().filter(|count| **count > 0).count();
        let unread = ["messages", "conversations", "friendRequests", "groupJoinRequests"]
            .map(|field| viewer["unread"][field].as_i64().unwrap());
        assert_eq!(unread[..2], [counts.iter().sum(), i64::try_from(with_any).unwrap()], "{counts:?}");
        unread
    }

    async fn unread_messages(&self) -> (i64, i64) {
        let [messages, conversations, ..] = self.unread().await;
        (messages, conversations)
    }

    async fn read(&self, to: Value, seq: Value) {
        let read = "mutation ($to: MessageTarget, $seq: Int) { markConversationRead(to: $to, upToSeq: $seq) { userErrors { code } } }";
        let marked = self.data(read, json!({ "to": to, "seq": seq })).await;
        assert_eq!(marked["markConversationRead"]["userErrors"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_counted_until_they_are_read() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    assert_eq!(ada.unread().await, [0; 4]);
    for n in 0..3 {
        bo.send_message(&ada, &format!("message {n}")).await;
    }
    ada.send_message(&bo, "an answer").await;
    ada.send_message(&ada, "a note").await;
    cy.send_message(&ada, "hello").await;
    assert_eq!((ada.unread_messages().await, bo.unread_messages().await), ((1, 1), (1, 1)));
    ada.read(json!({ "userId": bo.id }), json!(2)).await;
    assert_eq!(ada.unread_messages().await, (1, 1), "the answer marked what was said before it");
    bo.send_message(&ada, "one more").await;
    assert_eq!(ada.unread_messages().await, (2, 2));
    ada.read(json!({ "userId": bo.id }), Value::Null).await;
    assert_eq!(ada.unread_messages().await, (1, 1));
    // A muted conversation counts, and one with a user who is blocked now does.
    let id = ada.send_message(&cy, "hi").await["conversation"]["id"].clone();
    ada.update_conversation(&id, json!({ "muted": true, "pinned": true })).await;
    cy.send_message(&ada, "hi").await;
    ada.befriend_ok("blockUser", json!({ "userId": cy.id })).await;
    assert_eq!(ada.unread_messages().await, (1, 1));
    ada.read(Value::Null, Value::Null).await;
    assert_eq!(ada.unread().await, [0; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_doesn_t_see_is_not_counted() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.make_friends(&bo).await;
    let group = ada.make_group("g", &[&bo], json!({})).await;
    let invite = json!({ "groupId": group, "userIds": [bo.id] });
    bo.say_in(&group, "hi").await;
    assert_eq!(ada.unread_messages().await, (1, 1));
    for _ in 0..2 {
        ada.say_in(&group, "hello").await;
    }
    assert_eq!((ada.unread_messages().await, bo.unread_messages().await), ((0, 0), (2, 1)));
    bo.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    ada.say_in(&group, "after Bo left").await;
    assert_eq!(bo.unread_messages().await, (2, 1), "what was sent to Bo can be read still");
    ada.in_group_ok("inviteToGroup", invite.clone()).await;
    assert_eq!(bo.unread_messages().await, (1, 1), "that they are back; the new window begins behind the rest");
    bo.say_in(&group, "back again").await;
    ada.say_in(&group, "welcome").await;
    assert_eq!(bo.unread_messages().await, (1, 1));
    bo.read(json!({ "groupId": group }), Value::Null).await;
    bo.say_in(&group, "thanks").await;
    bo.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    ada.in_group_ok("inviteToGroup", invite).await;
    ada.say_in(&group, "again").await;
    assert_eq!((ada.unread_messages().await, bo.unread_messages().await), ((0, 0), (2, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_while_they_wait() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let dee = app.as_user("dee").await;
    ada.make_friends(&dee).await;
    let group = ada.make_group("g", &[&dee], json!({})).await;
    for person in [&bo, &cy] {
        person.ask(&ada).await;
        let ask = json!({ "groupId": group, "reason": "" });
        person.in_group_ok("requestToJoinGroup", ask).await;
    }
    ada.ask(&app.as_user("eve").await).await;
    assert_eq!(ada.unread().await, [0, 0, 2, 2]);
    assert_eq!(
        (bo.unread().await, dee.unread().await),
        ([0; 4], [0; 4]),
        "neither own requests nor those of groups of others"
    );
    // Managers answer them as well.
    let manager = json!({ "groupId": group, "userId": dee.id, "isManager": true });
    ada.in_group_ok("setGroupManager", manager).await;
    assert_eq!(dee.unread().await, [1, 1, 0, 2], "and a message says that they are one");
    ada.befriend_ok("blockUser", json!({ "userId": cy.id })).await;
    assert_eq!(ada.unread().await[2], 1, "nothing of a user who is blocked");
    ada.answer(&bo, "ACCEPT").await;
    let deny = json!({ "groupId": group, "userId": bo.id, "decision": "DENY" });
    dee.in_group_ok("respondToJoinRequest", deny).await;
    assert_eq!((ada.unread().await[2..].to_vec(), dee.unread().await[3]), (vec![0, 1], 1));
    app.advance_clock(Duration::from_hours(24 * 60));
    let ada = app.sign_in_again("ada").await;
    assert_eq!(ada.unread().await, [0; 4], "they have expired");
}

impl TestApp {
    /// Signs a user in whose token has expired.
    async fn sign_in_again(&self, username: &str) -> Person {
        let credential = crate::harness::accounts::by_password(username, Person::PASSWORD);
        Person::new(self.address, &self.payload(crate::harness::accounts::LOGIN, credential).await)
    }
}

/// Each number costs its own statements, as many for much as for little.
#[tokio::test(flavor = "multi_thread")]
async fn numbers_cost_a_constant_number_of_statements() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    for round in 0..3 {
        for (fields, expected) in [
            ("messages", 1),
            ("messages conversations again: messages", 1),
            ("friendRequests", 1),
            ("groupJoinRequests", 2),
            ("messages conversations friendRequests groupJoinRequests", 4),
        ] {
            let query = format!("{{ viewer {{ unread {{ {fields} }} }} }}");
            let (_, cost) = app.count_statements(ada.data(&query, json!({}))).await;
            assert_eq!(cost, expected, "{fields} in round {round}");
        }
        for n in 0..3 {
            let person = app.as_user(&format!("user{round}{n}")).await;
            person.send_message(&ada, "hello").await;
            person.ask(&ada).await;
            ada.make_group("g", &[], json!({})).await;
        }
    }
}

/// A number that is not asked for costs nothing, and a signed-out user has none.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_counted_that_is_not_asked_for() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let (_, cost) = app.count_statements(ada.data("{ viewer { unread { __typename } } }", json!({}))).await;
    assert_eq!(cost, 0);
    assert_eq!(app.run("{ viewer { unread { messages } } }", json!({})).await.data()["viewer"], Value::Null);
}
