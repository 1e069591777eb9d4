//! Every action on a task, from every state, by everybody: who may, what the others are told, and that a refusal changes
//! nothing.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::actions::actions;
use crate::harness::money::document;
use crate::harness::{Person, TestApp};

const STATES: [&str; 6] = ["OPEN", "ACCEPTED", "SUBMITTED", "DISPUTED", "FINISHED", "CANCELLED"];

const ACTIONS: [&str; 9] = [
    "updateTask",
    "acceptTask",
    "abandonTask",
    "submitTask",
    "finishTask",
    "disputeTask",
    "releaseTask",
    "cancelTask",
    "resolveTask",
];

const ROLES: [&str; 6] = ["publisher", "assignee", "stranger", "administrator", "suspended", "left"];

/// By state and action: publisher, assignee, stranger, administrator. In the open state the assignee is one who gave it up
/// before; `same` is a repeat of what this person did, which changes nothing.
const EXPECTED: &str = "
OPEN updateTask: OPEN FORBIDDEN FORBIDDEN OPEN
OPEN acceptTask: OWN_TASK FORBIDDEN ACCEPTED ACCEPTED
OPEN abandonTask: FORBIDDEN same FORBIDDEN FORBIDDEN
OPEN submitTask: FORBIDDEN FORBIDDEN FORBIDDEN FORBIDDEN
OPEN finishTask: ILLEGAL_TRANSITION FORBIDDEN FORBIDDEN FORBIDDEN
OPEN disputeTask: ILLEGAL_TRANSITION FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
OPEN releaseTask: ILLEGAL_TRANSITION FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
OPEN cancelTask: CANCELLED FORBIDDEN FORBIDDEN CANCELLED
OPEN resolveTask: FORBIDDEN FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
ACCEPTED updateTask: TASK_NOT_OPEN FORBIDDEN FORBIDDEN TASK_NOT_OPEN
ACCEPTED acceptTask: OWN_TASK same TASK_NOT_OPEN TASK_NOT_OPEN
ACCEPTED abandonTask: FORBIDDEN OPEN FORBIDDEN FORBIDDEN
ACCEPTED submitTask: FORBIDDEN SUBMITTED FORBIDDEN FORBIDDEN
ACCEPTED finishTask: FINISHED FORBIDDEN FORBIDDEN FORBIDDEN
ACCEPTED disputeTask: ILLEGAL_TRANSITION ILLEGAL_TRANSITION FORBIDDEN ILLEGAL_TRANSITION
ACCEPTED releaseTask: CONFLICT FORBIDDEN FORBIDDEN OPEN
ACCEPTED cancelTask: TASK_NOT_OPEN FORBIDDEN FORBIDDEN CANCELLED
ACCEPTED resolveTask: FORBIDDEN FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
SUBMITTED updateTask: TASK_NOT_OPEN FORBIDDEN FORBIDDEN TASK_NOT_OPEN
SUBMITTED acceptTask: OWN_TASK TASK_NOT_OPEN TASK_NOT_OPEN TASK_NOT_OPEN
SUBMITTED abandonTask: FORBIDDEN OPEN FORBIDDEN FORBIDDEN
SUBMITTED submitTask: FORBIDDEN same FORBIDDEN FORBIDDEN
SUBMITTED finishTask: FINISHED FORBIDDEN FORBIDDEN FORBIDDEN
SUBMITTED disputeTask: DISPUTED DISPUTED FORBIDDEN DISPUTED
SUBMITTED releaseTask: ILLEGAL_TRANSITION FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
SUBMITTED cancelTask: TASK_NOT_OPEN FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
SUBMITTED resolveTask: FORBIDDEN FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
DISPUTED updateTask: TASK_NOT_OPEN FORBIDDEN FORBIDDEN TASK_NOT_OPEN
DISPUTED acceptTask: OWN_TASK TASK_NOT_OPEN TASK_NOT_OPEN TASK_NOT_OPEN
DISPUTED abandonTask: FORBIDDEN OPEN FORBIDDEN FORBIDDEN
DISPUTED submitTask: FORBIDDEN ILLEGAL_TRANSITION FORBIDDEN FORBIDDEN
DISPUTED finishTask: FINISHED FORBIDDEN FORBIDDEN FORBIDDEN
DISPUTED disputeTask: same ILLEGAL_TRANSITION FORBIDDEN ILLEGAL_TRANSITION
DISPUTED releaseTask: ILLEGAL_TRANSITION FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
DISPUTED cancelTask: TASK_NOT_OPEN FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
DISPUTED resolveTask: FORBIDDEN FORBIDDEN FORBIDDEN FINISHED
FINISHED updateTask: TASK_NOT_OPEN FORBIDDEN FORBIDDEN TASK_NOT_OPEN
FINISHED acceptTask: OWN_TASK TASK_NOT_OPEN TASK_NOT_OPEN TASK_NOT_OPEN
FINISHED abandonTask: FORBIDDEN ILLEGAL_TRANSITION FORBIDDEN FORBIDDEN
FINISHED submitTask: FORBIDDEN ILLEGAL_TRANSITION FORBIDDEN FORBIDDEN
FINISHED finishTask: same FORBIDDEN FORBIDDEN FORBIDDEN
FINISHED disputeTask: ILLEGAL_TRANSITION ILLEGAL_TRANSITION FORBIDDEN ILLEGAL_TRANSITION
FINISHED releaseTask: ILLEGAL_TRANSITION FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
FINISHED cancelTask: TASK_NOT_OPEN FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
FINISHED resolveTask: FORBIDDEN FORBIDDEN FORBIDDEN ILLEGAL_TRANSITION
CANCELLED updateTask: TASK_NOT_OPEN FORBIDDEN NOT_FOUND TASK_NOT_OPEN
CANCELLED acceptTask: OWN_TASK TASK_NOT_OPEN TASK_NOT_OPEN TASK_NOT_OPEN
CANCELLED abandonTask: FORBIDDEN ILLEGAL_TRANSITION NOT_FOUND FORBIDDEN
CANCELLED submitTask: FORBIDDEN ILLEGAL_TRANSITION NOT_FOUND FORBIDDEN
CANCELLED finishTask: ILLEGAL_TRANSITION FORBIDDEN NOT_FOUND FORBIDDEN
CANCELLED disputeTask: ILLEGAL_TRANSITION ILLEGAL_TRANSITION NOT_FOUND ILLEGAL_TRANSITION
CANCELLED releaseTask: ILLEGAL_TRANSITION FORBIDDEN NOT_FOUND ILLEGAL_TRANSITION
CANCELLED cancelTask: same FORBIDDEN NOT_FOUND same
CANCELLED resolveTask: FORBIDDEN FORBIDDEN NOT_FOUND ILLEGAL_TRANSITION
";

