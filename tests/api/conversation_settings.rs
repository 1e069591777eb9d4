//! Pinned and muted conversations: each member's own, in the list and on their devices.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::{Person, TestApp, until};

const UPDATE: &str = "mutation ($id: ID!, $pinned: Boolean, $muted: Boolean) {
    updateConversation(id: $id, pinned: $pinned, muted: $muted) {
        conversation { pinned muted } userErrors { code field } } }";

const LIST: &str = "query ($first: Int, $after: String, $last: Int, $before: String) { viewer {
    conversations(first: $first, after: $after, last: $last, before: $before) {
        totalCount nodes { title pinned muted } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }";

impl Person {
    /// Changes what they chose for a conversation; the payload.
    pub async fn update_conversation(&self, id: &Value, mut changes: Value) -> Value {
        changes["id"] = id.clone();
        self.data(UPDATE, changes).await["updateConversation"].clone()
    }

    /// As [`Person::update_conversation`], which has to succeed: what is pinned and muted then.
    async fn choose(&self, id: &Value, changes: Value) -> (bool, bool) {
        let updated = self.update_conversation(id, changes).await;
        assert_eq!(updated["userErrors"], json!([]), "{updated}");
        let conversation = &updated["conversation"];
        (conversation["pinned"].as_bool().unwrap(), conversation["muted"].as_bool().unwrap())
    }

    async fn listed(&self, page: Value) -> Value {
        self.data(LIST, page).await["viewer"]["conversations"].clone()
    }
}

fn titles(page: &Value) -> Vec<String> {
    page["nodes"].as_array().unwrap().iter().map(|node| node["title"].as_str().unwrap().to_owned()).collect()
}

async fn conversation_of(sender: &Person, recipient: &Person) -> Value {
    sender.send_message(recipient, "hello").await["conversation"]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn pinned_conversations_come_first_in_pages_both_ways() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(conversation_of(&app.as_user(&format!("friend{n}")).await, &ada).await);
    }
    for n in [3, 0, 1] {
        assert_eq!(ada.choose(&ids[n], json!({ "pinned": true })).await, (true, false));
    }
    let order = ["friend3", "friend1", "friend0", "friend5", "friend4", "friend2"];
    let all = ada.listed(json!({})).await;
    assert_eq!((titles(&all), &all["totalCount"]), (order.map(String::from).to_vec(), &json!(6)));
    assert_eq!(all["nodes"][0], json!({ "title": "friend3", "pinned": true, "muted": false }));
    // Through pages that end among the pinned ones, at their end and behind it, in both directions.
    for size in 1..=6 {
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        let mut page = json!({ "first": size });
        loop {
            let found = ada.listed(page).await;
            forward.extend(titles(&found));
            if found["pageInfo"]["hasNextPage"] == false {
                break;
            }
            page = json!({ "first": size, "after": found["pageInfo"]["endCursor"] });
        }
        let mut page = json!({ "last": size });
        loop {
            let found = ada.listed(page).await;
            backward.splice(0..0, titles(&found));
            if found["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
            page = json!({ "last": size, "before": found["pageInfo"]["startCursor"] });
        }
        assert_eq!((forward, backward), (order.map(String::from).to_vec(), order.map(String::from).to_vec()), "{size}");
    }
    ada.choose(&ids[3], json!({ "pinned": false })).await;
    assert_eq!(titles(&ada.listed(json!({ "first": 4 })).await), ["friend1", "friend0", "friend5", "friend4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_given_stays_and_the_other_member_sees_nothing_of_it() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let id = conversation_of(&bo, &ada).await;
    let version = "select version + membership_version from conversations";
    let before = app.query_number(version).await;
    assert_eq!(ada.choose(&id, json!({})).await, (false, false));
    assert_eq!(ada.choose(&id, json!({ "muted": true })).await, (false, true));
    assert_eq!(ada.choose(&id, json!({ "pinned": true, "muted": null })).await, (true, true));
    assert_eq!(ada.choose(&id, json!({ "pinned": null, "muted": false })).await, (true, false));
    assert_eq!(bo.listed(json!({})).await["nodes"][0], json!({ "title": "ada", "pinned": false, "muted": false }));
    assert_eq!(app.query_number(version).await, before, "no version is made");
    // A muted conversation is delivered and counted as before.
    ada.choose(&id, json!({ "muted": true })).await;
    let mut socket = ada.socket().await;
    let received = "subscription { messageReceived { message { seq } } }";
    socket.subscribe_live(&app, received, json!({})).await;
    bo.send_message(&ada, "again").await;
    assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], 2);

    let missing = json!(plaza::ids::ConversationId(999).global());
    for (person, id) in [(&cy, &id), (&ada, &missing), (&ada, &json!(bo.id))] {
        let refused = person.update_conversation(id, json!({ "pinned": true })).await;
        assert_eq!(refused["userErrors"], json!([{ "code": "NOT_FOUND", "field": ["id"] }]));
        assert_eq!(refused["conversation"], Value::Null);
    }
    assert_eq!(app.run(UPDATE, json!({ "id": id, "pinned": true })).await.code(), "UNAUTHENTICATED");
}

