//! A client: one random operation after the other; those with an idempotency key are retried until their outcome is known.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::state::{Ack, Workload, id_of};
use crate::harness::money::document;
use crate::harness::{SEND, http};

/// How long a client waits at least before it sends a request again.
const RETRY_DELAY: Duration = Duration::from_millis(20);

/// How much longer it may wait, at random.
const RETRY_JITTER_MILLIS: usize = 100;

/// A xorshift generator: the same numbers in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// A mutation to send.
struct Operation {
    person: usize,
    field: &'static str,
    variables: Value,
    keyed: bool,
}

/// The outcome of an operation.
enum Outcome {
    Done(String),
    /// And whether an earlier response was lost.
    Refused(bool),
    Unknown,
}

/// Runs one operation after the other until the workload has started all.
pub async fn run(workload: Arc<Workload>, number: usize) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (u64::try_from(number).unwrap() << 20));
    let client = http::client();
    for count in 0.. {
        if workload.start_operation() >= workload.operations {
            return;
        }
        let Some(mut operation) = choose_operation(&workload, &mut random) else { continue };
        let key = format!("client {number}, operation {count}");
        if operation.field == "sendMessage" {
            operation.variables["input"]["clientMessageId"] = json!(key);
        } else if operation.keyed {
            operation.variables["idempotencyKey"] = json!(key);
        }
        let outcome = perform(&workload, client, &operation, &mut random).await;
        record(&workload, operation, outcome);
    }
}

fn choose_operation(workload: &Workload, random: &mut Random) -> Option<Operation> {
    let (person, admin) = (random.below(workload.count()), workload.count());
    let yuan = |random: &mut Random| format!("{}.{:02}", random.below(9), random.below(100));
    let keyed = |person, field, variables| Some(Operation { person, field, variables, keyed: true });
    let unkeyed = |person, field, variables| Some(Operation { person, field, variables, keyed: false });
    let mut open = workload.open.lock().unwrap();
    let (tasks, orders) = (open.tasks.len(), open.orders.len());
    let kind = random.below(100);
    match kind {
        0..12 => keyed(person, "rechargeWallet", json!({ "amount": format!("1{}", yuan(random)) })),
        12..17 => {
            let sign = if random.below(2) == 0 { "-" } else { "" };
            let user = &workload.person(person).id;
            keyed(
                admin,
                "adjustBalance",
                json!({ "userId": user, "amount": format!("{sign}1{}", yuan(random)), "note": "at random" }),
            )
        }
        17..32 => {
            let input = json!({ "title": "help", "content": "at random", "price": yuan(random) });
            keyed(person, "createTask", json!({ "input": input }))
        }
        54..59 if !open.submitted.is_empty() => {
            let (sides, id) = open.submitted.pop()?;
            unkeyed(sides[random.below(2)], "disputeTask", json!({ "id": id, "reason": "at random" }))
        }
        59..63 if !open.disputed.is_empty() => {
            let id = open.disputed.pop()?;
            let paid = if random.below(3) == 0 { "0".to_owned() } else { format!("0.{:02}", random.below(99)) };
            keyed(admin, "resolveTask", json!({ "id": id, "payToAssignee": paid, "note": "at random" }))
        }
        32..68 if tasks > 0 => {
            let place = random.below(tasks);
            let (publisher, assignee, id) = open.tasks[place].clone();
            match (kind, assignee) {
                (32..38, None) => {
                    keyed(publisher, "updateTask", json!({ "id": id, "input": { "price": yuan(random) } }))
                }
                (38..42, None) => keyed(publisher, "cancelTask", json!({ "id": id })),
                (42..44, _) => keyed(admin, "cancelTask", json!({ "id": id })),
                (_, None) => {
                    open.tasks[place].1 = Some(person);
                    unkeyed(person, "acceptTask", json!({ "id": id }))
                }
                (44..46, Some(assignee)) => {
                    open.tasks[place].1 = None;
                    unkeyed(assignee, "abandonTask", json!({ "id": id }))
                }
                (46..54, Some(assignee)) => unkeyed(assignee, "submitTask", json!({ "id": id })),
                (_, Some(_)) => {
                    open.tasks.swap_remove(place);
                    keyed(publisher, "finishTask", json!({ "id": id }))
                }
            }
        }
        68..80 => {
            let product = &workload.products[random.below(workload.products.len())];
            keyed(person, "exchangeProduct", json!({ "id": product, "address": "here" }))
        }
        80..92 if orders > 0 => {
            let place = random.below(orders);
            let (buyer, id) = open.orders[place].clone();
            match kind {
                80..83 => keyed(buyer, "cancelOrder", json!({ "id": id })),
                83..87 => unkeyed(
                    admin,
                    "updateOrder",
                    json!({ "id": id, "input": { "trackingNumber": "SF1", "expectedAddress": "here" } }),
                ),
                87..90 => unkeyed(buyer, "confirmOrder", json!({ "id": id })),
                _ => {
                    open.orders.swap_remove(place);
                    keyed(admin, "refundOrder", json!({ "id": id, "restock": random.below(2) == 0 }))
                }
            }
        }
        92..94 => unkeyed(person, "createTicket", json!({ "question": "at random" })),
        _ => {
            let to = &workload.person(random.below(workload.count())).id;
            let input = json!({ "to": { "userId": to }, "content": { "text": { "text": "at random" } } });
            keyed(person, "sendMessage", json!({ "input": input }))
        }
    }
}