struct Participants {
    publisher: Person,
    assignee: Person,
    admin: Person,
}

impl Participants {
    /// A task that was brought to this state.
    async fn task(&self, state: &str) -> Value {
        let task = self.publisher.create_task("10").await;
        self.assignee.mutate_by_id("acceptTask", &task).await;
        match state {
            "OPEN" => self.assignee.mutate_by_id("abandonTask", &task).await,
            "ACCEPTED" => task,
            "CANCELLED" => self.admin.mutate_by_id("cancelTask", &task).await,
            _ => {
                self.assignee.mutate_by_id("submitTask", &task).await;
                match state {
                    "DISPUTED" => self.publisher.mutate_ok("disputeTask", arguments("disputeTask", &task)).await,
                    "FINISHED" => self.publisher.mutate_by_id("finishTask", &task).await,
                    _ => task,
                }
            }
        }
    }
}

fn arguments(action: &str, task: &Value) -> Value {
    match action {
        "updateTask" => json!({ "id": task["id"], "input": { "content": "another" } }),
        "disputeTask" => json!({ "id": task["id"], "reason": "not done" }),
        "resolveTask" => json!({ "id": task["id"], "payToAssignee": "4", "note": "half done" }),
        _ => json!({ "id": task["id"] }),
    }
}

async fn state(app: &TestApp, task: &Value) -> (String, i64) {
    let key = plaza::ids::TaskId::parse(task["id"].as_str().unwrap()).unwrap().0;
    let sql = "select status::text, (extract(epoch from updated_at) * 1000000)::bigint from tasks where id = $1";
    let row = app.sql().await.query_one(sql, &[&key]).await.unwrap();
    (row.get(0), row.get(1))
}

