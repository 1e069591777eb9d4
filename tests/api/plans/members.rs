//! What members choose for conversations, and who is typing, where one member has many and one conversation has many.

use std::collections::BTreeMap;

use plaza::ids::ConversationId;
use serde_json::json;

use crate::harness::{Person, TestApp};

/// Pins and mutes conversations of those who have many and of those who have few.
pub async fn choose(people: &BTreeMap<i64, Person>) {
    for person in people.values() {
        for id in [1, 203] {
            let id = json!(ConversationId(id).global());
            for chosen in [false, true] {
                person.update_conversation(&id, json!({ "pinned": chosen, "muted": chosen })).await;
            }
        }
    }
}

/// All type in the conversation that has many members, and one of them follows it.
pub async fn type_in_turn(app: &TestApp, people: &BTreeMap<i64, Person>) {
    let crowd = json!({ "conversationId": ConversationId(1).global() });
    let mut socket = people[&9].follow_typing(app).await;
    for (key, person) in people.iter().filter(|(key, _)| **key != 9) {
        assert_eq!(person.set_typing(crowd.clone(), "TYPING").await["ok"], true);
        assert_eq!(socket.next().await["typing"]["user"]["username"], format!("user{key}"));
    }
}
