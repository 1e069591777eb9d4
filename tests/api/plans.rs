//! No list and no search without an index behind it: on large data, PostgreSQL writes the plan of every statement of
//! every list, and none of them may read a table of 100,000 rows from end to end.

mod group_lists;
mod members;
mod merchant_lists;
mod reads;
mod skewed;
mod talk;

use std::collections::BTreeSet;

use plaza::seed::large::{self, SeedCounts};
use serde_json::{Value, json};

use crate::harness::{Person, TestApp, cluster, is_full};

const LARGE: i64 = 100_000;

/// How often everything is asked: every connection makes its plans anew, for all values.
fn rounds() -> usize {
    if is_full() { 6 } else { 1 }
}

/// Asks for lists, and returns how often that was, how many plans were written meanwhile, and what reads one of these tables from
/// end to end.
pub async fn scans(
    url: &str,
    tables: &BTreeSet<String>,
    lists: impl AsyncFn(&TestApp),
) -> (usize, usize, BTreeSet<String>) {
    let app = TestApp::on_database(url.to_owned(), &[]).await;
    let start = cluster().log_of(url).len();
    for _ in 0..rounds() {
        lists(&app).await;
    }
    let (plans, found) = scanned(&cluster().log_of(url)[start..], tables);
    let rounds = rounds();
    (rounds, plans, found)
}

/// The tables that have so many rows.
pub async fn large_tables(app: &TestApp) -> BTreeSet<String> {
    let sql = format!(
        "select relname::text from pg_class where relkind = 'r' and reltuples >= {LARGE} and relnamespace = 'public'::regnamespace"
    );
    app.sql().await.query(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// The statements of a stretch of the log that read one of these tables from end to end.
fn scanned(log: &str, tables: &BTreeSet<String>) -> (usize, BTreeSet<String>) {
    let (mut plans, mut statement, mut found) = (0, "", BTreeSet::new());
    for line in log.lines() {
        if let Some((_, text)) = line.split_once("Query Text: ") {
            (plans, statement) = (plans + 1, text);
        }
        let scan = line.split_once("Seq Scan on ").map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default());
        if scan.is_some_and(|table| tables.contains(table)) {
            found.insert(format!("{} in {statement}", line.trim()));
        }
    }
    (plans, found)
}

async fn seeded() -> TestApp {
    let url = cluster().explained_database().await;
    let app = TestApp::on_database(url, &[]).await;
    let amounts = SeedCounts {
        users: 3000,
        items: 108_000,
        favorites: 101_000,
        conversations: 2000,
        messages: 102_000,
        ..SeedCounts::default()
    };
    large::add(&app.app, amounts).await.expect("there is room");
    app
}

fn lists() -> Vec<String> {
    let card = "nodes { id title owner { nickname } images { url } isFavorite } pageInfo { endCursor }";
    let mut lists = Vec::new();
    for filter in [
        "",
        "status: [OPEN]",
        "direction: WANT, status: [OPEN]",
        "status: [OPEN, CLOSED, DELETED]",
        "category: [3]",
        "category: [3, 4, 999999], status: [OPEN]",
        "price: { min: \"20\", max: \"21\" }",
        "price: { min: \"99999\" }",
        "minCondition: 100",
        "createdAt: { from: \"2026-01-02T00:00:00Z\", to: \"2026-01-03T00:00:00Z\" }",
        "createdAt: { from: \"2036-01-02T00:00:00Z\" }",
        "ownerId: $id",
        "query: \"手机\"",
        "query: \"机\", status: [OPEN], price: { max: \"100\" }",
        "query: \"九成新 iphone\"",
        "query: \"iphnoe\"",
        "query: \"没有的东西\"",
    ] {
        for (field, direction) in [("CREATED_AT", "DESC"), ("PRICE", "ASC"), ("PRICE", "DESC"), ("FAVORITES", "DESC")] {
            let order = format!("orderBy: {{ field: {field}, direction: {direction} }}");
            lists.push(format!("items(first: 20, filter: {{ {filter} }}, {order}) {{ {card} }}"));
        }
        lists.push(format!("items(last: 5, filter: {{ {filter} }}) {{ totalCount {card} }}"));
    }
    for query in ["手机", "机", "iphone 13", "小米充电宝", "王", "user1234", "zzzz", "nintndo switch"] {
        for kinds in ["[ITEM]", "[USER]", "[USER, ITEM]"] {
            lists.push(format!("search(query: {query:?}, kinds: {kinds}, first: 20) {{ totalCount nodes {{ __typename ... on Item {{ title }} }} }}"));
        }
        lists.push(format!("searchUsers(query: {query:?}) {{ nodes {{ username }} }}"));
    }
    lists.push("searchUsers(query: \"a@example.com\") { nodes { username } }".into());
    lists.push(format!(
        "user(id: $id) {{ items {{ totalCount {card} }} sold: items(filter: {{ status: [CLOSED] }}) {{ {card} }} }}"
    ));
    lists.push(format!("viewer {{ favorites {{ totalCount nodes {{ item {{ title }} }} }} finishedItems {{ totalCount {card} }} files {{ totalCount nodes {{ url }} }} }}"));
    lists.push("viewer { conversations { nodes { title unreadCount lastMessage { seq } messages(last: 20) { nodes { seq } } } } sessions { id } unread { messages conversations friendRequests groupJoinRequests } }".into());
    lists.push("users(first: 20, filter: { query: \"user12\" }) { totalCount nodes { username items(first: 2) { nodes { title } } } }".into());
    lists
}

/// A list, and the page that follows it.
async fn ask(person: &Person, list: &str, id: &Value) {
    let variable = if list.contains("$id") { "($id: ID!)" } else { "" };
    let data = person.data(&format!("query {variable} {{ {list} }}"), json!({ "id": id })).await;
    let cursor = data["items"]["pageInfo"]["endCursor"].as_str();
    if let Some(cursor) = cursor.filter(|_| list.contains("first: 20")) {
        let next = list.replacen("first: 20", &format!("first: 20, after: {cursor:?}"), 1);
        person.data(&format!("query {variable} {{ {next} }}"), json!({ "id": id })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_reads_a_large_table_from_end_to_end() {
    let app = seeded().await;
    let tables = large_tables(&app).await;
    for table in ["items", "favorites", "messages", "media", "item_images", "search_entries"] {
        assert!(tables.contains(table), "{table} has fewer rows");
    }
    let root = app.as_role("root", "ADMIN").await;
    let id = json!(plaza::ids::UserId(5).global());
    let lists = lists();
    let (rounds, plans, found) = scans(&app.url, &tables, async |app| {
        let root = root.on_instance(app.address);
        for list in &lists {
            ask(&root, list, &id).await;
        }
    })
    .await;
    assert!(plans > lists.len() * rounds, "{plans} plans of {} lists", lists.len());
    assert_eq!(found, BTreeSet::new());
    // A canary: what is looked for is found.
    let start = cluster().log_of(&app.url).len();
    app.sql().await.query("select max(length(note)) from items", &[]).await.unwrap();
    let (_, canary) = scanned(&cluster().log_of(&app.url)[start..], &tables);
    assert_eq!(canary.iter().filter(|scan| scan.contains("max(length(note))")).count(), 1);
}
