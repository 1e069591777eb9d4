//! What lists without a page cost: bounded, and cheap as clients use them.

use serde_json::{Value, json};

use crate::harness::groups::{group_id, insert_group, insert_users};
use crate::harness::{Person, TestApp};

/// What a client shows of its conversations when it is opened.
const OVERVIEW: &str = "query ($n: Int) { viewer { conversations(first: $n) { nodes { id kind title unreadCount updatedAt
    peer { id nickname avatar { url } } readMarkers { seq user { id nickname } }
    lastMessage { id seq sender { id nickname } content { ... on TextContent { text } } readByCount createdAt } } } } }";

/// As above, with the last page of each.
const PAGES: &str = "{ viewer { conversations(first: 30) { nodes { id title unreadCount
    readMarkers { seq user { id nickname avatar { url } } }
    messages(last: 20) { nodes { id seq sender { id nickname } content { ... on TextContent { text } } readByCount createdAt } } } } } }";

/// A page of messages with all that a client shows of them.
const CHAT: &str = "{ viewer { messages(last: 100) { totalCount nodes { id seq type status createdAt editedAt sender { id nickname avatar { url } }
    content { ... on TextContent { text } ... on PictureContent { url thumbnailUrl width height } ... on CardContent { kind subjectId } }
    mentionsAll mentions { id nickname } reactions { emoji count viewerReacted } readByCount delivered
    replyTo { id seq sender { nickname } content { ... on TextContent { text } } } } } } }";

/// What a client asks for after a pause, with all that it shows of the events.
const CATCH_UP: &str = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { cursor payload {
    ... on MessageCreated { message { id seq sender { id nickname } content { ... on TextContent { text } } } }
    ... on MembershipChanged { conversation { id } actor { id nickname } added { id nickname } addedCount removed { id } removedCount }
    ... on GroupMemberChanged { group { id } member { id role user { id nickname } } change } } } } } }";

const FRIENDS: &str = "{ viewer { friends(first: 100) { nodes { remark labels groups { id name } user { id nickname avatar { url } } } } } }";

async fn is_refused(person: &Person, document: &str) {
    assert_eq!(person.run(document, json!({})).await.code(), "QUERY_TOO_EXPENSIVE", "{document}");
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_lists_fit_and_what_multiplies_them_does_not() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    ada.data(OVERVIEW, json!({ "n": 100 })).await;
    ada.data(PAGES, json!({})).await;
    ada.data(FRIENDS, json!({})).await;
    ada.data(CHAT, json!({})).await;
    ada.data(CATCH_UP, json!({ "after": ada.event_cursor().await })).await;
    let statements = "commonGroups(first: 1) { totalCount }";
    for (field, times) in [
        ("readBy(first: 1) { nodes { id } }", 3),
        ("readBy(first: 1) { totalCount }", 3),
        ("sender { items(first: 1) { totalCount } }", 7),
    ] {
        let fields: Vec<String> = (0..times).map(|n| format!("f{n}: {field}")).collect();
        let page = format!("{{ viewer {{ messages(first: 100) {{ nodes {{ {} }} }} }} }}", fields.join(" "));
        is_refused(&ada, &page).await;
    }
    let conversation = |inside: &str| format!("{{ viewer {{ conversations(first: 18) {{ nodes {{ {inside} }} }} }} }}");
    is_refused(&ada, &conversation(&format!("readMarkers {{ user {{ {statements} }} }}"))).await;
    is_refused(&ada, "{ viewer { conversations(first: 100) { nodes { a: messages(first: 1) { nodes { id } } b: messages(last: 1) { nodes { id } } } } } }").await;
    let since = |inside: &str| {
        format!(
            "{{ viewer {{ eventsSince(after: \"x\", first: 20) {{ nodes {{ payload {{ ... on MembershipChanged {{ {inside} }} }} }} }} }} }}"
        )
    };
    is_refused(&ada, &since(&format!("added {{ {statements} }}"))).await;
    is_refused(&ada, &since(&format!("removed {{ {statements} }}"))).await;
    is_refused(&ada, "{ viewer { friends(first: 10) { nodes { groups { friends(first: 1) { totalCount } } } } } }")
        .await;
}

/// A group of 200 shows the markers of the 30 who read last, and counts all; the statements are those of a group of three.
#[tokio::test(flavor = "multi_thread")]
async fn markers_of_a_large_group_are_bounded_and_counted() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let sql = app.sql().await;
    let keys = insert_users(&sql, 199).await;
    let members: Vec<(i64, &str)> = keys.iter().map(|key| (*key, "GENERAL")).collect();
    let mut costs = Vec::new();
    for (others, shown) in [(2, 2), (199, 30)] {
        let group = insert_group(&sql, &format!("group of {others}"), ada.key(), &members[..others]).await;
        assert_eq!(ada.say_in(&group_id(group), "hello").await, [""; 0]);
        let read = "update members set read_seq = 1, delivered_seq = 1, read_at = now() - user_id * interval '1 second'
            where conversation_id = $1 and user_id <> $2";
        sql.execute(read, &[&group, &ada.key()]).await.unwrap();
        // What one says marks it as read; here it is about the others.
        let own = "update members set read_at = null where user_id = $1";
        sql.execute(own, &[&ada.key()]).await.unwrap();
        ada.data(OVERVIEW, json!({ "n": 1 })).await;
        let (data, cost) = app.count_statements(ada.data(OVERVIEW, json!({ "n": 1 }))).await;
        let conversation = &data["viewer"]["conversations"]["nodes"][0];
        let names: Vec<&Value> =
            conversation["readMarkers"].as_array().unwrap().iter().map(|marker| &marker["user"]["nickname"]).collect();
        let expected: Vec<String> = (1..=shown).map(|n| format!("Member {n}")).collect();
        assert_eq!(json!(names), json!(expected), "the last readers first");
        assert_eq!(conversation["lastMessage"]["readByCount"], others);
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[1], "{costs:?}");
}
