//! A replay shows no text that was edited away, from memory or from the database.

use serde_json::{Value, json};

use crate::harness::{Person, TestApp, until};

const SINCE: &str = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload { __typename
    ... on MessageCreated { message { seq content { ... on TextContent { text } } } }
    ... on MessageUpdated { message { seq content { ... on TextContent { text } } } } } } } } }";
const RECEIVE: &str = "subscription ($after: String) { messageReceived(after: $after) { message { content { ... on TextContent { text } } } } }";

pub async fn edit(person: &Person, id: &Value, text: &str) {
    let edit = "mutation ($id: ID!, $text: String!) { editMessage(id: $id, text: $text) { userErrors { code } } }";
    let data = person.data(edit, json!({ "id": id, "text": text })).await;
    assert_eq!(data["editMessage"]["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_catches_up_sees_what_was_edited_as_it_is() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let start = bo.event_cursor().await;
    let secret = ada.send_message(&bo, "old secret").await["id"].clone();
    ada.send_message(&bo, "beside it").await;
    until("both lie in memory", || async { app.app.events.head().position == 4 }).await;
    edit(&ada, &secret, "draft").await;
    until("the edit lies there as well", || async { app.app.events.head().position == 5 }).await;
    edit(&ada, &secret, "new").await;
    until("and the next", || async { app.app.events.head().position == 6 }).await;

    let other = app.another_instance().await;
    for address in [app.address, other.address] {
        let bo = bo.on_instance(address);
        let since = bo.data(SINCE, json!({ "after": start })).await;
        let shown = |node: &Value| {
            let payload = &node["payload"];
            let message = &payload["message"];
            (payload["__typename"].clone(), message["seq"].clone(), message["content"]["text"].clone())
        };
        let nodes = since["viewer"]["eventsSince"]["nodes"].as_array().unwrap();
        assert_eq!(
            nodes.iter().map(shown).collect::<Vec<_>>(),
            [
                (json!("MessageCreated"), json!(1), json!("new")),
                (json!("MessageCreated"), json!(2), json!("beside it")),
                (json!("MessageUpdated"), json!(1), json!("new")),
                (json!("MessageUpdated"), json!(1), json!("new")),
            ]
        );
        let mut socket = bo.socket().await;
        socket.subscribe(RECEIVE, json!({ "after": start })).await;
        for text in ["new", "beside it"] {
            assert_eq!(socket.next().await["messageReceived"]["message"]["content"]["text"], text);
        }
    }
}
