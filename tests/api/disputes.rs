//! The second half of a task: submission, dispute and decision; what each side sees, and that money goes where it was decided.

use serde_json::{Value, json};

use crate::harness::accounts::{codes, user_errors};
use crate::harness::{Person, TestApp};

/// A task of ada's that bo has submitted.
async fn submitted(ada: &Person, bo: &Person, price: &str) -> Value {
    let task = ada.create_task(price).await;
    bo.mutate_by_id("acceptTask", &task).await;
    bo.mutate_ok("submitTask", json!({ "id": task["id"], "note": " 放在门口了 " })).await
}

async fn disputed(ada: &Person, bo: &Person, price: &str) -> Value {
    let task = submitted(ada, bo, price).await;
    ada.mutate_ok("disputeTask", json!({ "id": task["id"], "reason": "沙发还在三楼" })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitted_task_is_paid() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.recharge("100").await;
    let task = ada.create_task("10").await;
    bo.mutate_by_id("acceptTask", &task).await;
    let note = |note: Value| json!({ "id": task["id"], "note": note });
    let refused = bo.mutate("submitTask", note(json!("x".repeat(1001)))).await;
    assert_eq!(user_errors(&refused), ["TOO_LONG note"]);
    assert_eq!(user_errors(&bo.mutate("submitTask", note(json!("a\u{7}"))).await), ["INVALID_INPUT note"]);
    let shown = bo.mutate_ok("submitTask", note(json!(" 放在门口了 "))).await;
    assert_eq!(json!([shown["status"], shown["submissionNote"]]), json!(["SUBMITTED", "放在门口了"]));
    let time = |name: &str| shown[name].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    assert_eq!(time("finishesAt") - time("submittedAt"), chrono::TimeDelta::days(7));
    assert_eq!(ada.balances().await, "90.00 10.00");
    let finished = ada.mutate_by_id("finishTask", &task).await;
    assert_eq!(
        json!([finished["status"], finished["paid"], finished["finishesAt"], finished["dispute"]]),
        json!(["FINISHED", "10.00", null, null])
    );
    assert_eq!((ada.balances().await.as_str(), bo.balances().await.as_str()), ("90.00 0.00", "10.00 0.00"));
    assert_eq!(app.query_number("select count(*) from jobs").await, 0);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_pays_splits_or_gives_back() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let admin = app.as_role("admin", "ADMIN").await;
    ada.recharge("100").await;
    for (pay, status, paid, purses) in [
        ("10", "FINISHED", json!("10.00"), ("90.00 0.00", "10.00 0.00")),
        ("3.33", "FINISHED", json!("3.33"), ("86.67 0.00", "13.33 0.00")),
        ("0", "CANCELLED", Value::Null, ("86.67 0.00", "13.33 0.00")),
    ] {
        let task = disputed(&ada, &bo, "10").await;
        assert_eq!(json!([task["status"], task["dispute"]["resolvedAt"]]), json!(["DISPUTED", null]));
        let resolve = |pay: &str, note: &str| json!({ "id": task["id"], "payToAssignee": pay, "note": note });
        for (pay, note, fault) in [
            ("10.01", "n", "OUT_OF_RANGE payToAssignee"),
            ("-0.01", "n", "OUT_OF_RANGE payToAssignee"),
            (pay, " ", "REQUIRED note"),
            (pay, &"x".repeat(1001), "TOO_LONG note"),
        ] {
            assert_eq!(user_errors(&admin.mutate("resolveTask", resolve(pay, note)).await), [fault]);
        }
        let resolved = admin.mutate_ok("resolveTask", resolve(pay, "看了照片")).await;
        assert_eq!(json!([resolved["status"], resolved["paid"]]), json!([status, paid]));
        assert_eq!((ada.balances().await.as_str(), bo.balances().await.as_str()), purses, "{pay}");
        // Both sides read the note; others don't learn that there was a dispute.
        let look = "query ($id: ID!) { task(id: $id) { content submissionNote dispute { openedBy { username } reason resolution
            paidToAssignee } } }";
        for (person, sees) in [(&ada, true), (&bo, true), (&admin, true), (&lan, false)] {
            let seen = person.data(look, json!({ "id": task["id"] })).await["task"].clone();
            let amount = format!("{:.2}", pay.parse::<f64>().unwrap());
            let dispute = json!({ "openedBy": { "username": "ada" }, "reason": "沙发还在三楼", "resolution": "看了照片", "paidToAssignee": amount });
            let expected = match (sees, status) {
                (true, _) => json!({ "content": "三楼，没有电梯", "submissionNote": "放在门口了", "dispute": dispute }),
                (false, "CANCELLED") => Value::Null,
                (false, _) => json!({ "content": null, "submissionNote": null, "dispute": null }),
            };
            assert_eq!(seen, expected);
        }
        // The same decision again is the same answer; another one is none.
        assert_eq!(admin.mutate_ok("resolveTask", resolve(pay, "看了照片")).await["status"], status);
        assert_eq!(codes(&admin.mutate("resolveTask", resolve(pay, "another")).await), ["ILLEGAL_TRANSITION"]);
        assert_eq!(app.audit().await, [""; 0]);
    }
    assert_eq!(
        ada.ledger_entries().await[..3],
        ["TASK_RELEASE 10.00 86.67", "TASK_HOLD -10.00 76.67", "TASK_RELEASE 6.67 86.67"]
    );
    // Of a reward of nothing there is nothing to give back.
    let free = disputed(&ada, &bo, "0").await;
    let resolved =
        admin.mutate_ok("resolveTask", json!({ "id": free["id"], "payToAssignee": "0", "note": "done" })).await;
    assert_eq!(resolved["status"], "FINISHED");
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn either_side_can_give_in() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    ada.recharge("100").await;
    let task = submitted(&ada, &bo, "10").await;
    for (reason, code) in [("", "REQUIRED"), ("a\u{0}", "INVALID_INPUT")] {
        assert_eq!(codes(&bo.mutate("disputeTask", json!({ "id": task["id"], "reason": reason })).await), [code]);
    }
    let dispute = json!({ "id": task["id"], "reason": "ada does not answer" });
    for _ in 0..2 {
        assert_eq!(bo.mutate_ok("disputeTask", dispute.clone()).await["status"], "DISPUTED");
    }
    assert_eq!(app.query_number("select count(*) from task_disputes").await, 1);
    let finished = ada.mutate_by_id("finishTask", &task).await;
    assert_eq!(
        json!([
            finished["dispute"]["openedBy"]["id"],
            finished["dispute"]["resolution"],
            finished["dispute"]["paidToAssignee"]
        ]),
        json!([bo.id, null, "10.00"])
    );
    // An assignee who gives in leaves the task to others, and the reward where it is.
    let task = disputed(&ada, &bo, "20").await;
    assert_eq!(bo.mutate_by_id("abandonTask", &task).await["dispute"]["paidToAssignee"], "0.00");
    assert_eq!(ada.balances().await, "70.00 20.00");
    lan.mutate_by_id("acceptTask", &task).await;
    let look = "query ($id: ID!) { task(id: $id) { dispute { reason } } }";
    assert_eq!(
        lan.data(look, json!({ "id": task["id"] })).await["task"]["dispute"],
        Value::Null,
        "it was not with lan"
    );
    lan.mutate_by_id("submitTask", &task).await;
    lan.mutate_ok("disputeTask", json!({ "id": task["id"], "reason": "another" })).await;
    assert_eq!(lan.data(look, json!({ "id": task["id"] })).await["task"]["dispute"]["reason"], "another");
    assert_eq!(app.audit().await, [""; 0]);
}

