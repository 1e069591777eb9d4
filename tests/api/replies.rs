//! Messages that answer others: what can be answered, and who sees what was answered.

use serde_json::{Value, json};

use crate::contents::send_content;
use crate::harness::accounts::user_errors;
use crate::harness::{Person, TestApp, until};

const REPLY: &str = "seq content { ... on TextContent { text } }
    replyTo { seq status sender { username } content { ... on TextContent { text } } replyTo { seq } }";

/// Answers a message with words; the payload.
async fn answer(from: &Person, to: &Value, text: &str, message: &Value) -> Value {
    let content = json!({ "text": { "text": text } });
    send_content(from, to, &content, json!({ "replyToId": message })).await
}

/// As [`answer`], which has to succeed; the answer's id.
async fn answer_ok(from: &Person, to: &Value, text: &str, message: &Value) -> Value {
    let payload = answer(from, to, text, message).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["message"]["id"].clone()
}

async fn say(from: &Person, to: &Value, text: &str) -> Value {
    let payload = send_content(from, to, &json!({ "text": { "text": text } }), json!({})).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["message"]["id"].clone()
}

async fn reply_of(person: &Person, id: &Value) -> Value {
    let document = format!("query ($id: ID!) {{ message(id: $id) {{ {REPLY} }} }}");
    person.data(&document, json!({ "id": id })).await["message"]["replyTo"].clone()
}

fn receive() -> String {
    format!("subscription ($after: String) {{ messageReceived(after: $after) {{ message {{ {REPLY} }} }} }}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_shows_what_it_answers_as_it_is_now() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let to = |person: &Person| json!({ "userId": person.id });
    let start = bo.event_cursor().await;
    let mut socket = bo.socket().await;
    socket.subscribe_live(&app, &receive(), json!({})).await;
    let question = say(&ada, &to(&bo), "when?").await;
    assert_eq!(socket.next().await["messageReceived"]["message"]["replyTo"], Value::Null);
    let first = answer_ok(&bo, &to(&ada), "at six", &question).await;
    let shown = json!({ "seq": 1, "status": "NORMAL", "sender": { "username": "ada" }, "content": { "text": "when?" },
        "replyTo": null });
    assert_eq!(socket.next().await["messageReceived"]["message"]["replyTo"], shown);
    assert_eq!(reply_of(&ada, &first).await, shown);
    // By the conversation's id, as most are sent; an answer of an answer.
    let conversation = json!({ "conversationId": plaza::ids::ConversationId(1).global() });
    let second = answer_ok(&ada, &conversation, "fine", &first).await;
    assert_eq!(reply_of(&bo, &second).await["replyTo"], json!({ "seq": 1 }));
    assert_eq!(socket.next().await["messageReceived"]["message"]["replyTo"]["content"]["text"], "at six");

    let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"when and where?\") { userErrors { code } } }";
    assert_eq!(ada.data(edit, json!({ "id": question })).await["editMessage"]["userErrors"], json!([]));
    assert_eq!(reply_of(&bo, &first).await["content"]["text"], "when and where?");
    let revoke = "update messages set status = 'REVOKED', content = null where seq = 1";
    app.sql().await.batch_execute(revoke).await.unwrap();
    // Memory holds the answer from before, and shows what it answers as it is.
    for address in [app.address, app.another_instance().await.address] {
        let mut socket = bo.on_instance(address).socket().await;
        socket.subscribe(&receive(), json!({ "after": start })).await;
        socket.next().await;
        let reply = socket.next().await["messageReceived"]["message"]["replyTo"].clone();
        assert_eq!((&reply["status"], &reply["content"]), (&json!("REVOKED"), &Value::Null));
    }
    assert_eq!(reply_of(&bo, &first).await["content"], Value::Null);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_sender_sees_there_can_be_answered() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let to = |person: &Person| json!({ "userId": person.id });
    let question = say(&ada, &to(&bo), "when?").await;
    let elsewhere = say(&ada, &to(&ada), "a note").await;
    let conversation = json!({ "conversationId": plaza::ids::ConversationId(1).global() });
    let unknown = json!(plaza::ids::MessageId(999).global());
    let counts = "select count(*) + (select count(*) from messages) from conversations";
    let before = app.query_number(counts).await;
    for (from, target, message) in [
        (&ada, &to(&bo), &elsewhere),
        (&ada, &conversation, &elsewhere),
        (&bo, &conversation, &elsewhere),
        (&bo, &conversation, &unknown),
        (&bo, &conversation, &json!(bo.id)),
        (&bo, &conversation, &json!("")),
        (&lan, &to(&lan), &question),
        // The first message of two people answers none.
        (&ada, &to(&lan), &question),
    ] {
        let refused = answer(from, target, "so", message).await;
        assert_eq!(user_errors(&refused), ["NOT_FOUND input.replyToId"], "{target} {message}");
    }
    assert_eq!(app.query_number(counts).await, before);
    // One key is one answer.
    let key = |message: &Value| json!({ "replyToId": message, "clientMessageId": "k" });
    let content = json!({ "text": { "text": "so" } });
    let second = say(&ada, &conversation, "or where?").await;
    for (more, expected) in [
        (key(&question), (false, vec![])),
        (key(&question), (true, vec![])),
        (key(&second), (false, vec!["IDEMPOTENCY_MISMATCH input.clientMessageId".to_owned()])),
        (json!({ "clientMessageId": "k" }), (false, vec!["IDEMPOTENCY_MISMATCH input.clientMessageId".to_owned()])),
    ] {
        let payload = send_content(&bo, &conversation, &content, more.clone()).await;
        assert_eq!((payload["deduplicated"] == true, user_errors(&payload)), expected, "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_outside_of_a_window_is_not_shown() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    for friend in [&bo, &cy] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("climbers", &[&bo], json!({ "enableHistoryForNewMembers": false })).await;
    let to = json!({ "groupId": group });
    let old = say(&ada, &to, "before").await;
    let early = answer_ok(&bo, &to, "an answer from before", &old).await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [cy.id] })).await;
    let (mut at_bo, mut at_cy) = (bo.socket().await, cy.socket().await);
    for (socket, start) in [(&mut at_bo, &bo), (&mut at_cy, &cy)] {
        let after = start.event_cursor().await;
        socket.subscribe_live(&app, &receive(), json!({ "after": after })).await;
    }
    let late = answer_ok(&bo, &to, "an answer from after", &old).await;
    let (heard, hidden) = (at_bo.next().await, at_cy.next().await);
    assert_eq!(heard["messageReceived"]["message"]["replyTo"]["content"]["text"], "before");
    assert_eq!(hidden["messageReceived"]["message"]["content"]["text"], "an answer from after");
    assert_eq!(hidden["messageReceived"]["message"]["replyTo"], Value::Null);
    assert_eq!(reply_of(&bo, &late).await["content"]["text"], "before");
    assert_eq!(reply_of(&cy, &late).await, Value::Null);
    assert_eq!(user_errors(&answer(&cy, &to, "what?", &old).await), ["NOT_FOUND input.replyToId"]);
    assert_eq!(user_errors(&answer(&cy, &to, "what?", &early).await), ["NOT_FOUND input.replyToId"]);
    let own = answer_ok(&cy, &to, "what?", &late).await;
    assert_eq!(reply_of(&cy, &own).await["replyTo"], Value::Null);
    assert_eq!(reply_of(&ada, &own).await["replyTo"], json!({ "seq": 1 }));

    // A former member keeps what lies in the window, and answers nothing more.
    ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": bo.id })).await;
    assert_eq!(reply_of(&bo, &late).await["content"]["text"], "before");
    let refused = answer(&bo, &to, "still here", &late).await;
    assert_eq!(refused["userErrors"][0]["code"], "NOT_MEMBER");
    assert_eq!(app.audit().await, [""; 0]);
}

