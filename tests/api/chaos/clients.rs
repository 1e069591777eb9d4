//! What a client does: something by chance, again and again; with a key, until it knows what came of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::state::{Ack, World, id_of};
use crate::harness::money::document;
use crate::harness::{SEND, http};

/// Numbers that look like chance, and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// A mutation to be sent.
struct Call {
    person: usize,
    field: &'static str,
    variables: Value,
    keyed: bool,
}

/// What came of it.
enum Outcome {
    Done(String),
    /// And whether an answer was lost before.
    Refused(bool),
    Unknown,
}

/// Does one operation after the other until there were enough.
pub async fn run(world: Arc<World>, number: usize) {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ (u64::try_from(number).unwrap() << 20));
    let client = http::client();
    for count in 0.. {
        if world.begun.fetch_add(1, Ordering::Relaxed) >= world.operations {
            return;
        }
        let Some(mut call) = choose(&world, &mut chance) else { continue };
        let key = format!("client {number}, operation {count}");
        if call.field == "sendMessage" {
            call.variables["input"]["clientMessageId"] = json!(key);
        } else if call.keyed {
            call.variables["idempotencyKey"] = json!(key);
        }
        let outcome = perform(&world, client, &call, &mut chance).await;
        note(&world, call, outcome);
    }
}

fn choose(world: &World, chance: &mut Chance) -> Option<Call> {
    let (person, admin) = (chance.below(world.count()), world.count());
    let yuan = |chance: &mut Chance| format!("{}.{:02}", chance.below(9), chance.below(100));
    let call = |person, field, variables| Some(Call { person, field, variables, keyed: true });
    let bare = |person, field, variables| Some(Call { person, field, variables, keyed: false });
    let mut shelf = world.shelf.lock().unwrap();
    let (tasks, orders) = (shelf.tasks.len(), shelf.orders.len());
    let kind = chance.below(100);
    match kind {
        0..12 => call(person, "rechargeWallet", json!({ "amount": format!("1{}", yuan(chance)) })),
        12..17 => {
            let sign = if chance.below(2) == 0 { "-" } else { "" };
            let user = &world.person(person).id;
            call(
                admin,
                "adjustBalance",
                json!({ "userId": user, "amount": format!("{sign}1{}", yuan(chance)), "note": "by chance" }),
            )
        }
        17..32 => {
            let input = json!({ "title": "help", "content": "by chance", "price": yuan(chance) });
            call(person, "createTask", json!({ "input": input }))
        }
        54..59 if !shelf.submitted.is_empty() => {
            let (sides, id) = shelf.submitted.pop()?;
            bare(sides[chance.below(2)], "disputeTask", json!({ "id": id, "reason": "by chance" }))
        }
        59..63 if !shelf.disputed.is_empty() => {
            let id = shelf.disputed.pop()?;
            let paid = if chance.below(3) == 0 { "0".to_owned() } else { format!("0.{:02}", chance.below(99)) };
            call(admin, "resolveTask", json!({ "id": id, "payToAssignee": paid, "note": "by chance" }))
        }
        32..68 if tasks > 0 => {
            let place = chance.below(tasks);
            let (publisher, assignee, id) = shelf.tasks[place].clone();
            match (kind, assignee) {
                (32..38, None) => {
                    call(publisher, "updateTask", json!({ "id": id, "input": { "price": yuan(chance) } }))
                }
                (38..42, None) => call(publisher, "cancelTask", json!({ "id": id })),
                (42..44, _) => call(admin, "cancelTask", json!({ "id": id })),
                (_, None) => {
                    shelf.tasks[place].1 = Some(person);
                    bare(person, "acceptTask", json!({ "id": id }))
                }
                (44..46, Some(assignee)) => {
                    shelf.tasks[place].1 = None;
                    bare(assignee, "abandonTask", json!({ "id": id }))
                }
                (46..54, Some(assignee)) => bare(assignee, "submitTask", json!({ "id": id })),
                (_, Some(_)) => {
                    shelf.tasks.swap_remove(place);
                    call(publisher, "finishTask", json!({ "id": id }))
                }
            }
        }
        68..80 => {
            let product = &world.products[chance.below(world.products.len())];
            call(person, "exchangeProduct", json!({ "id": product, "address": "here" }))
        }
        80..92 if orders > 0 => {
            let place = chance.below(orders);
            let (buyer, id) = shelf.orders[place].clone();
            match kind {
                80..83 => call(buyer, "cancelOrder", json!({ "id": id })),
                83..87 => bare(
                    admin,
                    "updateOrder",
                    json!({ "id": id, "input": { "trackingNumber": "SF1", "expectedAddress": "here" } }),
                ),
                87..90 => bare(buyer, "confirmOrder", json!({ "id": id })),
                _ => {
                    shelf.orders.swap_remove(place);
                    call(admin, "refundOrder", json!({ "id": id, "restock": chance.below(2) == 0 }))
                }
            }
        }
        92..94 => bare(person, "createTicket", json!({ "question": "by chance" })),
        _ => {
            let to = &world.person(chance.below(world.count())).id;
            let input = json!({ "to": { "userId": to }, "content": { "text": { "text": "by chance" } } });
            call(person, "sendMessage", json!({ "input": input }))
        }
    }
}