/// Administrators hear of disputes at once, and of their end; of other tasks they hear nothing.
#[tokio::test(flavor = "multi_thread")]
async fn administrators_hear_of_disputes() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let (admin, lan) = (app.as_role("admin", "ADMIN").await, app.as_user("lan").await);
    ada.recharge("100").await;
    let (mut at_admin, mut at_lan) = (admin.socket().await, lan.socket().await);
    let updated = "subscription { taskUpdated { status dispute { reason } } }";
    at_admin.subscribe_live(&app, updated, json!({})).await;
    at_lan.subscribe_live(&app, updated, json!({})).await;
    let task = submitted(&ada, &bo, "10").await;
    ada.mutate_ok("disputeTask", json!({ "id": task["id"], "reason": "why" })).await;
    assert_eq!(at_admin.next().await["taskUpdated"], json!({ "status": "DISPUTED", "dispute": { "reason": "why" } }));
    let waiting = admin.data("{ tasks(filter: { status: [DISPUTED] }) { nodes { id } } }", json!({})).await;
    assert_eq!(waiting["tasks"]["nodes"], json!([{ "id": task["id"] }]));
    admin.mutate_ok("resolveTask", json!({ "id": task["id"], "payToAssignee": "1", "note": "n" })).await;
    assert_eq!(at_admin.next().await["taskUpdated"]["status"], "FINISHED");
    lan.create_task("0").await;
    assert_eq!(at_lan.next().await["taskUpdated"]["status"], "OPEN", "the first that lan hears of is lan's own");
}

