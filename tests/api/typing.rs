//! Who is typing: told to the members who are there, once, and kept nowhere.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::{Person, SEND, Socket, TestApp};

const TYPE: &str = "mutation ($to: MessageTarget!, $state: TypingState!) {
    setTyping(to: $to, state: $state) { ok userErrors { code field } } }";

const FOLLOW: &str = "subscription ($conversation: ID) { typing(conversationId: $conversation) {
    state at user { username avatar { url } } conversation { id kind title peer { username } } } }";

impl Person {
    /// Says that they type, or no longer do; the payload.
    pub async fn set_typing(&self, to: Value, state: &str) -> Value {
        self.data(TYPE, json!({ "to": to, "state": state })).await["setTyping"].clone()
    }

    async fn types(&self, to: &Value) {
        assert_eq!(self.set_typing(to.clone(), "TYPING").await, json!({ "ok": true, "userErrors": [] }));
    }

    async fn stops(&self, to: &Value) {
        assert_eq!(self.set_typing(to.clone(), "FINISHED").await["ok"], true);
    }

    /// A socket that follows who is typing.
    pub async fn follow_typing(&self, app: &TestApp) -> Socket {
        let mut socket = self.socket().await;
        socket.subscribe_live(app, FOLLOW, json!({})).await;
        socket
    }
}

/// Who does what, as it comes.
async fn heard(socket: &mut Socket) -> String {
    let told = socket.next().await["typing"].clone();
    format!("{} {}", told["user"]["username"].as_str().unwrap(), told["state"].as_str().unwrap())
}

fn to_user(person: &Person) -> Value {
    json!({ "userId": person.id })
}

fn to_group(group: &Value) -> Value {
    json!({ "groupId": group })
}

