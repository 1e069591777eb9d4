//! What every query and mutation costs in statements when it succeeds. The list of operations is the schema's: a new one
//! fails here until its cost stands in the snapshot.
//!
//! Each is measured in several rounds, with objects of its own in each; the least counts, since what a connection asks
//! about types on first use only adds to it. How costs depend on page sizes is in `statements`, `market_statements` and
//! `money_lists`.

mod flows;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{CASES, Fixture, root_fields, send};
use crate::harness::{Answer, TestApp};

const ROUNDS: usize = 3;

/// Who runs a case of the permissions, the first that it succeeds for: the owner, an administrator. Places in the list of the permissions.
const CASE_ACTORS: [usize; 2] = [2, 4];

/// The least that each operation cost so far, by its field with the root.
#[derive(Default)]
pub struct Costs(BTreeMap<String, u64>);

impl Costs {
    /// Counts the statements of one mutation, which has to succeed, and returns its payload.
    async fn measure(&mut self, app: &TestApp, field: &str, mutation: impl Future<Output = Value>) -> Value {
        let (payload, cost) = app.count_statements(mutation).await;
        assert_eq!(payload["userErrors"], json!([]), "{field}: {payload}");
        self.record(&format!("Mutation.{field}"), cost);
        payload
    }

    fn record(&mut self, field: &str, cost: u64) {
        let least = self.0.entry(field.to_owned()).or_insert(cost);
        *least = cost.min(*least);
    }
}

fn succeeds(answer: &Answer) -> bool {
    let Some(data) = answer.body["data"].as_object().filter(|_| answer.body.get("errors").is_none()) else {
        return false;
    };
    let value = data.values().next().unwrap();
    let is_found = !value.is_null() && value != &json!([null]);
    is_found && value["userErrors"].as_array().is_none_or(Vec::is_empty)
}

/// The cases of the permissions that succeed, but for those that [`flows`] does with more behind them.
async fn measure_cases(app: &TestApp, sql: &tokio_postgres::Client, costs: &mut Costs, round: usize) {
    for (index, case) in CASES.iter().enumerate() {
        let is_measured = case.field.split_once('.').is_some_and(|(_, name)| flows::FIELDS.contains(&name));
        if case.field.starts_with("Subscription.") || is_measured {
            continue;
        }
        for (place, actor) in CASE_ACTORS.into_iter().enumerate() {
            let number = (round * CASES.len() + index) * CASE_ACTORS.len() + place;
            let fixture = Fixture::new(app, sql, number).await;
            let (answer, cost) = app.count_statements(send(app, case, &fixture, actor)).await;
            if succeeds(&answer) {
                costs.record(case.field, cost);
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_and_mutation_costs_what_the_snapshot_says() {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "2")]).await;
    let sql = app.sql().await;
    let mut costs = Costs::default();
    for round in 0..ROUNDS {
        measure_cases(&app, &sql, &mut costs, round).await;
        flows::measure_accounts(&app, &mut costs, round).await;
        flows::measure_files_and_items(&app, &mut costs, round).await;
        flows::measure_money(&app, &mut costs, round).await;
        flows::measure_groups(&app, &mut costs, round).await;
    }
    let mut fields = root_fields(&app).await;
    fields.retain(|field| !field.starts_with("Subscription."));
    let missing: Vec<&String> = fields.iter().filter(|field| !costs.0.contains_key(*field)).collect();
    assert!(missing.is_empty(), "give each a case that succeeds, or a flow: {missing:?}");
    let mut list = String::new();
    for (field, cost) in &costs.0 {
        writeln!(list, "{field}: {cost}").unwrap();
    }
    insta::assert_snapshot!(list);
}
