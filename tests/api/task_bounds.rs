//! What keeps one account from taking everything: bounds on acceptances, trades and creations; and that a task is only
//! accepted as it was seen.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::{Person, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn so_many_are_accepted_at_once() {
    let app = TestApp::with(&[("PLAZA_LIMIT_ACCEPTED_TASKS", "3"), ("PLAZA_LIMIT_DB_CONNECTIONS", "8")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let mut tasks = Vec::new();
    for _ in 0..12 {
        tasks.push(ada.create_task("0").await);
    }
    let outcomes = join_all(tasks.iter().map(|task| bo.mutate("acceptTask", json!({ "id": task["id"] })))).await;
    let accepted: Vec<&Value> = outcomes.iter().filter(|payload| payload["task"].is_object()).collect();
    assert_eq!(accepted.len(), 3);
    assert_eq!(outcomes.iter().filter(|payload| codes(payload) == ["CONFLICT"]).count(), 9);
    // One that is over or given up makes room; one that is only submitted does not.
    for task in accepted.iter().map(|payload| &payload["task"]) {
        bo.mutate_by_id("submitTask", task).await;
    }
    ada.mutate_by_id("finishTask", &accepted[0]["task"]).await;
    bo.mutate_by_id("abandonTask", &accepted[1]["task"]).await;
    let open = outcomes.iter().zip(&tasks).filter(|(payload, _)| payload["task"].is_null()).map(|(_, task)| task);
    let mut codes_of = Vec::new();
    for task in open.take(3) {
        codes_of.push(codes(&bo.mutate("acceptTask", json!({ "id": task["id"] })).await).join(""));
    }
    assert_eq!(codes_of, ["", "", "CONFLICT"]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_are_taken_and_created_in_a_time() {
    let app = TestApp::with(&[("PLAZA_LIMIT_TAKINGS", "2"), ("PLAZA_LIMIT_CREATIONS", "3")]).await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let create = async |person: &Person, key: &str| {
        let input = json!({ "title": "t", "content": "c", "price": 0 });
        person.mutate("createTask", json!({ "input": input, "idempotencyKey": key })).await
    };
    let mut tasks = Vec::new();
    for n in 0..3 {
        tasks.push(create(&ada, &format!("k{n}")).await["task"].clone());
        ada.create_item(json!({})).await;
    }
    let refused = create(&ada, "k4").await;
    assert_eq!(codes(&refused), ["RATE_LIMITED"]);
    assert_eq!(create(&ada, "k0").await["task"]["id"], tasks[0]["id"], "a repeat is not counted");
    let input = json!({ "title": "t", "category": 1, "price": 1, "condition": 1, "direction": "SELL" });
    assert_eq!(codes(&ada.mutate_item("createItem", json!({ "input": input })).await), ["RATE_LIMITED"]);
    create(&lan, "k0").await["task"]["id"].as_str().expect("others are not bound by what ada did");
    // Bo takes two of each kind a day, whatever becomes of them.
    for (n, task) in tasks.iter().enumerate() {
        let payload = bo.mutate("acceptTask", json!({ "id": task["id"] })).await;
        assert_eq!(codes(&payload).len(), usize::from(n == 2), "{payload}");
        if n < 2 {
            bo.mutate_by_id("acceptTask", task).await;
            bo.mutate_by_id("abandonTask", task).await;
            assert_eq!(codes(&bo.mutate("acceptTask", json!({ "id": task["id"] })).await), ["FORBIDDEN"]);
        }
    }
    let items = bo.data("{ items(first: 3) { nodes { id } } }", json!({})).await["items"]["nodes"].clone();
    let mut traded = Vec::new();
    for item in items.as_array().unwrap() {
        traded.push(codes(&bo.trade_item(item, None).await).join(""));
    }
    assert_eq!(traded, ["", "", "RATE_LIMITED"]);
    // What bo has already, bo can take again.
    assert_eq!(bo.trade_item(&items[0], None).await["userErrors"], json!([]));
    app.advance_clock(Duration::from_hours(1));
    let ada = relogin(&app, "ada").await;
    assert_eq!(create(&ada, "k5").await["userErrors"], json!([]));
    assert_eq!(app.audit().await, [""; 0]);
}

async fn relogin(app: &TestApp, name: &str) -> Person {
    let login = "mutation ($a: String!, $p: String!) { login(input: { credential: { password: { account: $a, password: $p } } }) {
        tokens { accessToken refreshToken } user { id } userErrors { code } } }";
    let answer = app.run(login, json!({ "a": name, "p": Person::PASSWORD })).await;
    Person::new(app.address, &answer.data()["login"])
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_a_task_does_not_come_back() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let task = ada.create_task("0").await;
    bo.mutate_by_id("acceptTask", &task).await;
    app.sql().await.batch_execute("update tasks set accepted_at = accepted_at - interval '7 days'").await.unwrap();
    for _ in 0..2 {
        assert_eq!(ada.mutate_by_id("releaseTask", &task).await["status"], "OPEN", "twice is once");
    }
    assert_eq!(user_errors(&bo.mutate("acceptTask", json!({ "id": task["id"] })).await), ["FORBIDDEN id"]);
    let actions = "query ($id: ID!) { task(id: $id) { availableActions } }";
    for (person, shown) in [(&bo, json!([])), (&lan, json!(["ACCEPT"]))] {
        assert_eq!(person.data(actions, json!({ "id": task["id"] })).await["task"]["availableActions"], shown);
    }
    lan.mutate_by_id("acceptTask", &task).await;
    for _ in 0..2 {
        lan.mutate_by_id("abandonTask", &task).await;
    }
    assert_eq!(
        user_errors(&lan.mutate("acceptTask", json!({ "id": task["id"] })).await),
        ["FORBIDDEN id"],
        "nor who gave it up"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_is_what_is_accepted() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.recharge("100").await;
    let task = ada.create_task("80").await;
    let seen = json!({ "id": task["id"], "expectedPrice": "80", "expectedUpdatedAt": task["updatedAt"] });
    ada.mutate_ok("updateTask", json!({ "id": task["id"], "input": { "price": "0.01" } })).await;
    assert_eq!(user_errors(&bo.mutate("acceptTask", seen.clone()).await), ["CONFLICT expectedPrice"]);
    ada.mutate_ok("updateTask", json!({ "id": task["id"], "input": { "price": "80", "content": "整天" } })).await;
    assert_eq!(user_errors(&bo.mutate("acceptTask", seen).await), ["CONFLICT expectedUpdatedAt"]);
    // Changed and accepted at once, again and again: no assignee is bound to content that they did not see.
    for _ in 0..10 {
        let task = ada.create_task("5").await;
        let edit = json!({ "id": task["id"], "input": { "price": "1" } });
        let accept = json!({ "id": task["id"], "expectedPrice": "5" });
        let (edited, accepted) = tokio::join!(ada.mutate("updateTask", edit), bo.mutate("acceptTask", accept));
        let outcomes = (codes(&edited).join(""), codes(&accepted).join(""));
        assert!(
            [("TASK_NOT_OPEN", ""), ("", "CONFLICT")].contains(&(outcomes.0.as_str(), outcomes.1.as_str())),
            "{outcomes:?}"
        );
        if accepted["task"].is_object() {
            assert_eq!(accepted["task"]["price"], "5.00");
            ada.mutate_by_id("finishTask", &task).await;
        }
        ada.recharge("10").await;
    }
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_ends_accepting_and_the_wait_for_an_assignee() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let now = app.app.clock.now();
    let create = async |deadline: chrono::DateTime<chrono::Utc>| {
        let input = json!({ "title": "t", "content": "c", "price": 0, "deadline": deadline });
        ada.mutate("createTask", json!({ "input": input })).await
    };
    for wrong in [now - chrono::TimeDelta::seconds(1), now + chrono::TimeDelta::days(367)] {
        assert_eq!(user_errors(&create(wrong).await), ["OUT_OF_RANGE input.deadline"]);
    }
    let deadline = now + chrono::TimeDelta::minutes(10);
    let (accepted, open) = (create(deadline).await["task"].clone(), create(deadline).await["task"].clone());
    bo.mutate_by_id("acceptTask", &accepted).await;
    assert_eq!(codes(&ada.mutate("releaseTask", json!({ "id": accepted["id"] })).await), ["CONFLICT"]);
    app.advance_clock(Duration::from_secs(601));
    assert_eq!(user_errors(&lan.mutate("acceptTask", json!({ "id": open["id"] })).await), ["CONFLICT id"]);
    let data = lan.data("query ($id: ID!) { task(id: $id) { availableActions } }", json!({ "id": open["id"] })).await;
    assert_eq!(data["task"]["availableActions"], json!([]));
    assert_eq!(
        codes(&ada.mutate("releaseTask", json!({ "id": accepted["id"] })).await),
        ["CONFLICT"],
        "a day at least"
    );
    let sql = "update tasks set accepted_at = accepted_at - interval '1 day' where accepted_at is not null";
    app.sql().await.batch_execute(sql).await.unwrap();
    ada.mutate_by_id("releaseTask", &accepted).await;
    let late = json!({ "id": open["id"], "input": { "deadline": null, "title": "later" } });
    assert_eq!(ada.mutate_ok("updateTask", late).await["deadline"], Value::Null);
    lan.mutate_by_id("acceptTask", &open).await;
}
