//! Lists of messages by their type.

use serde_json::{Value, json};

use crate::contents::send_content;
use crate::harness::files::{file_part, rgb_png};
use crate::harness::{Person, TestApp, until};

async fn seqs(person: &Person, peer: &Person, arguments: &str) -> (Vec<i64>, i64, Value) {
    let document = format!(
        "query ($id: ID!) {{ conversationWith(userId: $id) {{ messages({arguments}) {{ totalCount nodes {{ seq }}
            pageInfo {{ endCursor startCursor hasNextPage hasPreviousPage }} }} }} }}"
    );
    let data = person.data(&document, json!({ "id": peer.id })).await["conversationWith"]["messages"].clone();
    let seqs = data["nodes"].as_array().unwrap().iter().map(|node| node["seq"].as_i64().unwrap()).collect();
    (seqs, data["totalCount"].as_i64().unwrap(), data["pageInfo"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_by_type() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let uploaded = ada.upload_media(file_part("cat.png", rgb_png(9, 9))).await;
    let picture = json!({ "picture": { "mediaId": uploaded["id"] } });
    let place = json!({ "location": { "coordinates": { "longitude": 1, "latitude": 2 } } });
    let text = json!({ "text": { "text": "words" } });
    // Texts at 1, 4 and 7, pictures at 2, 5 and 8, places at 3, 6 and 9.
    for content in [&text, &picture, &place].repeat(3) {
        let payload = send_content(&ada, &json!({ "userId": bo.id }), content, json!({})).await;
        assert_eq!(payload["userErrors"], json!([]), "{content}");
    }
    for (types, expected) in [
        ("[PICTURE]", vec![2, 5, 8]),
        ("[PICTURE, LOCATION, PICTURE]", vec![2, 3, 5, 6, 8, 9]),
        ("[TEXT]", vec![1, 4, 7]),
        ("[TEXT, PICTURE]", vec![1, 2, 4, 5, 7, 8]),
        ("[VOICE]", vec![]),
        ("[UNSUPPORTED]", vec![]),
        ("[]", vec![]),
        ("null", (1..=9).collect()),
    ] {
        let filter = format!("filter: {{ types: {types} }}");
        let (found, total, _) = seqs(&bo, &ada, &filter).await;
        assert_eq!((&found, total), (&expected, i64::try_from(expected.len()).unwrap()), "{types}");
        let (mut pages, mut after) = (Vec::new(), Value::Null);
        loop {
            let (page, _, info) = seqs(&bo, &ada, &format!("{filter}, first: 2, after: {after}")).await;
            pages.extend(page);
            if info["hasNextPage"] == false {
                break;
            }
            after = info["endCursor"].clone();
        }
        assert_eq!(pages, expected, "{types} forward");
        let (mut pages, mut before) = (Vec::new(), Value::Null);
        loop {
            let (page, _, info) = seqs(&bo, &ada, &format!("{filter}, last: 2, before: {before}")).await;
            pages.extend(page.into_iter().rev());
            if info["hasPreviousPage"] == false {
                break;
            }
            before = info["startCursor"].clone();
        }
        assert_eq!(pages.into_iter().rev().collect::<Vec<_>>(), expected, "{types} backward");
    }
    // Within the viewer's window.
    app.sql().await.batch_execute("update members set from_seq = 3 where user_id = 2").await.unwrap();
    assert_eq!(seqs(&bo, &ada, "filter: { types: [PICTURE] }").await.0, [5, 8]);
    until("all is told of", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
}