async fn friends(app: &TestApp) -> [Person; 3] {
    let [ada, bo, cy] = [app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await];
    for other in [&bo, &cy] {
        ada.make_friends(other).await;
    }
    [ada, bo, cy]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_person_is_told_and_the_one_who_types_is_not() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let conversation = ada.send_message(&bo, "hello").await["conversation"]["id"].clone();
    let (mut at_ada, mut at_bo) = (ada.follow_typing(&app).await, bo.follow_typing(&app).await);
    let rows = "select (select count(*) from events) + (select count(*) from outbox) + (select max(version) from conversations)";
    let before = app.query_number(rows).await;
    ada.types(&to_user(&bo)).await;
    let told = at_bo.next().await["typing"].clone();
    let shown = json!({ "id": conversation, "kind": "DIRECT", "title": "ada", "peer": { "username": "ada" } });
    assert_eq!((&told["conversation"], &told["state"]), (&shown, &json!("TYPING")));
    assert_eq!(told["user"], json!({ "username": "ada", "avatar": null }));
    assert!(told["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{told}");
    ada.stops(&json!({ "conversationId": conversation })).await;
    assert_eq!(heard(&mut at_bo).await, "ada FINISHED");
    bo.types(&to_user(&ada)).await;
    assert_eq!(heard(&mut at_ada).await, "bo TYPING", "and nothing of her own");
    assert_eq!(app.query_number(rows).await, before, "nothing is stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_told_again_after_a_while_alone() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "hello").await;
    let mut at_bo = bo.follow_typing(&app).await;
    for _ in 0..3 {
        ada.types(&to_user(&bo)).await;
    }
    ada.stops(&to_user(&bo)).await;
    ada.stops(&to_user(&bo)).await;
    ada.types(&to_user(&bo)).await;
    app.advance_clock(Duration::from_secs(4));
    ada.types(&to_user(&bo)).await;
    ada.stops(&to_user(&bo)).await;
    let mut states = Vec::new();
    for _ in 0..5 {
        states.push(heard(&mut at_bo).await);
    }
    assert_eq!(states, ["ada TYPING", "ada FINISHED", "ada TYPING", "ada TYPING", "ada FINISHED"]);
}

/// What sending refuses is refused in the same words, and told to no other user.
#[tokio::test(flavor = "multi_thread")]
async fn those_who_can_t_send_can_t_type() {
    let app = TestApp::with(&[("PLAZA_LIMIT_UNANSWERED_MESSAGES", "1")]).await;
    let [ada, bo, cy] = friends(&app).await;
    let dee = app.as_user("dee").await;
    let direct = ada.send_message(&dee, "hello").await["conversation"]["id"].clone();
    let (group, quiet) = (
        ada.make_group("g", &[&bo, &cy], json!({})).await,
        ada.make_group("q", &[&bo], json!({ "muteAll": true })).await,
    );
    let mute = json!({ "groupId": group, "userId": bo.id, "minutes": 5 });
    ada.in_group_ok("muteGroupMember", mute).await;
    ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": cy.id })).await;
    bo.send_message(&cy, "hello").await;
    let mut at_ada = ada.follow_typing(&app).await;
    let check = async |person: &Person, to: Value, code: &str| {
        let refused = person.set_typing(to.clone(), "TYPING").await;
        assert_eq!((codes(&refused), &refused["ok"]), (vec![code], &json!(false)), "{to}");
        let message = json!({ "input": { "to": to, "content": { "text": { "text": "x" } } } });
        assert_eq!(codes(&person.data(SEND, message).await["sendMessage"]), [code], "{to}");
    };
    check(&bo, to_group(&group), "MEMBER_MUTED").await;
    check(&bo, to_group(&quiet), "MEMBER_MUTED").await;
    check(&cy, to_group(&group), "NOT_MEMBER").await;
    check(&dee, to_group(&group), "NOT_FOUND").await;
    check(&bo, json!({ "conversationId": direct }), "NOT_FOUND").await;
    check(&bo, json!({ "conversationId": bo.id }), "NOT_FOUND").await;
    check(&bo, json!({ "userId": plaza::ids::UserId(999).global() }), "NOT_FOUND").await;
    check(&ada, to_user(&dee), "CONFLICT").await;
    // Before the first message of two users there is no conversation to type in.
    let refused = dee.set_typing(to_user(&bo), "TYPING").await;
    assert_eq!(refused["userErrors"][0], json!({ "code": "NOT_FOUND", "field": ["to", "userId"] }));
    dee.send_message(&ada, "an answer").await;
    ada.befriend_ok("blockUser", json!({ "userId": dee.id })).await;
    check(&ada, to_user(&dee), "BLOCKED").await;
    check(&dee, to_user(&ada), "FORBIDDEN").await;
    assert_eq!(app.run(TYPE, json!({ "to": to_user(&bo), "state": "TYPING" })).await.code(), "UNAUTHENTICATED");

    ada.in_group_ok("muteGroupMember", json!({ "groupId": group, "userId": bo.id, "minutes": 0 })).await;
    bo.types(&to_group(&group)).await;
    assert_eq!(heard(&mut at_ada).await, "bo TYPING", "the first that is told");
}

/// What was said before a removal or a block, and comes after it, is told to neither side.
#[tokio::test(flavor = "multi_thread")]
async fn a_removed_member_hears_nothing_until_they_are_back() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = friends(&app).await;
    let group = ada.make_group("g", &[&bo, &cy], json!({})).await;
    ada.send_message(&cy, "hello").await;
    let (mut at_bo, mut at_cy) = (bo.follow_typing(&app).await, cy.follow_typing(&app).await);
    ada.types(&to_group(&group)).await;
    assert_eq!((heard(&mut at_bo).await, heard(&mut at_cy).await), ("ada TYPING".into(), "ada TYPING".into()));
    ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": cy.id })).await;
    ada.stops(&to_group(&group)).await;
    assert_eq!(heard(&mut at_bo).await, "ada FINISHED");
    bo.types(&to_group(&group)).await;
    ada.types(&to_user(&cy)).await;
    let told = at_cy.next().await["typing"].clone();
    assert_eq!((&told["conversation"]["kind"], &told["state"]), (&json!("DIRECT"), &json!("TYPING")));
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [cy.id] })).await;
    bo.stops(&to_group(&group)).await;
    assert_eq!(heard(&mut at_cy).await, "bo FINISHED");
}

