//! The SQL of the composed lists, as snapshots: what a filter adds to a statement is seen in the change that adds it.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;

use crate::harness::TestApp;

/// Statements as the app logs them.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The lists among the statements since the last call, a clause to a line.
    fn take_lists(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let lines = String::from_utf8(bytes).unwrap();
        let statements =
            lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"]["statement"].clone());
        let texts: Vec<String> = statements
            .map(|statement| statement.as_str().unwrap().split(" -- binds").next().unwrap().to_owned())
            .filter(|text| text.contains(" limit "))
            .collect();
        let clauses =
            [" from ", " where ", " and ", " or ", " cross join ", " join ", " union all ", " order by ", " limit "];
        clauses.iter().fold(texts.join(";\n\n"), |text, clause| text.replace(clause, &format!("\n{}", &clause[1..])))
    }
}

/// One thread, so that all that the app does is logged to the test's own subscriber.
#[tokio::test]
async fn composed_lists_are_these_statements() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let admin = app.as_role("root", "ADMIN").await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter(EnvFilter::new("plaza::sql=trace"))
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    for (name, list) in [
        ("items", "items(first: 10) { nodes { title } }"),
        ("items_of_states_and_categories", "items(first: 10, filter: { status: [OPEN, CLOSED], category: [1, 2] }) { nodes { title } }"),
        ("items_of_an_owner", "items(first: 10, filter: { ownerId: $id }) { nodes { title } }"),
        (
            "items_with_all_filters",
            "items(first: 10, filter: { direction: SELL, status: [OPEN], category: [1], minCondition: 5,
                price: { min: \"1\", max: \"2\" }, ownerId: $id,
                createdAt: { from: \"2026-01-01T00:00:00Z\", to: \"2026-02-01T00:00:00Z\" } }) { totalCount nodes { title } }",
        ),
        ("items_of_a_search", "items(first: 10, filter: { query: \"手机\", price: { max: \"2\" } }) { nodes { title } }"),
        ("items_backward", "items(last: 10, orderBy: { field: PRICE, direction: ASC }) { nodes { title } }"),
        ("tasks", "tasks(first: 10, filter: { status: [OPEN, CANCELLED], price: { min: \"1\" } }) { nodes { title } }"),
        ("tasks_of_a_search", "tasks(first: 10, filter: { query: \"快递\" }) { totalCount nodes { title } }"),
        ("products", "products(first: 10, filter: { inStock: true, price: { max: \"2\" } }) { nodes { name } }"),
        ("orders", "orders(first: 10, filter: { status: [PENDING] }) { nodes { number } }"),
        ("tickets", "tickets(first: 10, filter: { query: \"退款\" }) { nodes { id } }"),
        ("search", "search(query: \"手机\", first: 10) { nodes { __typename } }"),
    ] {
        let variables = if list.contains("$id") { "query ($id: ID!)" } else { "query" };
        let answer = admin.run(&format!("{variables} {{ {list} }}"), json!({ "id": ada.id })).await;
        assert_eq!(answer.body["errors"], Value::Null, "{name}: {answer:?}");
        insta::assert_snapshot!(name, log.take_lists());
    }
}
