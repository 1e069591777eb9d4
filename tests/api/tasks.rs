//! Tasks: what holds the reward, gives it back and pays it; who may do what; one winner of many.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::market::titles;
use crate::harness::{Person, TestApp, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_reward_is_held_then_paid() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let refused = ada.mutate("createTask", json!({ "input": { "title": "t", "content": "c", "price": "30" } })).await;
    assert_eq!(user_errors(&refused), ["INSUFFICIENT_BALANCE input.price"]);
    assert_eq!(
        json!([refused["userErrors"][0]["balance"], refused["userErrors"][0]["required"]]),
        json!(["0.00", "30.00"])
    );
    ada.recharge("100").await;
    let task = ada.create_task("30").await;
    assert_eq!(ada.balances().await, "70.00 30.00");
    assert_eq!(
        json!([task["status"], task["publisher"]["id"], task["assignee"], task["availableActions"]]),
        json!(["OPEN", ada.id, null, ["EDIT", "CANCEL"]])
    );
    for (price, purse) in [("45.50", "54.50 45.50"), ("10", "90.00 10.00"), ("10", "90.00 10.00")] {
        ada.mutate_ok("updateTask", json!({ "id": task["id"], "input": { "price": price } })).await;
        assert_eq!(ada.balances().await, purse);
    }
    assert_eq!(
        user_errors(&ada.mutate("updateTask", json!({ "id": task["id"], "input": { "price": "100.01" } })).await),
        ["INSUFFICIENT_BALANCE input.price"]
    );
    let accepted = bo.mutate_by_id("acceptTask", &task).await;
    assert_eq!(
        json!([accepted["status"], accepted["assignee"]["id"], accepted["availableActions"]]),
        json!(["ACCEPTED", bo.id, ["ABANDON", "SUBMIT"]])
    );
    assert!(accepted["acceptedAt"].is_string() && accepted["finishedAt"].is_null());
    let finished = ada.mutate_by_id("finishTask", &task).await;
    assert!(finished["finishedAt"].is_string());
    assert_eq!(json!([finished["status"], finished["availableActions"]]), json!(["FINISHED", []]));
    assert_eq!((ada.balances().await.as_str(), bo.balances().await.as_str()), ("90.00 0.00", "10.00 0.00"));
    assert_eq!(bo.ledger_entries().await, ["TASK_PAYOUT 10.00 10.00"]);
    assert_eq!(
        ada.ledger_entries().await,
        ["TASK_RELEASE 35.50 90.00", "TASK_HOLD -15.50 54.50", "TASK_HOLD -30.00 70.00", "RECHARGE 100.00 100.00"]
    );
    let of = "{ viewer { wallet { entries(first: 1) { nodes { task { id title } order { id } } } } } }";
    let entry = bo.data(of, json!({})).await["viewer"]["wallet"]["entries"]["nodes"][0].clone();
    assert_eq!(entry, json!({ "task": { "id": task["id"], "title": "搬沙发" }, "order": null }));
    // Nothing for a reward of nothing.
    let free = ada.create_task("0").await;
    bo.mutate_by_id("acceptTask", &free).await;
    ada.mutate_by_id("finishTask", &free).await;
    assert_eq!((ada.ledger_entries().await.len(), bo.ledger_entries().await.len()), (4, 1));
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_t_is_told_why() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let admin = app.as_role("admin", "ADMIN").await;
    ada.recharge("100").await;
    let task = ada.create_task("10").await;
    let id = json!({ "id": task["id"] });
    let edit = json!({ "id": task["id"], "input": { "title": "other" } });
    let fault = async |person: &Person, field: &str| {
        let variables = if field == "updateTask" { edit.clone() } else { id.clone() };
        user_errors(&person.mutate(field, variables).await).join(", ")
    };
    assert_eq!(fault(&ada, "acceptTask").await, "OWN_TASK id");
    for field in ["updateTask", "cancelTask", "releaseTask", "finishTask", "abandonTask"] {
        assert_eq!(fault(&bo, field).await, "FORBIDDEN id", "{field}");
    }
    for field in ["finishTask", "releaseTask"] {
        let payload = ada.mutate(field, id.clone()).await;
        assert_eq!(codes(&payload), ["ILLEGAL_TRANSITION"], "{field}");
        assert_eq!(
            json!([payload["userErrors"][0]["from"], payload["userErrors"][0]["allowed"]]),
            json!(["OPEN", ["CANCELLED"]])
        );
    }
    bo.mutate_by_id("acceptTask", &task).await;
    assert_eq!(fault(&lan, "acceptTask").await, "TASK_NOT_OPEN id");
    assert_eq!(fault(&lan, "abandonTask").await, "FORBIDDEN id");
    assert_eq!(fault(&bo, "finishTask").await, "FORBIDDEN id");
    for field in ["updateTask", "cancelTask"] {
        assert_eq!(fault(&ada, field).await, "TASK_NOT_OPEN id", "{field}");
    }
    // Given up, taken on again; taken back after seven silent days, or at any time by an administrator.
    assert_eq!(bo.mutate_by_id("abandonTask", &task).await["assignee"], Value::Null);
    lan.mutate_by_id("acceptTask", &task).await;
    let back = async |days: i32| {
        let sql = format!("update tasks set accepted_at = accepted_at - interval '{days} days'");
        app.sql().await.execute(&sql, &[]).await.unwrap();
    };
    back(6).await;
    assert_eq!(fault(&ada, "releaseTask").await, "CONFLICT id");
    back(1).await;
    let looked = ada.data("query ($id: ID!) { task(id: $id) { availableActions } }", id.clone()).await;
    assert_eq!(looked["task"]["availableActions"], json!(["FINISH", "RELEASE"]));
    assert_eq!(ada.mutate_by_id("releaseTask", &task).await["status"], "OPEN");
    let three = app.as_user("three").await;
    three.mutate_by_id("acceptTask", &task).await;
    admin.mutate_by_id("releaseTask", &task).await;
    assert_eq!(fault(&three, "acceptTask").await, "FORBIDDEN id", "who had it does not come back");
    let two = app.as_user("two").await;
    two.mutate_by_id("acceptTask", &task).await;
    assert_eq!(ada.balances().await, "90.00 10.00");
    // Called off by an administrator, it is seen by those it concerned.
    assert_eq!(admin.mutate_by_id("cancelTask", &task).await["status"], "CANCELLED");
    assert_eq!(ada.balances().await, "100.00 0.00");
    assert_eq!(admin.mutate_by_id("cancelTask", &task).await["status"], "CANCELLED", "twice is once");
    let payload = admin.mutate("releaseTask", id.clone()).await;
    assert_eq!((codes(&payload), &payload["userErrors"][0]["allowed"]), (vec!["ILLEGAL_TRANSITION"], &json!([])));
    for (person, sees) in [(&ada, true), (&two, true), (&admin, true), (&lan, false)] {
        let data = person.data("query ($id: ID!) { task(id: $id) { id } node(id: $id) { id } }", id.clone()).await;
        assert_eq!((data["task"].is_object(), data["node"].is_object()), (sees, sees));
    }
    assert_eq!(fault(&lan, "acceptTask").await, "TASK_NOT_OPEN id");
    for field in ["updateTask", "cancelTask", "releaseTask", "finishTask", "abandonTask"] {
        assert_eq!(fault(&lan, field).await, "NOT_FOUND id", "{field}");
    }
    assert_eq!(fault(&admin, "finishTask").await, "FORBIDDEN id");
    for nothing in ["nonsense".to_owned(), plaza::ids::TaskId(999).global().0, plaza::ids::ItemId(1).global().0] {
        assert_eq!(user_errors(&ada.mutate("acceptTask", json!({ "id": nothing })).await), ["NOT_FOUND id"]);
    }
    // An administrator corrects an open one, but not what its publisher pays.
    let task = ada.create_task("10").await;
    let dearer = json!({ "id": task["id"], "input": { "price": "20", "content": " 四楼 " } });
    assert_eq!(user_errors(&admin.mutate("updateTask", dearer).await), ["FORBIDDEN input.price"]);
    admin.mutate_ok("updateTask", json!({ "id": task["id"], "input": { "price": "10", "content": " 四楼 " } })).await;
    assert_eq!(ada.balances().await, "90.00 10.00");
    assert_eq!(ada.mutate_by_id("cancelTask", &task).await["content"], "四楼");
    assert_eq!((ada.balances().await.as_str(), admin.balances().await.as_str()), ("100.00 0.00", "0.00 0.00"));
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_is_none_is_refused_all_at_once() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.recharge("100").await;
    let image = bo.upload_picture().await;
    let create = async |input: Value| user_errors(&ada.mutate("createTask", json!({ "input": input })).await);
    assert_eq!(
        create(json!({ "title": " ", "content": "", "price": "-0.01", "imageIds": ["x", "x"] })).await,
        ["REQUIRED input.title", "REQUIRED input.content", "OUT_OF_RANGE input.price"]
    );
    assert_eq!(
        create(json!({ "title": "x".repeat(101), "content": "x".repeat(5001), "price": "100000000", "imageIds": vec!["x"; 10] })).await,
        ["TOO_LONG input.title", "TOO_LONG input.content", "OUT_OF_RANGE input.price", "TOO_MANY_FILES input.imageIds"]
    );
    assert_eq!(create(json!({ "title": "a\nb", "content": "c", "price": 1 })).await, ["INVALID_INPUT input.title"]);
    assert_eq!(
        create(json!({ "title": "a", "content": "c", "price": 1, "imageIds": [image, "x"] })).await,
        ["NOT_FOUND input.imageIds.0", "NOT_FOUND input.imageIds.1"]
    );
    let task = ada.create_task("1").await;
    let nulls = json!({ "title": null, "content": null, "price": null, "imageIds": null });
    let update = ada.mutate("updateTask", json!({ "id": task["id"], "input": nulls })).await;
    assert_eq!(codes(&update), ["REQUIRED"; 4]);
    // A user who may not change it learns nothing about the owners of pictures.
    let own = ada.upload_picture().await;
    for picture in [&own, &image, "x"] {
        let update = json!({ "id": task["id"], "input": { "imageIds": [picture] } });
        assert_eq!(user_errors(&bo.mutate("updateTask", update).await), ["FORBIDDEN id"]);
    }
    let nowhere = json!({ "id": plaza::ids::TaskId(999).global().0, "input": { "imageIds": [own] } });
    assert_eq!(user_errors(&ada.mutate("updateTask", nowhere).await), ["NOT_FOUND id"]);
    // Nothing said is nothing changed, and a key of it is known.
    let changed_at = app.query_number("select max(extract(epoch from updated_at) * 1000000)::bigint from tasks").await;
    let nothing = json!({ "id": task["id"], "input": {}, "idempotencyKey": "nothing" });
    for _ in 0..2 {
        ada.mutate_ok("updateTask", nothing.clone()).await;
    }
    assert_eq!(
        app.query_number("select max(extract(epoch from updated_at) * 1000000)::bigint from tasks").await,
        changed_at
    );
    assert_eq!(app.audit().await, [""; 0]);
    let shown = ada.mutate_ok("updateTask", json!({ "id": task["id"], "input": { "imageIds": [own] } })).await;
    assert_eq!(shown["images"][0]["id"], own);
    let delete =
        ada.data("mutation ($id: ID!) { deleteFile(id: $id) { userErrors { code } } }", json!({ "id": own })).await;
    assert_eq!(codes(&delete["deleteFile"]), ["CONFLICT"], "a task shows it");
    assert_eq!(ada.balances().await, "99.00 1.00");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_ordered_and_searched() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.recharge("1000").await;
    bo.recharge("1000").await;
    let publish = async |person: &Person, title: &str, price: &str| {
        let input = json!({ "title": title, "content": "代取快递或别的", "price": price });
        person.mutate_ok("createTask", json!({ "input": input })).await
    };
    let walk = publish(&ada, "遛狗 walk the dog", "30").await;
    let fetch = publish(&ada, "取快递", "5").await;
    let teach = publish(&bo, "教吉他 guitar", "80").await;
    let gone = publish(&bo, "不要了", "1").await;
    bo.mutate_by_id("cancelTask", &gone).await;
    bo.mutate_by_id("acceptTask", &walk).await;
    ada.mutate_by_id("acceptTask", &teach).await;
    bo.mutate_by_id("finishTask", &teach).await;
    let list = async |person: &Person, arguments: &str| {
        let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
        let data = person.data(&format!("{{ tasks{arguments} {{ totalCount nodes {{ title }} }} }}"), json!({})).await;
        let titles = titles(&data["tasks"]["nodes"]);
        assert_eq!(data["tasks"]["totalCount"], titles.len());
        titles.iter().map(|title| title.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list(&ada, "").await, "教吉他 取快递 遛狗");
    assert_eq!(list(&ada, "orderBy: { field: PRICE, direction: ASC }").await, "取快递 遛狗 教吉他");
    assert_eq!(list(&ada, "orderBy: { field: CREATED_AT, direction: ASC }").await, "遛狗 取快递 教吉他");
    assert_eq!(list(&ada, "filter: { status: [OPEN] }").await, "取快递");
    assert_eq!(list(&ada, "filter: { status: [ACCEPTED, FINISHED] }").await, "教吉他 遛狗");
    assert_eq!(list(&ada, "filter: { status: [CANCELLED] }").await, "");
    assert_eq!(list(&bo, "filter: { status: [CANCELLED] }").await, "不要了");
    assert_eq!(list(&ada, "filter: { status: [] }").await, "");
    assert_eq!(list(&ada, "filter: { price: { min: \"5\", max: \"30\" } }").await, "取快递 遛狗");
    assert_eq!(list(&ada, &format!("filter: {{ publisherId: \"{}\" }}", ada.id)).await, "取快递 遛狗");
    assert_eq!(list(&ada, &format!("filter: {{ assigneeId: \"{}\" }}", bo.id)).await, "遛狗");
    assert_eq!(list(&ada, "filter: { query: \"吉他\" }").await, "教吉他");
    assert_eq!(
        list(&ada, "filter: { query: \"快递\", status: [OPEN, FINISHED] }").await,
        "取快递",
        "open ones by content"
    );
    assert_eq!(list(&ada, "filter: { query: \"吉他\" }, orderBy: { field: PRICE }").await, "教吉他");
    assert_eq!(list(&ada, "filter: { query: \"不要了\" }").await, "");
    assert_eq!(list(&ada, "filter: { query: \"guitr\" }").await, "教吉他", "a slip");
    // Pages, both ways, by what they pay.
    let page = "query ($after: String, $before: String, $first: Int, $last: Int) {
        tasks(orderBy: { field: PRICE }, first: $first, after: $after, last: $last, before: $before) {
        nodes { price } pageInfo { startCursor endCursor hasNextPage } } }";
    let mut after = Value::Null;
    for (price, more) in [("80.00", true), ("30.00", true), ("5.00", false)] {
        let tasks = ada.data(page, json!({ "first": 1, "after": after })).await["tasks"].clone();
        assert_eq!(json!([tasks["nodes"][0]["price"], tasks["pageInfo"]["hasNextPage"]]), json!([price, more]));
        after = tasks["pageInfo"]["endCursor"].clone();
    }
    let back = ada.data(page, json!({ "last": 5, "before": after })).await["tasks"]["nodes"].clone();
    assert_eq!(back, json!([{ "price": "80.00" }, { "price": "30.00" }]));
    assert_eq!(
        ada.run("query ($c: String) { tasks(after: $c) { nodes { id } } }", json!({ "c": after })).await.code(),
        "BAD_USER_INPUT"
    );
    // One's own, with what was called off.
    let own = "query ($f: TaskFilter) { viewer { publishedTasks(filter: $f) { totalCount nodes { title } } acceptedTasks(filter: $f) { nodes { title } } } }";
    let data = bo.data(own, json!({})).await["viewer"].clone();
    assert_eq!(
        (titles(&data["publishedTasks"]["nodes"]), titles(&data["acceptedTasks"]["nodes"])),
        (vec!["不要了".into(), "教吉他 guitar".into()], vec!["遛狗 walk the dog".into()])
    );
    let data = bo.data(own, json!({ "f": { "status": ["FINISHED"], "publisherId": ada.id } })).await["viewer"].clone();
    assert_eq!(
        json!([data["publishedTasks"], data["acceptedTasks"]]),
        json!([{ "totalCount": 0, "nodes": [] }, { "nodes": [] }])
    );
    // And by words of all kinds.
    let found = "query ($q: String!) { search(query: $q, kinds: [TASK]) { totalCount nodes { ... on Task { id } } } }";
    let data = ada.data(found, json!({ "q": "取快递" })).await["search"].clone();
    assert_eq!(
        json!([data["totalCount"], data["nodes"][0]["id"]]),
        json!([1, fetch["id"]]),
        "the others' contents are not public"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_who_accept_one_does_it_and_it_is_paid_or_given_back_once() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let ada = app.as_user("ada").await;
    ada.recharge("1000").await;
    let admin = app.as_role("admin", "ADMIN").await;
    let mut people = Vec::new();
    for n in 0..10 {
        people.push(app.as_user(&format!("p{n}")).await);
    }
    for round in 0..4 {
        let task = ada.create_task("10").await;
        let id = json!({ "id": task["id"] });
        let everywhere = |n: usize, person: &Person| {
            person.on_instance(if n.is_multiple_of(2) { app.address } else { other.address }).retrying_overload()
        };
        let tries = join_all((0..50).map(|n| {
            let (person, id) = (everywhere(n, &people[n % 10]), id.clone());
            async move { (person.id.clone(), person.mutate("acceptTask", id).await) }
        }));
        let (outcomes, cancelled) = tokio::join!(tries, async {
            if round % 2 == 0 { ada.mutate("cancelTask", id.clone()).await } else { json!({ "userErrors": [{}] }) }
        });
        // Who has it may ask again.
        let winners: BTreeSet<&String> =
            outcomes.iter().filter(|(_, payload)| payload["task"].is_object()).map(|(id, _)| id).collect();
        let cancelled = cancelled["userErrors"] == json!([]);
        assert_eq!(winners.len(), usize::from(!cancelled), "{outcomes:?}");
        for (_, payload) in &outcomes {
            assert!(payload["task"].is_object() || codes(payload) == ["TASK_NOT_OPEN"], "{payload}");
        }
        // Finished, given up and called off at once, by many: one of them comes first, and the money moves once.
        let ends = join_all((0..30).map(|n| {
            let (person, field) = match n % 3 {
                0 => (everywhere(n, &ada), "finishTask"),
                1 => (everywhere(n, &admin), "cancelTask"),
                _ => (everywhere(n, &admin), "releaseTask"),
            };
            let id = id.clone();
            async move { (field, person.mutate(field, id).await["userErrors"] == json!([])) }
        }));
        let ends: Vec<&str> = ends.await.into_iter().filter(|(_, done)| *done).map(|(field, _)| field).collect();
        // Each may be repeated; but not both come true.
        assert!(!(ends.contains(&"finishTask") && ends.contains(&"cancelTask")), "{ends:?}");
        assert_eq!(app.audit().await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_parties_hear_of_it() {
    const UPDATED: &str =
        "subscription ($id: ID) { taskUpdated(taskId: $id) { status assignee { username } availableActions } }";
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    ada.recharge("100").await;
    let (task, other) = (ada.create_task("10").await, ada.create_task("1").await);
    let (mut at_ada, mut at_bo, mut at_lan) = (ada.socket().await, bo.socket().await, lan.socket().await);
    at_ada.subscribe_live(&app, UPDATED, json!({ "id": task["id"] })).await;
    at_bo.subscribe_live(&app, UPDATED, json!({})).await;
    at_lan.subscribe_live(&app, UPDATED, json!({})).await;
    let cursor = bo.event_cursor().await;
    let said = |status: &str, who: Value, actions: Value| json!({ "taskUpdated": { "status": status, "assignee": who, "availableActions": actions } });
    ada.mutate_ok("updateTask", json!({ "id": other["id"], "input": { "title": "not this one" } })).await;
    bo.mutate_by_id("acceptTask", &task).await;
    assert_eq!(at_ada.next().await, said("ACCEPTED", json!({ "username": "bo" }), json!(["FINISH"])));
    assert_eq!(at_bo.next().await, said("ACCEPTED", json!({ "username": "bo" }), json!(["ABANDON", "SUBMIT"])));
    bo.mutate_by_id("abandonTask", &task).await;
    assert_eq!(at_ada.next().await["taskUpdated"]["status"], "OPEN");
    assert_eq!(at_bo.next().await, said("OPEN", Value::Null, json!([])), "who gave it up hears of it, too");
    lan.mutate_by_id("acceptTask", &task).await;
    ada.mutate_by_id("finishTask", &task).await;
    for status in ["ACCEPTED", "FINISHED"] {
        assert_eq!(at_lan.next().await["taskUpdated"]["status"], status);
    }
    let since = "query ($c: String!) { viewer { eventsSince(after: $c) { nodes { payload { __typename ... on TaskChanged { task { id status } } } } } } }";
    let data = bo.data(since, json!({ "c": cursor })).await["viewer"]["eventsSince"]["nodes"].clone();
    let payload =
        json!({ "payload": { "__typename": "TaskChanged", "task": { "id": task["id"], "status": "FINISHED" } } });
    assert_eq!(data, json!([payload, payload]), "as it is when delivered");
    // What is hidden by now does not keep anybody from what follows it.
    let cursor = bo.event_cursor().await;
    for _ in 0..3 {
        let task = ada.create_task("0").await;
        bo.mutate_by_id("acceptTask", &task).await;
        bo.mutate_by_id("abandonTask", &task).await;
        ada.mutate_by_id("cancelTask", &task).await;
    }
    bo.mutate_by_id("acceptTask", &ada.create_task("0").await).await;
    let (waiting, head) = ("select count(*) from outbox", "select head from event_stream");
    until("all of it is there", || async {
        app.query_number(waiting).await == 0 && app.query_number(head).await == app.app.events.head().position
    })
    .await;
    let page = "query ($c: String!) { viewer { eventsSince(after: $c, first: 2) { nodes { cursor } pageInfo { endCursor hasNextPage } } } }";
    let (mut cursor, mut seen) = (json!(cursor), 0);
    for turn in 0.. {
        let data = bo.data(page, json!({ "c": cursor })).await["viewer"]["eventsSince"].clone();
        seen += data["nodes"].as_array().unwrap().len();
        cursor = data["pageInfo"]["endCursor"].clone();
        if data["pageInfo"]["hasNextPage"] == false {
            break;
        }
        assert!(turn < 9, "it does not come past what is hidden");
    }
    assert_eq!(seen, 1);
    let mut socket = bo.socket().await;
    socket.subscribe(UPDATED, json!({ "id": plaza::ids::TaskId(999).global().to_string() })).await;
    assert_eq!(socket.receive().await["payload"][0]["extensions"]["code"], "FORBIDDEN");
}
