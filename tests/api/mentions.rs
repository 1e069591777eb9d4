//! Mentions: which users can be mentioned, how many wait for a user, and lists of messages by sender and time.

use serde_json::{Value, json};

use crate::contents::send_content;
use crate::harness::accounts::user_errors;
use crate::harness::{Person, TestApp};
use crate::removal::conversation_of;

const COUNTS: &str = "query ($id: ID!) { conversation(id: $id) { unreadCount mentionCount } }";

impl Person {
    /// What waits for them in a conversation: unread messages, and those that mention them.
    pub async fn waiting(&self, conversation: &Value) -> [i64; 2] {
        let seen = self.data(COUNTS, json!({ "id": conversation })).await["conversation"].clone();
        ["unreadCount", "mentionCount"].map(|field| seen[field].as_i64().unwrap())
    }

    /// What is refused of a text with mentions, as code and path.
    async fn refused_mention(&self, to: &Value, more: Value) -> Vec<String> {
        user_errors(&send_content(self, to, &json!({ "text": { "text": "hey" } }), more).await)
    }

    /// Marks a conversation as read.
    async fn read_up(&self, conversation: &Value, seq: Value) {
        let read = "mutation ($id: ID!, $seq: Int) { markConversationRead(to: { conversationId: $id }, upToSeq: $seq) { userErrors { code } } }";
        assert_eq!(
            self.data(read, json!({ "id": conversation, "seq": seq })).await["markConversationRead"]["userErrors"],
            json!([])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mentions_are_shown_and_counted() {
    let app = TestApp::start().await;
    let [ada, bo, lan] = &app.people(["ada", "bo", "lan"]).await;
    ada.make_friends(bo).await;
    ada.make_friends(lan).await;
    let group = ada.make_group("riders", &[bo, lan], json!({})).await;
    let (to, conversation) = (json!({ "groupId": group }), conversation_of(&group));
    let mut socket = bo.socket().await;
    let receive = "subscription { messageReceived { message { mentions { username } mentionsAll } } }";
    socket.subscribe_live(&app, receive, json!({})).await;
    ada.tell(&to, "plain", json!({})).await;
    assert_eq!(socket.next().await["messageReceived"]["message"], json!({ "mentions": [], "mentionsAll": false }));
    ada.tell(&to, "you two", json!({ "mentionUserIds": [lan.id, bo.id, lan.id] })).await;
    let named = json!([{ "username": "lan" }, { "username": "bo" }]);
    assert_eq!(socket.next().await["messageReceived"]["message"], json!({ "mentions": named, "mentionsAll": false }));
    assert_eq!((bo.waiting(&conversation).await, lan.waiting(&conversation).await), ([2, 1], [2, 1]));
    // A message that mentions all and one by name counts once; one's own never.
    ada.tell(&to, "everybody", json!({ "mentionAll": true, "mentionUserIds": [bo.id, ada.id] })).await;
    assert_eq!((bo.waiting(&conversation).await, ada.waiting(&conversation).await), ([3, 2], [0, 0]));
    bo.read_up(&conversation, json!(2)).await;
    assert_eq!(bo.waiting(&conversation).await, [1, 1]);
    // What one says marks all before as read.
    bo.tell(&to, "yes", json!({ "mentionUserIds": [lan.id] })).await;
    assert_eq!((bo.waiting(&conversation).await, lan.waiting(&conversation).await), ([0, 0], [4, 3]));
    // A revoked message mentions no member; it is counted as unread.
    let taken = ada.tell(&to, "and you", json!({ "mentionUserIds": [bo.id], "mentionAll": true })).await;
    assert_eq!(bo.waiting(&conversation).await, [1, 1]);
    ada.on_message("revokeMessage(id: $id)", &taken).await;
    assert_eq!((bo.waiting(&conversation).await, lan.waiting(&conversation).await), ([1, 0], [5, 3]));
    // Who left and came back has what came since.
    lan.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    ada.tell(&to, "without lan", json!({ "mentionAll": true })).await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [lan.id] })).await;
    assert_eq!(lan.waiting(&conversation).await, [1, 0], "that they joined");
    ada.tell(&to, "welcome", json!({ "mentionUserIds": [lan.id] })).await;
    assert_eq!(lan.waiting(&conversation).await, [2, 1]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_visible_members_are_mentioned() {
    let app = TestApp::start().await;
    let [ada, bo, lan, mei, eve] = &app.people(["ada", "bo", "lan", "mei", "eve"]).await;
    for friend in [bo, lan, mei] {
        ada.make_friends(friend).await;
    }
    bo.make_friends(mei).await;
    let group = ada.make_group("riders", &[bo, lan, mei], json!({ "disableViewMember": true })).await;
    let to = json!({ "groupId": group });
    let by_name =
        |people: &[&Person]| json!({ "mentionUserIds": people.iter().map(|person| &person.id).collect::<Vec<_>>() });
    assert_eq!(bo.refused_mention(&to, json!({ "mentionAll": true })).await, ["FORBIDDEN input.mentionAll"]);
    // A member hidden from the sender is refused as a stranger is.
    let refused = ["NOT_FOUND input.mentionUserIds.0", "NOT_FOUND input.mentionUserIds.2"];
    assert_eq!(bo.refused_mention(&to, by_name(&[lan, ada, eve])).await, refused);
    bo.tell(&to, "friend and owner", by_name(&[mei, ada, bo])).await;
    ada.tell(&to, "by the owner", by_name(&[lan, bo])).await;
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_t_be_mentioned_is_refused() {
    let app = TestApp::start().await;
    let [ada, bo, eve] = &app.people(["ada", "bo", "eve"]).await;
    let to = json!({ "userId": bo.id });
    let many: Vec<String> = (1000..1021).map(|key| plaza::ids::UserId(key).global().0).collect();
    assert_eq!(
        ada.refused_mention(&to, json!({ "mentionUserIds": many })).await,
        ["INVALID_INPUT input.mentionUserIds"]
    );
    assert_eq!(
        ada.refused_mention(&to, json!({ "mentionUserIds": ["nothing"] })).await,
        ["NOT_FOUND input.mentionUserIds.0"]
    );
    assert_eq!(
        ada.refused_mention(&to, json!({ "mentionUserIds": [bo.id, eve.id] })).await,
        ["NOT_FOUND input.mentionUserIds.1"]
    );
    assert_eq!(ada.refused_mention(&to, json!({ "mentionAll": true })).await, ["FORBIDDEN input.mentionAll"]);
    assert_eq!(app.query_number("select count(*) from messages").await, 0);
    assert_eq!(app.query_number("select count(*) from conversations").await, 0);
    // The same key with other mentions is another message.
    let key = |more: Value| {
        let mut more = more;
        more["clientMessageId"] = json!("k");
        more
    };
    ada.tell(&to, "hey", key(json!({ "mentionUserIds": [bo.id] }))).await;
    assert_eq!(ada.refused_mention(&to, key(json!({}))).await, ["IDEMPOTENCY_MISMATCH input.clientMessageId"]);
    ada.tell(&to, "hey", key(json!({ "mentionUserIds": [bo.id] }))).await;
    assert_eq!(app.query_number("select count(*) from messages").await, 1);
}

/// Lists by sender and by time agree with what was said, also where clocks differed, and page both ways.
#[tokio::test(flavor = "multi_thread")]
async fn messages_are_listed_by_sender_and_time() {
    let app = TestApp::start().await;
    let [ada, bo] = &app.people(["ada", "bo"]).await;
    let mut conversation = Value::Null;
    for n in 0..40 {
        let (from, to) = if n % 4 == 0 { (bo, ada) } else { (ada, bo) };
        conversation = from.send_message(to, &n.to_string()).await["conversation"]["id"].clone();
    }
    // One a minute, but for two whose instance had another clock.
    app.sql()
        .await
        .batch_execute(
            "update messages set created_at = timestamptz '2026-01-01 00:00Z' + (seq - 1) * interval '1 minute'
                 + case when seq in (11, 30) then interval '40 seconds' when seq = 20 then interval '-50 seconds' else interval '0' end",
        )
        .await
        .unwrap();
    let listed = async |filter: &str, page: &str| {
        let document = format!(
            "query ($id: ID!) {{ conversation(id: $id) {{ messages(filter: {{ {filter} }}, {page}) {{ totalCount nodes {{ seq }}
                pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }} }} }}"
        );
        ada.data(&document, json!({ "id": conversation })).await["conversation"]["messages"].clone()
    };
    let seqs = |page: &Value| {
        page["nodes"].as_array().unwrap().iter().map(|node| node["seq"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let sender = format!("senderId: {}", json!(bo.id));
    let by_bo = listed(&sender, "first: 100").await;
    assert_eq!((seqs(&by_bo), &by_bo["totalCount"]), ((1..=40).step_by(4).collect(), &json!(10)));
    let from =
        |from: &str, to: &str| format!("createdAt: {{ from: \"2026-01-01T{from}Z\", to: \"2026-01-01T{to}Z\" }}");
    for (filter, expected) in [
        (from("00:10:00", "00:12:00"), vec![11, 12, 13]),
        (from("00:10:30", "00:11:00"), vec![11, 12]),
        (from("00:18:00", "00:18:30"), vec![19, 20]),
        (from("00:39:00", "23:00:00"), vec![40]),
        (from("23:00:00", "23:30:00"), vec![]),
        (from("00:05:00", "00:04:00"), vec![]),
        ("createdAt: { to: \"2026-01-01T00:01:00Z\" }".to_owned(), vec![1, 2]),
        ("createdAt: { from: \"2026-01-01T00:38:00Z\" }".to_owned(), vec![39, 40]),
        (format!("{sender}, {}", from("00:00:00", "00:08:00")), vec![1, 5, 9]),
        ("createdAt: {}, types: [VOICE]".to_owned(), vec![]),
    ] {
        let page = listed(&filter, "first: 100").await;
        assert_eq!((seqs(&page), &page["totalCount"]), (expected.clone(), &json!(expected.len())), "{filter}");
    }
    let (mut found, mut page) = (Vec::new(), "last: 3".to_owned());
    loop {
        let part = listed(&sender, &page).await;
        found.splice(0..0, seqs(&part));
        if part["pageInfo"]["hasPreviousPage"] == false {
            break;
        }
        page = format!("last: 3, before: {}", part["pageInfo"]["startCursor"]);
    }
    assert_eq!(found, (1..=40).step_by(4).collect::<Vec<_>>());
    let answer = ada
        .run(
            "query ($id: ID!) { conversation(id: $id) { messages(filter: { senderId: \"nothing\" }) { totalCount } } }",
            json!({ "id": conversation }),
        )
        .await;
    assert_eq!(answer.code(), "BAD_USER_INPUT");
}