/// What an action brings a task to, or what it is refused with.
async fn outcome(app: &TestApp, person: &Person, action: &str, task: &Value) -> String {
    let before = state(app, task).await;
    let answer = person.run(&document(action), arguments(action, task)).await;
    let after = state(app, task).await;
    let payload = &answer.body["data"][action];
    if payload["task"].is_object() {
        assert_eq!(payload["task"]["status"], after.0);
        return if before == after { "same".to_owned() } else { after.0 };
    }
    assert_eq!(before, after, "{action} changes nothing where it is refused");
    match payload["userErrors"][0]["code"].as_str() {
        Some(code) => code.to_owned(),
        None => answer.code().to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_action_from_every_state_by_everybody() {
    let app = TestApp::with(&[("PLAZA_LIMIT_ACCEPTED_TASKS", "1000")]).await;
    let participants = Participants {
        publisher: app.as_user("ada").await,
        assignee: app.as_user("bo").await,
        admin: app.as_role("admin", "ADMIN").await,
    };
    let (stranger, suspended, left) = (app.as_user("lan").await, app.as_user("sus").await, app.as_user("gone").await);
    participants.publisher.recharge("10000").await;
    let suspend = "mutation ($id: ID!) { suspendUser(id: $id) { userErrors { code } } }";
    participants.admin.data(suspend, json!({ "id": suspended.id })).await;
    let leave = "mutation ($id: ID!) { deleteUser(id: $id) { userErrors { code } } }";
    left.data(leave, json!({ "id": left.id })).await;
    let people = [&participants.publisher, &participants.assignee, &stranger, &participants.admin, &suspended, &left];
    let mut found = String::from("\n");
    for from in STATES {
        let mut task = participants.task(from).await;
        for action in ACTIONS {
            let mut outcomes = Vec::new();
            for (person, role) in people.into_iter().zip(ROLES) {
                let outcome = outcome(&app, person, action, &task).await;
                if state(&app, &task).await.0 != from {
                    task = participants.task(from).await;
                }
                if ["suspended", "left"].contains(&role) {
                    assert_eq!(outcome, "UNAUTHENTICATED", "{from} {action} {role}");
                } else {
                    outcomes.push(outcome);
                }
            }
            writeln!(found, "{from} {action}: {}", outcomes.join(" ")).unwrap();
        }
    }
    assert_eq!(found, EXPECTED, "{found}");
    assert_eq!(app.audit().await, [""; 0]);
}

/// What can be done is what the API says can be done.
#[tokio::test(flavor = "multi_thread")]
async fn available_actions_are_those_that_succeed() {
    let app = TestApp::start().await;
    let participants = Participants {
        publisher: app.as_user("ada").await,
        assignee: app.as_user("bo").await,
        admin: app.as_role("admin", "ADMIN").await,
    };
    let stranger = app.as_user("lan").await;
    participants.publisher.recharge("100").await;
    let names = [
        ("EDIT", "updateTask"),
        ("ACCEPT", "acceptTask"),
        ("ABANDON", "abandonTask"),
        ("SUBMIT", "submitTask"),
        ("FINISH", "finishTask"),
        ("DISPUTE", "disputeTask"),
        ("RELEASE", "releaseTask"),
        ("CANCEL", "cancelTask"),
        ("RESOLVE", "resolveTask"),
    ];
    let mut handled: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    handled.sort_unstable();
    assert_eq!(handled, actions(&app, "TaskAction").await, "every action of the schema");
    assert_eq!(names.map(|(_, mutation)| mutation), ACTIONS);
    for from in STATES {
        let task = participants.task(from).await;
        for (person, place) in
            [(&participants.publisher, 0), (&participants.assignee, 1), (&stranger, 2), (&participants.admin, 3)]
        {
            let looked =
                person.data("query ($id: ID!) { task(id: $id) { availableActions } }", json!({ "id": task["id"] }));
            // Nothing of a task that the viewer does not see.
            let shown: Option<Vec<String>> =
                serde_json::from_value(looked.await["task"]["availableActions"].clone()).unwrap();
            let succeeds = |action: &str| {
                let line = EXPECTED.lines().find_map(|line| line.strip_prefix(&format!("{from} {action}: "))).unwrap();
                let outcome = line.split(' ').nth(place).unwrap();
                STATES.contains(&outcome)
            };
            let expected: Vec<&str> =
                names.iter().filter(|(_, action)| succeeds(action)).map(|(name, _)| *name).collect();
            assert_eq!(shown.unwrap_or_default(), expected, "{from}, {}", ROLES[place]);
        }
    }
}

/// Administrators have no powers over tasks that they have a part in.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_s_own_task_is_another_administrator_s_to_decide() {
    let app = TestApp::start().await;
    let (admin, other) = (app.as_role("admin", "ADMIN").await, app.as_role("other", "ADMIN").await);
    let bo = app.as_user("bo").await;
    admin.recharge("100").await;
    bo.recharge("100").await;
    let own = admin.create_task("10").await;
    bo.mutate_by_id("acceptTask", &own).await;
    for (action, code) in [("cancelTask", "TASK_NOT_OPEN"), ("releaseTask", "CONFLICT")] {
        assert_eq!(outcome(&app, &admin, action, &own).await, code);
    }
    let done = bo.create_task("10").await;
    admin.mutate_by_id("acceptTask", &done).await;
    for action in ["cancelTask", "releaseTask"] {
        assert_eq!(outcome(&app, &admin, action, &done).await, "FORBIDDEN");
    }
    for (task, assignee) in [(&own, &bo), (&done, &admin)] {
        assignee.mutate_by_id("submitTask", task).await;
        assignee.mutate_ok("disputeTask", arguments("disputeTask", task)).await;
        assert_eq!(outcome(&app, &admin, "resolveTask", task).await, "FORBIDDEN");
        assert_eq!(outcome(&app, &other, "resolveTask", task).await, "FINISHED");
    }
    assert_eq!((admin.balances().await.as_str(), bo.balances().await.as_str()), ("100.00 0.00", "100.00 0.00"));
    assert_eq!(app.audit().await, [""; 0]);
}

/// Tasks of a suspended publisher can't be accepted; an assignee from before is paid all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_publisher_s_tasks() {
    let app = TestApp::start().await;
    let (ada, bo, admin) = (app.as_user("ada").await, app.as_user("bo").await, app.as_role("admin", "ADMIN").await);
    ada.recharge("100").await;
    let (open, accepted) = (ada.create_task("10").await, ada.create_task("20").await);
    bo.mutate_by_id("acceptTask", &accepted).await;
    let suspension = async |field: &str| {
        let document = format!("mutation ($id: ID!) {{ {field}(id: $id) {{ userErrors {{ code }} }} }}");
        admin.data(&document, json!({ "id": ada.id })).await;
    };
    suspension("suspendUser").await;
    assert_eq!(outcome(&app, &bo, "acceptTask", &open).await, "CONFLICT");
    let actions = async || {
        let look = bo.data("query ($id: ID!) { task(id: $id) { availableActions } }", json!({ "id": open["id"] }));
        look.await["task"]["availableActions"].clone()
    };
    assert_eq!(actions().await, json!([]));
    assert_eq!(outcome(&app, &bo, "submitTask", &accepted).await, "SUBMITTED");
    suspension("unsuspendUser").await;
    assert_eq!(actions().await, json!(["ACCEPT"]));
    suspension("suspendUser").await;
    app.advance_clock(std::time::Duration::from_hours(7 * 24));
    crate::harness::until("bo is paid", || async {
        app.query_number(&format!("select coalesce(max(balance), 0) from wallets where user_id = {}", bo.key())).await
            == 2000
    })
    .await;
    assert_eq!(app.audit().await, [""; 0]);
}