/// What is answered is loaded once for a page, and once for all who are told.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_costs_one_statement_however_many_see_it() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let conversation = json!({ "conversationId": plaza::ids::ConversationId(1).global() });
    let question = say(&ada, &json!({ "userId": bo.id }), "when?").await;
    for n in 0..9 {
        answer_ok(&bo, &conversation, &format!("at {n}"), &question).await;
    }
    let list = |selection: &str| {
        format!("query ($id: ID!) {{ conversationWith(userId: $id) {{ messages {{ nodes {{ {selection} }} }} }} }}")
    };
    let mut costs = Vec::new();
    for selection in ["seq", "seq replyTo { seq content { ... on TextContent { text } } sender { username } }"] {
        let variables = json!({ "id": ada.id });
        costs.push(app.count_statements(bo.data(&list(selection), variables)).await.1);
    }
    assert_eq!(costs[1], costs[0] + 1, "{costs:?}");

    let mut costs = Vec::new();
    let mut sockets = Vec::new();
    for round in 0..2 {
        for person in [&ada, &bo].repeat(1 + round) {
            let mut socket = person.socket().await;
            socket.subscribe_live(&app, &receive(), json!({})).await;
            sockets.push(socket);
        }
        let heard = async {
            answer_ok(&bo, &conversation, "so", &question).await;
            for socket in &mut sockets {
                assert_eq!(socket.next().await["messageReceived"]["message"]["replyTo"]["seq"], 1);
            }
        };
        costs.push(app.count_statements(heard).await.1);
    }
    assert_eq!(costs[0], costs[1], "with two subscribers and with six");
    until("all is told of", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
}
