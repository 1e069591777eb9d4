//! Proof under fire: many clients pay, order, help and talk at once, and some hang up in the middle,
//! while the server is killed and PostgreSQL is stopped hard under them. In every snapshot everything adds up; nothing that
//! was answered is lost; every key took effect once; nobody has to do anything for it to go on.
//!
//! `make test` runs a short form, `make test-full` the long one, which is what `PLAZA_TESTS=full` asks for.

mod clients;
mod faults;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;

use faults::Weather;
use state::{Ack, World};

use crate::harness::{is_full, until};

/// How much of it.
pub struct Scale {
    operations: usize,
    clients: usize,
    people: usize,
    kills: usize,
    stops: usize,
}

const SHORT: Scale = Scale { operations: 1200, clients: 32, people: 6, kills: 1, stops: 1 };
const FULL: Scale = Scale { operations: 12_000, clients: 64, people: 24, kills: 5, stops: 2 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_adds_up_whatever_is_killed() {
    let scale = if is_full() { FULL } else { SHORT };
    let weather = Weather::start().await;
    let world = Arc::new(World::build(&weather, &scale).await);
    let start = Instant::now();
    let watching = tokio::spawn(faults::watch(Arc::clone(&world)));
    let clients = (0..scale.clients).map(|n| tokio::spawn(clients::run(Arc::clone(&world), n)));
    let (ends, (damage, _server)) = tokio::join!(join_all(clients), weather.blow(&world, &scale));
    for end in ends {
        end.expect("a client goes on");
    }
    let took = start.elapsed();
    world.over.store(true, Ordering::Relaxed);
    let watched = watching.await.expect("the watch goes on");

    until("no job is due", || async {
        let due = "select count(*) from jobs where due_at < now()";
        let client = world.sql().await.expect("PostgreSQL is back");
        client.query_one(due, &[]).await.expect("it answers").get::<_, i64>(0) == 0
    })
    .await;
    settle_doubts(&world).await;
    repeat_all(&world).await;
    check_effects(&world).await;
    assert_eq!(plaza::audit::run(&world.url).await.unwrap(), [], "at the end");

    let by_themselves = finished_by_themselves(&world).await;
    let journal = world.journal.lock().unwrap();
    let mut by_field: BTreeMap<&str, usize> = BTreeMap::new();
    for ack in &journal.acks {
        *by_field.entry(ack.field).or_default() += 1;
    }
    println!(
        "{} operations of {} clients in {took:.1?}: {} done, {} refused, {} unanswered for good; {} requests unanswered and {} \
         failed on the way, {} hung up; the longest failure took {:.2?}\n  {by_field:?}\n  {} snapshots add up; no session was \
         idle in a transaction for longer than {:.2} s\n  {} tasks were finished by themselves\n  {damage}",
        world.begun.load(Ordering::Relaxed).min(scale.operations),
        scale.clients,
        journal.acks.len(),
        journal.refused,
        journal.unknown,
        journal.unanswered,
        journal.failed,
        journal.hung_up,
        journal.longest_failure,
        watched.snapshots,
        watched.longest_idle,
        by_themselves,
    );
    assert!(watched.snapshots > 3, "{} snapshots", watched.snapshots);
    assert!(watched.longest_idle < 5.0, "idle in a transaction for {} s", watched.longest_idle);
    assert!(journal.longest_failure < Duration::from_millis(3500), "an error took {:?}", journal.longest_failure);
    assert!(
        journal.acks.len() > scale.operations / 3,
        "most of it was refused: {by_field:?}, {} refused",
        journal.refused
    );
    damage.check();
}

async fn finished_by_themselves(world: &World) -> i64 {
    let count = "select count(*) from ledger_transfers where reason = 'TASK_PAYOUT' and actor_id is null";
    world.sql().await.expect("PostgreSQL is back").query_one(count, &[]).await.expect("it answers").get(0)
}

/// What was refused while an earlier request with its key may have been on its way: asked again, it says what came of it.
async fn settle_doubts(world: &World) {
    let doubtful = std::mem::take(&mut world.journal.lock().unwrap().doubtful);
    for doubt in doubtful {
        let payload = world.person(doubt.person).act(doubt.field, doubt.variables.clone()).await;
        if let Some(id) = state::id_of(&payload) {
            world.journal.lock().unwrap().acks.push(Ack { id, ..doubt });
        }
    }
}

/// Every key once more, after everything: the same answer.
async fn repeat_all(world: &World) {
    let acks: Vec<Ack> = world.journal.lock().unwrap().acks.iter().filter(|ack| ack.is_keyed()).cloned().collect();
    let again = futures_util::stream::iter(acks).map(async |ack| {
        let person = world.person(ack.person);
        let payload = person.act(ack.field, ack.variables.clone()).await;
        assert_eq!(state::id_of(&payload).as_ref(), Some(&ack.id), "{}: {payload}", ack.field);
    });
    again.buffer_unordered(8).collect::<Vec<()>>().await;
}

/// What is there is what was answered: nothing lost, nothing twice.
async fn check_effects(world: &World) {
    let acks = world.journal.lock().unwrap().acks.clone();
    let of = |field: &str| -> BTreeSet<i64> {
        let of_field = acks.iter().filter(|ack| ack.field == field);
        of_field.map(|ack| plaza::ids::decode_global_id(&ack.id).expect("an id").1).collect()
    };
    let client = world.sql().await.expect("PostgreSQL is back");
    let rows = async |sql: &str| -> BTreeSet<i64> {
        client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let entries = |reason: &str| {
        format!(
            "select e.id from ledger_entries e join ledger_transfers t on t.id = transfer_id
             where account = 'USER' and reason = '{reason}' and t.created_at > '{}'",
            world.started_at
        )
    };
    for (field, sql) in [
        ("rechargeWallet", entries("RECHARGE")),
        ("adjustBalance", entries("ADMIN_ADJUSTMENT")),
        ("createTask", "select id from tasks".to_owned()),
        ("exchangeProduct", "select id from orders".to_owned()),
        ("cancelOrder", "select id from orders where status = 'CANCELLED'".to_owned()),
        ("refundOrder", "select id from orders where status = 'REFUNDED'".to_owned()),
        ("sendMessage", "select id from messages".to_owned()),
    ] {
        assert_eq!(rows(&sql).await, of(field), "{field}: what is there, and what was answered");
        let keyed = acks.iter().filter(|ack| ack.field == field);
        let repeats = ["cancelOrder", "refundOrder"].contains(&field);
        assert!(repeats || keyed.count() == of(field).len(), "{field}: two keys with one effect");
    }
    // Without a key an answer may be lost, but not what was answered.
    for (field, sql) in [
        ("createTicket", "select id from tickets"),
        ("updateOrder", "select order_id from order_events where to_status = 'SHIPPED'"),
        ("confirmOrder", "select order_id from order_events where to_status = 'COMPLETED'"),
        ("acceptTask", "select subject_id from events where kind = 'TASK_CHANGED'"),
        ("submitTask", "select subject_id from events where kind = 'TASK_CHANGED'"),
        ("disputeTask", "select task_id from task_disputes"),
        ("cancelTask", "select id from tasks where status = 'CANCELLED'"),
        ("finishTask", "select id from tasks where status = 'FINISHED'"),
        ("resolveTask", "select task_id from task_disputes where note is not null"),
    ] {
        let there = rows(sql).await;
        assert!(of(field).is_subset(&there), "{field}: {:?} is lost", of(field).difference(&there));
    }
    // What is over was ended by somebody who was told so, or by itself once it was submitted.
    let ended: BTreeSet<i64> = ["cancelTask", "finishTask", "resolveTask"].into_iter().flat_map(of).collect();
    let over = rows(
        "select id from tasks where status in ('FINISHED', 'CANCELLED') and not (status = 'FINISHED'
        and paid is null and submitted_at is not null)",
    );
    assert!(over.await.is_subset(&ended), "a task ended, and nobody was told");
    let paid = "select count(*) from tasks where status = 'FINISHED' and price > 0 and not exists (
        select from ledger_transfers where task_id = tasks.id and reason = 'TASK_PAYOUT')";
    assert_eq!(client.query_one(paid, &[]).await.unwrap().get::<_, i64>(0), 0);
}