/// Sends it, with a key until there is an answer that says what came of it.
async fn perform(world: &World, client: &reqwest::Client, call: &Call, chance: &mut Chance) -> Outcome {
    let text = if call.field == "sendMessage" { SEND.to_owned() } else { document(call.field) };
    let person = world.person(call.person);
    let body = json!({ "query": text, "variables": call.variables });
    for tries in 0..2000 {
        let start = Instant::now();
        let request = client.post(format!("http://{}/graphql", person.address)).bearer_auth(&person.token).json(&body);
        let sent = async {
            let response = request.send().await?;
            response.bytes().await
        };
        // One of twenty goes away before it can have an answer.
        let patience = if chance.below(20) == 0 { chance.below(15) } else { 20_000 };
        let patience = Duration::from_millis(u64::try_from(patience).unwrap());
        let answer = match tokio::time::timeout(patience, sent).await {
            Err(_) => {
                world.journal.lock().unwrap().hung_up += 1;
                None
            }
            Ok(Err(_)) => {
                world.journal.lock().unwrap().unanswered += 1;
                None
            }
            Ok(Ok(bytes)) => serde_json::from_slice::<Value>(&bytes).ok(),
        };
        if let Some(answer) = answer {
            let payload = &answer["data"][call.field];
            if let Some(id) = id_of(payload) {
                return Outcome::Done(id);
            }
            if payload["userErrors"].as_array().is_some_and(|errors| !errors.is_empty()) {
                return Outcome::Refused(call.keyed && tries > 0);
            }
            let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
            assert!(["INTERNAL", "OVERLOADED"].contains(&code), "{}: {answer}", call.field);
            let mut journal = world.journal.lock().unwrap();
            journal.failed += 1;
            journal.longest_failure = journal.longest_failure.max(start.elapsed());
        }
        if !call.keyed {
            return Outcome::Unknown;
        }
        tokio::time::sleep(Duration::from_millis(20 + u64::try_from(chance.below(100)).unwrap())).await;
    }
    panic!("{} was never answered", call.field);
}

fn note(world: &World, call: Call, outcome: Outcome) {
    let mut journal = world.journal.lock().unwrap();
    let id = match outcome {
        Outcome::Done(id) => id,
        Outcome::Refused(doubtful) => {
            journal.refused += 1;
            if doubtful {
                let Call { person, field, variables, .. } = call;
                journal.doubtful.push(Ack { person, field, variables, id: String::new() });
            }
            return;
        }
        Outcome::Unknown => {
            journal.unknown += 1;
            return;
        }
    };
    let Call { person, field, variables, .. } = call;
    let mut shelf = world.shelf.lock().unwrap();
    match field {
        "createTask" => shelf.tasks.push((person, None, id.clone())),
        "submitTask" => {
            if let Some(publisher) = shelf.tasks.iter().find(|task| task.2 == id).map(|task| task.0) {
                shelf.submitted.push(([publisher, person], id.clone()));
            }
        }
        "disputeTask" => shelf.disputed.push(id.clone()),
        "exchangeProduct" => shelf.orders.push((person, id.clone())),
        _ => {}
    }
    journal.acks.push(Ack { person, field, variables, id });
}