/// The viewer's devices are told, on every instance; where nothing changes, nothing is told.
#[tokio::test(flavor = "multi_thread")]
async fn other_devices_are_told_and_other_members_are_not() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let id = conversation_of(&bo, &ada).await;
    let events = "subscription { events { payload { __typename ... on ConversationChanged {
        conversation { id title pinned muted } } } } }";
    let updated = "subscription { conversationUpdated { id pinned muted lastMessage { seq } } }";
    until("it is told", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    until("it is here", || async { app.app.events.head().position == 3 }).await;
    let start = ada.event_cursor().await;
    let (mut at_ada, mut at_bo) = (ada.socket().await, bo.socket().await);
    let mut there = ada.on_instance(other.address).socket().await;
    at_ada.subscribe_live(&app, events, json!({})).await;
    at_bo.subscribe_live(&app, updated, json!({})).await;
    there.subscribe_live(&other, updated, json!({})).await;
    for _ in 0..2 {
        ada.choose(&id, json!({ "pinned": true, "muted": true })).await;
    }
    let changed = json!({ "id": id, "title": "bo", "pinned": true, "muted": true });
    let payload = at_ada.next().await["events"]["payload"].clone();
    assert_eq!(payload, json!({ "__typename": "ConversationChanged", "conversation": changed }));
    let told = there.next().await["conversationUpdated"].clone();
    assert_eq!(told, json!({ "id": id, "pinned": true, "muted": true, "lastMessage": { "seq": 1 } }));
    bo.send_message(&ada, "again").await;
    assert_eq!(at_ada.next().await["events"]["payload"]["__typename"], "MessageCreated", "and nothing between");
    let told = at_bo.next().await["conversationUpdated"].clone();
    assert_eq!(told, json!({ "id": id, "pinned": false, "muted": false, "lastMessage": { "seq": 2 } }));
    // A device that was away reads it later.
    let since =
        "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload { __typename } } } } }";
    for (person, expected) in [(&ada, vec!["ConversationChanged", "MessageCreated"]), (&bo, vec!["MessageCreated"])] {
        let data = person.data(since, json!({ "after": start })).await;
        let nodes = data["viewer"]["eventsSince"]["nodes"].as_array().unwrap().clone();
        let names: Vec<_> = nodes.iter().map(|node| node["payload"]["__typename"].as_str().unwrap()).collect();
        assert_eq!(names, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_a_hundred_are_pinned_also_at_once() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let statement = "with u as (insert into users (username, username_key, nickname)
            select 'p' || n, 'p' || n, 'P' from generate_series(1, 104) n returning id),
        p as (insert into profiles (user_id) select id from u),
        c as (insert into conversations (kind, low_user_id, high_user_id) select 'DIRECT', 1, id from u returning id, high_user_id)
        insert into members (conversation_id, user_id, is_pinned)
        select id, user_id, user_id = 1 and row_number() over (order by id, user_id) <= 2 * 98
        from c cross join lateral (values (1), (high_user_id)) people (user_id)";
    let sql = app.sql().await;
    sql.execute(statement, &[]).await.unwrap();
    let pinned = "select count(*) from members where is_pinned";
    assert_eq!((ada.key(), app.query_number(pinned).await), (1, 98));
    let rows =
        sql.query("select conversation_id from members where user_id = 1 and not is_pinned order by 1", &[]).await;
    let rest: Vec<Value> =
        rows.unwrap().iter().map(|row| json!(plaza::ids::ConversationId(row.get(0)).global())).collect();
    let pins = join_all(rest.iter().map(|id| ada.update_conversation(id, json!({ "pinned": true })))).await;
    let refused: Vec<Vec<&str>> = pins.iter().map(codes).filter(|codes| !codes.is_empty()).collect();
    assert_eq!(refused, vec![vec!["CONFLICT"]; 4]);
    assert_eq!(app.query_number(pinned).await, 100);
    // What is pinned can be muted, and pinned again; another one once one is unpinned.
    let is_pinned = |n: usize| codes(&pins[n]).is_empty();
    let (one, other) = ((0..6).find(|n| is_pinned(*n)).unwrap(), (0..6).find(|n| !is_pinned(*n)).unwrap());
    assert_eq!(ada.choose(&rest[one], json!({ "pinned": true, "muted": true })).await, (true, true));
    assert_eq!(ada.choose(&rest[other], json!({ "muted": true })).await, (false, true));
    assert_eq!(ada.choose(&rest[one], json!({ "pinned": false })).await, (false, true));
    assert_eq!(ada.choose(&rest[other], json!({ "pinned": true })).await, (true, true));
}

/// A choice stays when the member leaves and comes back, and can be made in between.
#[tokio::test(flavor = "multi_thread")]
async fn a_choice_outlives_a_membership() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.make_friends(&bo).await;
    let group = ada.make_group("g", &[&bo], json!({})).await;
    ada.say_in(&group, "hello").await;
    let find = "query ($id: ID!) { group(id: $id) { conversation { id } } }";
    let id = bo.data(find, json!({ "id": group })).await["group"]["conversation"]["id"].clone();
    bo.choose(&id, json!({ "pinned": true })).await;
    bo.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    assert_eq!(bo.choose(&id, json!({ "muted": true })).await, (true, true));
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [bo.id] })).await;
    assert_eq!(bo.listed(json!({})).await["nodes"][0], json!({ "title": "g", "pinned": true, "muted": true }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_choice_costs_a_constant_number_of_statements() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let id = conversation_of(&bo, &ada).await;
    for (changes, expected) in [
        (json!({ "pinned": false }), 1),
        (json!({ "muted": true }), 2),
        (json!({ "pinned": true }), 4),
        (json!({ "pinned": false }), 2),
    ] {
        let (_, cost) = app.count_statements(ada.choose(&id, changes.clone())).await;
        assert_eq!(cost, expected, "{changes}");
    }
}