/// One conversation can be followed alone, by those who are or were in it.
#[tokio::test(flavor = "multi_thread")]
async fn one_conversation_can_be_followed_alone() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = friends(&app).await;
    let conversation = ada.send_message(&bo, "hello").await["conversation"]["id"].clone();
    cy.send_message(&bo, "hello").await;
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, FOLLOW, json!({ "conversation": conversation })).await;
    cy.types(&to_user(&bo)).await;
    ada.types(&to_user(&bo)).await;
    assert_eq!(heard(&mut socket).await, "ada TYPING");
    let mut stranger = cy.socket().await;
    stranger.subscribe(FOLLOW, json!({ "conversation": conversation })).await;
    assert_eq!(stranger.receive().await["payload"][0]["extensions"]["code"], "FORBIDDEN");
    let mut anonymous = Socket::open(app.address, Value::Null).await;
    anonymous.subscribe(FOLLOW, json!({})).await;
    assert_eq!(anonymous.receive().await["payload"][0]["extensions"]["code"], "UNAUTHENTICATED");
    drop(socket);
    crate::harness::until("the hub has forgotten it", || async { app.live.hub.subscriptions() == 0 }).await;
}

/// Members who don't see each other are told of those who run the group alone.
#[tokio::test(flavor = "multi_thread")]
async fn in_a_group_that_hides_its_members_only_those_who_run_it_are_told_of_others() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = friends(&app).await;
    let group = ada.make_group("g", &[&bo, &cy], json!({ "disableViewMember": true })).await;
    bo.make_friends(&cy).await;
    bo.send_message(&cy, "hello").await;
    let (mut at_ada, mut at_cy) = (ada.follow_typing(&app).await, cy.follow_typing(&app).await);
    bo.types(&to_group(&group)).await;
    assert_eq!(heard(&mut at_ada).await, "bo TYPING");
    bo.types(&to_user(&cy)).await;
    assert_eq!(at_cy.next().await["typing"]["conversation"]["kind"], "DIRECT");
    ada.types(&to_group(&group)).await;
    assert_eq!(heard(&mut at_cy).await, "ada TYPING");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_told_on_every_instance() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.send_message(&bo, "hello").await;
    let (mut here, mut there) =
        (bo.follow_typing(&app).await, bo.on_instance(other.address).follow_typing(&other).await);
    ada.types(&to_user(&bo)).await;
    assert_eq!((heard(&mut here).await, heard(&mut there).await), ("ada TYPING".into(), "ada TYPING".into()));
    // What one instance told, the other doesn't tell again.
    let ada = ada.on_instance(other.address);
    ada.types(&to_user(&bo)).await;
    ada.stops(&to_user(&bo)).await;
    assert_eq!((heard(&mut here).await, heard(&mut there).await), ("ada FINISHED".into(), "ada FINISHED".into()));
}

/// A look whether the member could send; then a constant number for all who are told at once.
#[tokio::test(flavor = "multi_thread")]
async fn typing_costs_a_statement_and_followers_none() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = friends(&app).await;
    let group = ada.make_group("g", &[&bo, &cy], json!({})).await;
    for what in ["told", "not told again"] {
        let ((), alone) = app.count_statements(bo.types(&to_group(&group))).await;
        assert_eq!(alone, 1, "{what}");
    }
    let mut sockets = vec![bo.follow_typing(&app).await];
    let ((), one) = app
        .count_statements(async {
            ada.types(&to_group(&group)).await;
            assert_eq!(heard(&mut sockets[0]).await, "ada TYPING");
        })
        .await;
    for person in [&bo, &cy, &cy, &cy] {
        sockets.push(person.follow_typing(&app).await);
    }
    let ((), many) = app
        .count_statements(async {
            ada.stops(&to_group(&group)).await;
            for socket in &mut sockets {
                assert_eq!(heard(socket).await, "ada FINISHED");
            }
        })
        .await;
    assert_eq!((one, many), (5, 5), "the look; then members, conversations, users and groups");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_says_so_only_so_often() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let conversation = ada.send_message(&ada, "a note").await["conversation"]["id"].clone();
    let to = json!({ "conversationId": conversation });
    for _ in 0..20 {
        ada.types(&to).await;
    }
    assert_eq!(codes(&ada.set_typing(to.clone(), "FINISHED").await), ["RATE_LIMITED"]);
    app.advance_clock(Duration::from_secs(10));
    ada.types(&to).await;
}
