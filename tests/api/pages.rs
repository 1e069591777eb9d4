//! Lists come in pages, both ways, and a cursor belongs to its list.

use serde_json::{Value, json};

use crate::chat::LIST;
use crate::harness::TestApp;

const HISTORY: &str = "query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    conversation(id: $id) { messages(first: $first, after: $after, last: $last, before: $before) {
        totalCount edges { cursor node { seq } } nodes { seq }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_in_pages_both_ways() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let mut id = Value::Null;
    for n in 1..=25 {
        id = ada.send_message(&bo, &format!("message {n}")).await["conversation"]["id"].clone();
    }
    let page = |mut arguments: Value| {
        arguments["id"] = id.clone();
        let bo = bo.clone();
        async move { bo.data(HISTORY, arguments).await["conversation"]["messages"].clone() }
    };
    let seqs = |page: &Value| -> Vec<i64> {
        page["nodes"].as_array().unwrap().iter().map(|node| node["seq"].as_i64().unwrap()).collect()
    };
    let first = page(json!({})).await;
    assert_eq!(seqs(&first), (1..=20).collect::<Vec<i64>>());
    assert_eq!(first["totalCount"], 25);
    assert_eq!(
        (&first["pageInfo"]["hasNextPage"], &first["pageInfo"]["hasPreviousPage"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(first["edges"][0]["cursor"], first["pageInfo"]["startCursor"]);
    let second = page(json!({ "first": 20, "after": first["pageInfo"]["endCursor"] })).await;
    assert_eq!(seqs(&second), (21..=25).collect::<Vec<i64>>());
    assert_eq!(second["pageInfo"]["hasNextPage"], false);
    let latest = page(json!({ "last": 3 })).await;
    assert_eq!(seqs(&latest), [23, 24, 25]);
    let earlier = page(json!({ "last": 3, "before": latest["pageInfo"]["startCursor"] })).await;
    assert_eq!(seqs(&earlier), [20, 21, 22]);
    assert_eq!(earlier["pageInfo"]["hasPreviousPage"], true);

    // An empty cursor is none.
    assert_eq!(page(json!({ "after": "" })).await, first);
    assert_eq!(seqs(&page(json!({ "last": 3, "before": "", "after": "" })).await), [23, 24, 25]);

    let bad = [
        json!({ "first": 0 }),
        json!({ "first": 101 }),
        json!({ "last": -1 }),
        json!({ "first": 1, "last": 1 }),
        json!({ "after": "x" }),
        json!({ "first": 5, "before": first["pageInfo"]["startCursor"] }),
    ];
    for mut arguments in bad {
        arguments["id"] = id.clone();
        assert_eq!(bo.run(HISTORY, arguments.clone()).await.code(), "BAD_USER_INPUT", "{arguments}");
    }
    // A cursor of another conversation.
    let elsewhere = bo.send_message(&bo, "note").await["conversation"]["id"].clone();
    let foreign = json!({ "id": elsewhere, "after": first["pageInfo"]["endCursor"] });
    assert_eq!(bo.run(HISTORY, foreign).await.code(), "BAD_USER_INPUT");
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_come_latest_first_and_in_pages() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let mut people = Vec::new();
    for n in 0..5 {
        people.push(app.as_user(&format!("friend{n}")).await);
    }
    for person in &people {
        person.send_message(&ada, "hello").await;
    }
    people[1].send_message(&ada, "hello again").await;
    let titles = |data: &Value| -> Vec<String> {
        let nodes = data["viewer"]["conversations"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["title"].as_str().unwrap().to_owned()).collect()
    };
    let all = ada.data(LIST, json!({})).await;
    assert_eq!(titles(&all), ["friend1", "friend4", "friend3", "friend2", "friend0"]);
    assert_eq!(all["viewer"]["conversations"]["totalCount"], 5);
    insta::assert_json_snapshot!(all["viewer"]["conversations"]["nodes"][0]);
    let first = ada.data(LIST, json!({ "first": 2 })).await;
    let info = &first["viewer"]["conversations"]["pageInfo"];
    assert_eq!(titles(&first), ["friend1", "friend4"]);
    let second = ada.data(LIST, json!({ "first": 2, "after": info["endCursor"] })).await;
    assert_eq!(titles(&second), ["friend3", "friend2"]);
    let before = second["viewer"]["conversations"]["pageInfo"]["startCursor"].clone();
    let back = ada.data(LIST, json!({ "last": 1, "before": before })).await;
    assert_eq!(titles(&back), ["friend4"]);
    assert_eq!(back["viewer"]["conversations"]["pageInfo"]["hasPreviousPage"], true);
}

/// A cursor made up from a real one, with a time that PostgreSQL doesn't know, is the client's fault.
#[tokio::test(flavor = "multi_thread")]
async fn a_made_up_cursor_is_refused() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    ada.send_message(&ada, "a note").await;
    let query = "query ($after: String) { viewer { conversations(first: 1, after: $after) { edges { cursor } } } }";
    let page = ada.data(query, json!({})).await;
    let cursor = page["viewer"]["conversations"]["edges"][0]["cursor"].as_str().unwrap();
    let mut parts: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
    parts[1] = json!([false, "-262143-01-01T00:00:00Z", i64::MIN]);
    let after = URL_SAFE_NO_PAD.encode(parts.to_string());
    assert_eq!(ada.run(query, json!({ "after": after })).await.code(), "BAD_USER_INPUT");
}