/// Sends an operation; with a key, until a response tells its outcome.
async fn perform(workload: &Workload, client: &reqwest::Client, operation: &Operation, random: &mut Random) -> Outcome {
    let text = if operation.field == "sendMessage" { SEND.to_owned() } else { document(operation.field) };
    let person = workload.person(operation.person);
    let body = json!({ "query": text, "variables": operation.variables });
    for tries in 0..2000 {
        let start = Instant::now();
        let request = client.post(format!("http://{}/graphql", person.address)).bearer_auth(&person.token).json(&body);
        let sent = async {
            let response = request.send().await?;
            response.bytes().await
        };
        // One request of twenty is dropped before its response can arrive.
        let timeout = if random.below(20) == 0 { random.below(15) } else { 20_000 };
        let timeout = Duration::from_millis(u64::try_from(timeout).unwrap());
        let answer = match tokio::time::timeout(timeout, sent).await {
            Err(_) => {
                workload.history.lock().unwrap().disconnected += 1;
                None
            }
            Ok(Err(_)) => {
                workload.history.lock().unwrap().unanswered += 1;
                None
            }
            Ok(Ok(bytes)) => serde_json::from_slice::<Value>(&bytes).ok(),
        };
        if let Some(answer) = answer {
            let payload = &answer["data"][operation.field];
            if let Some(id) = id_of(payload) {
                return Outcome::Done(id);
            }
            if payload["userErrors"].as_array().is_some_and(|errors| !errors.is_empty()) {
                return Outcome::Refused(operation.keyed && tries > 0);
            }
            let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
            assert!(["INTERNAL", "OVERLOADED"].contains(&code), "{}: {answer}", operation.field);
            let mut history = workload.history.lock().unwrap();
            history.failed += 1;
            history.longest_failure = history.longest_failure.max(start.elapsed());
        }
        if !operation.keyed {
            return Outcome::Unknown;
        }
        // The back-off of a real client: the server may be down, and nothing tells a client when it is back.
        let jitter = Duration::from_millis(u64::try_from(random.below(RETRY_JITTER_MILLIS)).unwrap());
        tokio::time::sleep(RETRY_DELAY + jitter).await;
    }
    panic!("{} was never answered", operation.field);
}

fn record(workload: &Workload, operation: Operation, outcome: Outcome) {
    let mut history = workload.history.lock().unwrap();
    let id = match outcome {
        Outcome::Done(id) => id,
        Outcome::Refused(indeterminate) => {
            history.refused += 1;
            if indeterminate {
                let Operation { person, field, variables, .. } = operation;
                history.indeterminate.push(Ack { person, field, variables, id: String::new() });
            }
            return;
        }
        Outcome::Unknown => {
            history.unknown += 1;
            return;
        }
    };
    let Operation { person, field, variables, .. } = operation;
    let mut open = workload.open.lock().unwrap();
    match field {
        "createTask" => open.tasks.push((person, None, id.clone())),
        "submitTask" => {
            if let Some(publisher) = open.tasks.iter().find(|task| task.2 == id).map(|task| task.0) {
                open.submitted.push(([publisher, person], id.clone()));
            }
        }
        "disputeTask" => open.disputed.push(id.clone()),
        "exchangeProduct" => open.orders.push((person, id.clone())),
        _ => {}
    }
    history.acks.push(Ack { person, field, variables, id });
}
