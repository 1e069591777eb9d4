//! What is said where many are, where one is in many, and where there is little.

use std::collections::BTreeMap;

use plaza::ids::{ConversationId, MessageId, UserId};
use serde_json::{Value, json};

use super::members::choose;
use super::skewed::PAGE;
use crate::harness::{Person, SEND};

pub async fn send(person: &Person, to: Value) -> String {
    let input = json!({ "to": to, "content": { "text": { "text": "hello" } } });
    let data = person.data(SEND, json!({ "input": input })).await;
    assert_eq!(data["sendMessage"]["userErrors"], json!([]));
    data["sendMessage"]["message"]["id"].as_str().unwrap().to_owned()
}

/// Lists of messages by type, sender and time.
async fn look_through(person: &Person, conversation: &Value) {
    let sender = |key: i64| format!("senderId: \"{}\"", UserId(key).global().0);
    let filters = [
        "types: [PICTURE]",
        "types: [PICTURE, LOCATION]",
        "types: [TEXT, PICTURE]",
        "types: [VOICE]",
        &sender(1),
        &sender(6),
        "createdAt: { from: \"2020-01-01T00:00:00Z\", to: \"2020-01-02T00:00:00Z\" }",
        "createdAt: { from: \"2020-01-01T00:00:00Z\" }",
    ];
    for filter in filters {
        for page in ["first: 20", "last: 5"] {
            let shown = "nodes { seq content { ... on PictureContent { url } } }";
            let messages = format!("messages({page}, filter: {{ {filter} }}) {{ {PAGE} {shown} }}");
            let query = format!("query ($id: ID!) {{ conversation(id: $id) {{ {messages} }} }}");
            person.data(&query, json!({ "id": conversation })).await;
        }
    }
}

/// Mentions, reacts, takes back and deletes.
async fn change(person: &Person, crowd: &Value) {
    let input = json!({ "to": crowd, "content": { "text": { "text": "@" } }, "mentionUserIds": [UserId(1).global()] });
    let sent = person.data(SEND, json!({ "input": input })).await["sendMessage"]["message"]["id"].clone();
    for change in [
        "addReaction(messageId: $id, emoji: \"👍\")",
        "addReaction(messageId: $id, emoji: \"❤️\")",
        "removeReaction(messageId: $id, emoji: \"👍\")",
        "revokeMessage(id: $id)",
        "deleteMessage(id: $id)",
    ] {
        let name = change.split('(').next().unwrap();
        let data = person
            .data(&format!("mutation ($id: ID!) {{ {change} {{ userErrors {{ code }} }} }}"), json!({ "id": sent }))
            .await;
        assert_eq!(data[name]["userErrors"], json!([]), "{change}");
    }
}

/// Sends, reads, marks and edits where many are, where one is in many, and where there is little.
pub async fn talk(people: &BTreeMap<i64, Person>) {
    let crowd = json!({ "conversationId": ConversationId(1).global() });
    for (key, person) in people {
        send(person, crowd.clone()).await;
        let other = UserId(if *key == 1 { 2 } else { 1 }).global();
        send(person, json!({ "userId": other })).await;
        let edited = send(person, crowd.clone()).await;
        let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"hi\") { userErrors { code } } }";
        assert_eq!(person.data(edit, json!({ "id": edited })).await["editMessage"]["userErrors"], json!([]));
        let message = "seq readByCount delivered sender { username avatar { url } } replyTo { seq sender { username } } \
             mentions { username } reactions { emoji count }";
        look_through(person, &crowd["conversationId"]).await;
        change(person, &crowd).await;
        person
            .data(
                &format!(
                    "query ($id: ID!, $other: ID!, $message: ID!) {{ conversation(id: $id) {{ title unreadCount mentionCount lastMessage {{ seq }}
                        participants {{ username }} readMarkers {{ seq }} messages(last: 50) {{ nodes {{ {message} }} }} }}
                        conversationWith(userId: $other) {{ title unreadCount messages(last: 50) {{ nodes {{ {message} }} }} }}
                        message(id: $message) {{ {message} conversation {{ title }} }} }}"
                ),
                json!({ "id": crowd["conversationId"], "other": other, "message": MessageId(500).global() }),
            )
            .await;
        for to in [crowd.clone(), json!({ "userId": other })] {
            let read = "mutation ($to: MessageTarget, $seq: Int) { markConversationRead(to: $to, upToSeq: $seq) { userErrors { code } } }";
            for seq in [json!(1), json!(10_000), Value::Null] {
                person.data(read, json!({ "to": to, "seq": seq })).await;
            }
            let delivered = "mutation ($to: MessageTarget!) { markConversationDelivered(to: $to, upToSeq: 2) { userErrors { code } } }";
            person.data(delivered, json!({ "to": to })).await;
        }
    }
    choose(people).await;
    people[&1].data("mutation { markConversationRead { userErrors { code } } }", json!({})).await;
}
