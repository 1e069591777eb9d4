//! Scheduled work: done once, at its time, by whichever instance leads then; what fails holds up nothing else.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Person, TestApp, cluster, until};

async fn submitted(ada: &Person, bo: &Person, price: &str) -> Value {
    let task = ada.create_task(price).await;
    bo.mutate_by_id("acceptTask", &task).await;
    bo.mutate_by_id("submitTask", &task).await
}

async fn finished(app: &TestApp) -> i64 {
    app.query_number("select count(*) from tasks where status = 'FINISHED'").await
}

const WEEK: Duration = Duration::from_hours(7 * 24);

#[tokio::test(flavor = "multi_thread")]
async fn a_submitted_task_is_finished_by_itself() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.recharge("100").await;
    let (task, disputed) = (submitted(&ada, &bo, "10").await, submitted(&ada, &bo, "20").await);
    ada.mutate_ok("disputeTask", json!({ "id": disputed["id"], "reason": "no" })).await;
    let mut socket = bo.socket().await;
    let updated = "subscription { taskUpdated { status paid finishedAt } }";
    socket.subscribe_live(&app, updated, json!({})).await;
    app.advance_clock(WEEK.saturating_sub(Duration::from_mins(1)));
    until("the leader looked", || async { app.app.events.is_leading() }).await;
    assert_eq!(finished(&app).await, 0);
    app.advance_clock(Duration::from_secs(61));
    until("it is finished", || async { finished(&app).await == 1 }).await;
    let told = socket.next().await["taskUpdated"].clone();
    assert_eq!(json!([told["status"], told["paid"]]), json!(["FINISHED", "10.00"]));
    // The ledger names no user as the actor.
    let actors = "select count(actor_id) from ledger_transfers where reason = 'TASK_PAYOUT'";
    assert_eq!(app.query_number(actors).await, 0);
    assert_eq!(app.query_number("select balance from wallets where held = 0 and balance > 0").await, 1000);
    assert_eq!(app.query_number("select count(*) from jobs").await, 0);
    let key = plaza::ids::TaskId::parse(task["id"].as_str().unwrap()).unwrap().0;
    assert_eq!(app.query_number(&format!("select id from tasks where status = 'FINISHED' and id = {key}")).await, key);
    assert_eq!(app.audit().await, [""; 0]);
}

/// A job outlives the instance that made it, and of two instances one does it.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_once_on_the_leader() {
    let app = TestApp::on_database(cluster().database().await, &[]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.recharge("100").await;
    for _ in 0..5 {
        submitted(&ada, &bo, "1").await;
    }
    let url = app.url.clone();
    drop(app);
    let (first, second) = (TestApp::on_database(url.clone(), &[]).await, TestApp::on_database(url, &[]).await);
    first.advance_clock(WEEK);
    second.advance_clock(WEEK);
    until("all are finished", || async { finished(&first).await == 5 }).await;
    assert_eq!(first.query_number("select count(*) from ledger_transfers where reason = 'TASK_PAYOUT'").await, 5);
    assert_eq!(second.audit().await, [""; 0]);
}

/// A user finishes, disputes or gives up a task at the very moment at which its job runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_job_beside_those_it_is_about() {
    let app = TestApp::with(&[("PLAZA_TASK_REVIEW_SECONDS", "1"), ("PLAZA_LIMIT_ACCEPTED_TASKS", "100")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.recharge("100").await;
    let mut tasks = Vec::new();
    for _ in 0..30 {
        tasks.push(submitted(&ada, &bo, "1").await);
    }
    let ends = tasks.iter().enumerate().map(async |(n, task)| {
        let due: chrono::DateTime<chrono::Utc> = task["finishesAt"].as_str().unwrap().parse().unwrap();
        // The job comes up to a second after that; these are spread over it.
        let at = due + chrono::TimeDelta::milliseconds(i64::try_from(n).unwrap() * 40);
        until("its time comes", || async { app.app.clock.now() >= at }).await;
        let id = json!({ "id": task["id"], "reason": "late" });
        match n % 3 {
            0 => ada.mutate("finishTask", json!({ "id": id["id"] })).await,
            1 => ada.mutate("disputeTask", id).await,
            _ => bo.mutate("abandonTask", json!({ "id": id["id"] })).await,
        }
    });
    futures_util::future::join_all(ends).await;
    until("none waits", || async {
        app.query_number("select count(*) from tasks where status = 'SUBMITTED'").await == 0
    })
    .await;
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_holds_up_no_other() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.recharge("100").await;
    let poison = submitted(&ada, &bo, "1").await;
    let key = plaza::ids::TaskId::parse(poison["id"].as_str().unwrap()).unwrap().0;
    for _ in 0..3 {
        submitted(&ada, &bo, "1").await;
    }
    let sql = app.sql().await;
    // And one that another version of Plaza understands.
    let set_up = format!(
        "create function fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
         create trigger fail before update on tasks for each row when (old.id = {key}) execute function fail();
         insert into jobs (kind, subject_id, due_at, next_try_at) values ('OF_TOMORROW', 1, '2020-01-01Z', '2020-01-01Z')"
    );
    sql.batch_execute(&set_up).await.unwrap();
    app.advance_clock(WEEK);
    until("the others are finished", || async { finished(&app).await == 3 }).await;
    until("it was tried", || async { app.query_number("select max(failures)::bigint from jobs").await > 0 }).await;
    sql.batch_execute("drop trigger fail on tasks").await.unwrap();
    until("it is done after all", || async {
        app.advance_clock(Duration::from_secs(1));
        finished(&app).await == 4
    })
    .await;
    assert_eq!(app.query_number("select count(*) from jobs").await, 1);
    let findings = app.audit().await;
    assert!(findings.len() == 1 && findings[0].contains("OF_TOMORROW"), "{findings:?}");
}