/// What was said of a task is the two sides' once it is accepted, in search as well, and gone once they left.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_says_is_private_once_it_is_accepted() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    let picture = ada.upload_picture().await;
    let input = json!({ "title": "代取快递", "content": "送到六号楼 412", "price": "0", "imageIds": [picture] });
    let task = ada.mutate_ok("createTask", json!({ "input": input })).await;
    let look = "query ($id: ID!) { task(id: $id) { title content images { id } }
        tasks(filter: { query: \"六号楼\" }) { totalCount } byTitle: tasks(filter: { query: \"快递\" }) { totalCount } }";
    let seen = async |person: &Person| person.data(look, json!({ "id": task["id"] })).await;
    let open = json!({ "title": "代取快递", "content": "送到六号楼 412", "images": [{ "id": picture }] });
    let closed = json!({ "title": "代取快递", "content": null, "images": [] });
    let found = |task: &Value, by_content: i32| json!({ "task": task, "tasks": { "totalCount": by_content }, "byTitle": { "totalCount": 1 } });
    assert_eq!(seen(&lan).await, found(&open, 1));
    bo.mutate_by_id("acceptTask", &task).await;
    assert_eq!(seen(&lan).await, found(&closed, 0));
    assert_eq!(app.run(look, json!({ "id": task["id"] })).await.body["data"], found(&closed, 0), "without a token");
    assert_eq!(seen(&bo).await, found(&open, 0));
    bo.mutate_by_id("abandonTask", &task).await;
    assert_eq!(seen(&lan).await, found(&open, 1), "open again");
    let two = app.as_user("two").await;
    two.mutate_by_id("acceptTask", &task).await;
    let submission = json!({ "id": task["id"], "note": "钥匙在地垫下" });
    two.mutate_ok("submitTask", submission.clone()).await;
    two.mutate_ok("submitTask", submission).await;
    let other = json!({ "id": task["id"], "note": "another" });
    assert_eq!(codes(&two.mutate("submitTask", other).await), ["ILLEGAL_TRANSITION"], "that was not what was said");
    ada.mutate_by_id("finishTask", &task).await;
    assert_eq!(seen(&lan).await, found(&closed, 0));
    let leave = "mutation ($id: ID!) { deleteUser(id: $id) { userErrors { code } } }";
    for (person, left) in [(&ada, "送到六号楼 412"), (&two, "钥匙在地垫下")] {
        assert_eq!(person.data(leave, json!({ "id": person.id })).await["deleteUser"]["userErrors"], json!([]));
        let kept = format!("select count(*) from tasks where content = '{left}' or submission_note = '{left}'");
        assert_eq!(app.query_number(&kept).await, 0, "{left}");
    }
    assert_eq!(app.query_number("select count(*) from task_images").await, 0);
    assert_eq!(app.audit().await, [""; 0]);
}
