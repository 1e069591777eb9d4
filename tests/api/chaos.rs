//! Fault injection: many clients move money, order, do tasks and chat at once, some drop their requests, while the server
//! is killed and PostgreSQL is stopped under them. Every snapshot passes the audit; no acknowledged write is lost; every
//! idempotency key took effect once; recovery needs no operator.
//!
//! `make test` runs a short form, `make test-full` the long one, which is what `PLAZA_TESTS=full` asks for.

mod clients;
mod faults;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::join_all;

use faults::FaultyServer;
use state::{Ack, Workload};

use crate::harness::{is_full, until};

/// The size of the run.
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
    let server = FaultyServer::start().await;
    let workload = Arc::new(Workload::build(&server, &scale).await);
    let start = Instant::now();
    let observing = tokio::spawn(faults::observe(Arc::clone(&workload)));
    let clients = (0..scale.clients).map(|n| tokio::spawn(clients::run(Arc::clone(&workload), n)));
    let (ends, (recovery, _server)) = tokio::join!(join_all(clients), server.inject_faults(&workload, &scale));
    for end in ends {
        end.expect("a client goes on");
    }
    let took = start.elapsed();
    workload.finished.cancel();
    let observations = observing.await.expect("the observer goes on");

    until("no job is due", || async {
        let due = "select count(*) from jobs where due_at < now()";
        let client = workload.sql().await.expect("PostgreSQL is back");
        client.query_one(due, &[]).await.expect("it answers").get::<_, i64>(0) == 0
    })
    .await;
    settle_indeterminate(&workload).await;
    replay_keys(&workload).await;
    check_effects(&workload).await;
    assert_eq!(plaza::audit::run(&workload.url).await.unwrap(), [], "at the end");

    let by_jobs = finished_by_jobs(&workload).await;
    let history = workload.history.lock().unwrap();
    let mut by_field: BTreeMap<&str, usize> = BTreeMap::new();
    for ack in &history.acks {
        *by_field.entry(ack.field).or_default() += 1;
    }
    println!(
        "{} operations of {} clients in {took:.1?}: {} done, {} refused, {} unanswered for good; {} requests unanswered and {} \
         failed on the way, {} dropped by the client; the longest failure took {:.2?}\n  {by_field:?}\n  {} snapshots add up; no session was \
         idle in a transaction for longer than {:.2} s\n  {} tasks were finished by their jobs\n  {recovery}",
        workload.started().min(scale.operations),
        scale.clients,
        history.acks.len(),
        history.refused,
        history.unknown,
        history.unanswered,
        history.failed,
        history.disconnected,
        history.longest_failure,
        observations.snapshots,
        observations.longest_idle,
        by_jobs,
    );
    assert!(observations.snapshots > 3, "{} snapshots", observations.snapshots);
    assert!(observations.longest_idle < 5.0, "idle in a transaction for {} s", observations.longest_idle);
    assert!(history.longest_failure < Duration::from_millis(3500), "an error took {:?}", history.longest_failure);
    assert!(
        history.acks.len() > scale.operations / 3,
        "most of it was refused: {by_field:?}, {} refused",
        history.refused
    );
    recovery.check();
}

async fn finished_by_jobs(workload: &Workload) -> i64 {
    let count = "select count(*) from ledger_transfers where reason = 'TASK_PAYOUT' and actor_id is null";
    workload.sql().await.expect("PostgreSQL is back").query_one(count, &[]).await.expect("it answers").get(0)
}

/// Refusals that followed a lost response to the same key: the operation is sent again, which tells its outcome.
async fn settle_indeterminate(workload: &Workload) {
    let indeterminate = std::mem::take(&mut workload.history.lock().unwrap().indeterminate);
    for ack in indeterminate {
        let payload = workload.person(ack.person).mutate(ack.field, ack.variables.clone()).await;
        if let Some(id) = state::id_of(&payload) {
            workload.history.lock().unwrap().acks.push(Ack { id, ..ack });
        }
    }
}

/// Sends every key once more: the response is the same.
async fn replay_keys(workload: &Workload) {
    let acks: Vec<Ack> = workload.history.lock().unwrap().acks.iter().filter(|ack| ack.is_keyed()).cloned().collect();
    let again = futures_util::stream::iter(acks).map(async |ack| {
        let person = workload.person(ack.person);
        let payload = person.mutate(ack.field, ack.variables.clone()).await;
        assert_eq!(state::id_of(&payload).as_ref(), Some(&ack.id), "{}: {payload}", ack.field);
    });
    again.buffer_unordered(8).collect::<Vec<()>>().await;
}

/// The rows are those that were acknowledged: none lost, none twice.
async fn check_effects(workload: &Workload) {
    let acks = workload.history.lock().unwrap().acks.clone();
    let of = |field: &str| -> BTreeSet<i64> {
        let of_field = acks.iter().filter(|ack| ack.field == field);
        of_field.map(|ack| plaza::ids::decode_global_id(&ack.id).expect("an id").1).collect()
    };
    let client = workload.sql().await.expect("PostgreSQL is back");
    let rows = async |sql: &str| -> BTreeSet<i64> {
        client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let entries = |reason: &str| {
        format!(
            "select e.id from ledger_entries e join ledger_transfers t on t.id = transfer_id
             where account = 'USER' and reason = '{reason}' and t.created_at > '{}'",
            workload.started_at
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
        assert_eq!(rows(&sql).await, of(field), "{field}: the rows, and what was acknowledged");
        let keyed = acks.iter().filter(|ack| ack.field == field);
        let repeats = ["cancelOrder", "refundOrder"].contains(&field);
        assert!(repeats || keyed.count() == of(field).len(), "{field}: two keys with one effect");
    }
    // Without a key a response may be lost, but no acknowledged write.
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
    // A task that is over was ended by an acknowledged mutation, or by its job once it was submitted.
    let ended: BTreeSet<i64> = ["cancelTask", "finishTask", "resolveTask"].into_iter().flat_map(of).collect();
    let over = rows(
        "select id from tasks where status in ('FINISHED', 'CANCELLED') and not (status = 'FINISHED'
        and paid is null and submitted_at is not null)",
    );
    assert!(over.await.is_subset(&ended), "a task ended without an acknowledgement");
    let paid = "select count(*) from tasks where status = 'FINISHED' and price > 0 and not exists (
        select from ledger_transfers where task_id = tasks.id and reason = 'TASK_PAYOUT')";
    assert_eq!(client.query_one(paid, &[]).await.unwrap().get::<_, i64>(0), 0);
}
