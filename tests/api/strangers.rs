//! Bounds on writing to people whom one never heard from.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::{Person, SEND, TestApp};

async fn send(from: &Person, to: Value) -> Value {
    let input = json!({ "to": to, "content": { "text": { "text": "hello" } } });
    from.data(SEND, json!({ "input": input })).await["sendMessage"].clone()
}

async fn write(from: &Person, to: &Person) -> Value {
    send(from, json!({ "userId": to.id })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_answered_sends_a_few_messages() {
    let app = TestApp::with(&[("PLAZA_LIMIT_UNANSWERED_MESSAGES", "3")]).await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let all = join_all((0..12).map(|_| write(&ada, &bo))).await;
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for payload in &all {
        *outcomes.entry(codes(payload).join("")).or_default() += 1;
    }
    assert_eq!(outcomes, BTreeMap::from([(String::new(), 3), ("CONFLICT".to_owned(), 9)]));
    assert_eq!(user_errors(&write(&ada, &bo).await), ["CONFLICT input.to.userId"]);
    let sent = all.iter().find(|payload| payload["message"].is_object()).expect("three were sent");
    let id = &sent["message"]["conversation"]["id"];
    assert_eq!(user_errors(&send(&ada, json!({ "conversationId": id })).await), ["CONFLICT input.to.conversationId"]);
    // Others, and notes to oneself, are not bound by that.
    assert_eq!(codes(&write(&ada, &lan).await), [""; 0]);
    for _ in 0..5 {
        assert_eq!(codes(&write(&ada, &ada).await), [""; 0]);
    }
    // One answer, and both go on.
    assert_eq!(codes(&write(&bo, &ada).await), [""; 0]);
    for _ in 0..5 {
        assert_eq!(codes(&write(&ada, &bo).await), [""; 0]);
        assert_eq!(codes(&write(&bo, &ada).await), [""; 0]);
    }
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_conversations_are_started_in_a_day() {
    let app = TestApp::with(&[("PLAZA_LIMIT_NEW_CONVERSATIONS", "2")]).await;
    let ada = app.as_user("ada").await;
    let mut people = Vec::new();
    for n in 0..4 {
        people.push(app.as_user(&format!("p{n}")).await);
    }
    let mut outcomes = Vec::new();
    for person in &people {
        outcomes.push(codes(&write(&ada, person).await).join(""));
    }
    assert_eq!(outcomes, ["", "", "RATE_LIMITED", "RATE_LIMITED"]);
    assert_eq!(app.query_number("select count(*) from conversations").await, 2, "nothing is left of what was refused");
    // Those that there are go on, and others may write to ada.
    assert_eq!(codes(&write(&ada, &people[0]).await), [""; 0]);
    assert_eq!(codes(&write(&people[3], &ada).await), [""; 0]);
    assert_eq!(codes(&write(&ada, &people[3]).await), [""; 0]);
}
