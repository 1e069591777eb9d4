//! How well search finds things: a judged set of queries over the demo data, made before the search was tuned, and two
//! plain ways of searching beside it.
//!
//! `search_quality.json` has for each query the items that a user who types it would call right. Precision at 5 is strict:
//! right ones among the first five, of as many as there are right ones (five at most) or were given, whichever is more;
//! so both what is missing and what is too much count against it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::market::titles;
use crate::harness::{Person, TestApp};

const ILIKE: &str = "select title from items where title ilike '%' || $1 || '%' or note ilike '%' || $1 || '%'
    order by title ilike '%' || $1 || '%' desc, id desc limit 5";

const TRGM: &str = "select title from items where $1 <% (title || ' ' || note)
    order by word_similarity($1, title || ' ' || note) desc, id desc limit 5";

#[derive(Default)]
struct Scores {
    precision: f64,
    reciprocal_rank: f64,
    queries: f64,
}

impl Scores {
    fn add(&mut self, found: &[String], right: &[&str]) {
        let hits: Vec<bool> = found.iter().map(|title| right.contains(&title.as_str())).collect();
        let wanted = right.len().min(5).max(hits.len());
        let count = |n: usize| f64::from(u32::try_from(n).unwrap());
        self.precision += count(hits.iter().filter(|hit| **hit).count()) / count(wanted);
        self.reciprocal_rank += hits.iter().position(|hit| *hit).map_or(0.0, |place| 1.0 / count(place + 1));
        self.queries += 1.0;
    }

    fn precision(&self) -> f64 {
        self.precision / self.queries
    }
}

async fn plain(client: &Client, sql: &str, query: &str) -> Vec<String> {
    client.query(sql, &[&query]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn search(person: &Person, query: &str) -> Vec<String> {
    let document =
        "query ($q: String!) { search(query: $q, kinds: [ITEM], first: 5) { nodes { ... on Item { title } } } }";
    titles(&person.data(document, json!({ "q": query })).await["search"]["nodes"])
}

#[tokio::test(flavor = "multi_thread")]
async fn search_finds_what_people_mean() {
    let demo: Value = serde_json::from_str(include_str!("../../src/seed/demo.json")).unwrap();
    let judged: Value = serde_json::from_str(include_str!("search_quality.json")).unwrap();
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    for item in demo["items"].as_array().unwrap() {
        ada.create_item(json!({ "title": item["title"], "note": item["note"] })).await;
    }
    let client = app.sql().await;
    // By way and kind of query, and by way over all.
    let mut scores: BTreeMap<(&str, &str), Scores> = BTreeMap::new();
    for case in judged.as_array().unwrap() {
        let (query, kind) = (case["query"].as_str().unwrap(), case["kind"].as_str().unwrap());
        let right: Vec<&str> = case["right"].as_array().unwrap().iter().map(|title| title.as_str().unwrap()).collect();
        let ours = search(&ada, query).await;
        let wrong: Vec<&String> = ours.iter().filter(|title| !right.contains(&title.as_str())).collect();
        if ours.len() - wrong.len() < right.len().min(5) || !wrong.is_empty() {
            println!("{kind} {query}: {} of {} right; wrong: {wrong:?}", ours.len() - wrong.len(), right.len());
        }
        let ways = [
            ("Plaza", ours),
            ("ILIKE", plain(&client, ILIKE, query).await),
            ("pg_trgm", plain(&client, TRGM, query).await),
        ];
        for (way, found) in &ways {
            scores.entry((way, kind)).or_default().add(found, &right);
            scores.entry((way, "all")).or_default().add(found, &right);
        }
    }
    for ((way, kind), score) in &scores {
        let rank = score.reciprocal_rank / score.queries;
        println!(
            "{way:8} {kind:6} {:3} queries: precision at 5 {:.3}, mean reciprocal rank {rank:.3}",
            score.queries,
            score.precision()
        );
    }
    assert!(scores[&("Plaza", "all")].queries >= 60.0);
    for (kind, least) in [("short", 15.0), ("mixed", 10.0), ("typo", 10.0)] {
        assert!(scores[&("Plaza", kind)].queries >= least, "{kind}");
    }
    let precision = |way| scores[&(way, "all")].precision();
    assert!(precision("Plaza") >= 0.8, "{}", precision("Plaza"));
    assert!(precision("Plaza") > precision("ILIKE") && precision("Plaza") > precision("pg_trgm"));
}
