//! Finding messages by what they say: in one's own conversations alone, and no longer than they say it.

use serde_json::{Value, json};

use crate::edits::edit;
use crate::harness::{Person, TestApp, until};
use crate::removal::conversation_of;

const SEARCH: &str = "query ($query: String!, $filter: MessageSearchFilter, $first: Int, $after: String, $last: Int, $before: String) {
    viewer { searchMessages(query: $query, filter: $filter, first: $first, after: $after, last: $last, before: $before) { totalCount
        nodes { content { ... on TextContent { text } } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } }";

impl Person {
    /// The texts of the messages that they find, the newest first.
    async fn find(&self, query: &str) -> Vec<String> {
        self.find_of(query, Value::Null).await
    }

    async fn find_of(&self, query: &str, filter: Value) -> Vec<String> {
        let arguments = json!({ "query": query, "filter": filter, "first": 100 });
        let found = self.data(SEARCH, arguments).await["viewer"]["searchMessages"].clone();
        let texts = texts(&found);
        assert_eq!(found["totalCount"], texts.len());
        texts
    }
}

fn texts(found: &Value) -> Vec<String> {
    let text = |node: &Value| node["content"]["text"].as_str().unwrap().to_owned();
    found["nodes"].as_array().unwrap().iter().map(text).collect()
}

/// Waits until the words of all messages are made.
async fn indexed(app: &TestApp) {
    until("all is moved", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    let behind = "select count(*) from message_index, event_stream where position < head or rest_after is not null";
    until("words are made", || async { app.query_number(behind).await == 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_found_by_words_and_parts_of_words() {
    let app = TestApp::start().await;
    let [ada, bo, eve] = &app.people(["ada", "bo", "eve"]).await;
    for text in [
        "周六两点在图书馆门口见",
        "小米充电宝还在吗",
        "圖書館關門了",
        "See you at the Library, 10:30",
        "PS5 手柄",
        "音乐会的票",
    ] {
        ada.send_message(bo, text).await;
    }
    eve.send_message(ada, "图书馆的书").await;
    indexed(&app).await;
    for (query, expected) in [
        ("图书馆", vec!["圖書館關門了", "周六两点在图书馆门口见"]),
        ("書館", vec!["圖書館關門了", "周六两点在图书馆门口见"]),
        ("图书馆 门口", vec!["周六两点在图书馆门口见"]),
        ("充电", vec!["小米充电宝还在吗"]),
        ("library", vec!["See you at the Library, 10:30"]),
        ("libr", vec!["See you at the Library, 10:30"]),
        ("ps5", vec!["PS5 手柄"]),
        ("ＰＳ５", vec!["PS5 手柄"]),
        ("tushuguan", vec!["圖書館關門了", "周六两点在图书馆门口见"]),
        ("tushu menkou", vec!["周六两点在图书馆门口见"]),
        ("chongdian", vec!["小米充电宝还在吗"]),
        ("yinyuehui", vec!["音乐会的票"]),
        ("yinyue", vec!["音乐会的票"]),
        ("火车", vec![]),
        ("", vec![]),
        ("  ", vec![]),
        ("10", vec!["See you at the Library, 10:30"]),
        ("1", vec![]),
        ("' 1'", vec![]),
        ("' | ' 1", vec![]),
    ] {
        assert_eq!(bo.find(query).await, expected, "{query}");
    }
    assert_eq!(ada.find("图书馆").await, ["图书馆的书", "圖書館關門了", "周六两点在图书馆门口见"]);
    let long = "a".repeat(101);
    assert_eq!(bo.run(SEARCH, json!({ "query": long })).await.code(), "BAD_USER_INPUT");
    assert_eq!(app.run(SEARCH, json!({ "query": "a" })).await.data()["viewer"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_that_may_not_be_seen_or_is_gone() {
    let app = TestApp::start().await;
    let [ada, bo, lan, eve] = &app.people(["ada", "bo", "lan", "eve"]).await;
    for friend in [bo, lan] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("riders", &[bo], json!({})).await;
    let early = ada.tell_group(&group, "secret early").await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [lan.id] })).await;
    let edited = ada.tell_group(&group, "secret draft").await;
    ada.tell(&json!({ "groupId": group }), "secret cipher", json!({ "isPrivate": true })).await;
    indexed(&app).await;
    assert_eq!(bo.find("secret").await, ["secret draft", "secret early"]);
    assert_eq!(lan.find("secret").await, ["secret draft"], "of before they came nothing");
    assert_eq!(eve.find("secret").await, [""; 0]);
    let filter = json!({ "conversationId": conversation_of(&group) });
    assert_eq!(eve.find_of("secret", filter.clone()).await, [""; 0], "of others' conversations nothing");
    edit(ada, &edited, "public now").await;
    assert_eq!(bo.find("draft").await, [""; 0], "at once");
    indexed(&app).await;
    assert_eq!((bo.find("draft").await, bo.find("public").await), (vec![], vec!["public now".to_owned()]));
    // Taken back, it is gone at once, whoever looks at that moment.
    ada.on_message("revokeMessage(id: $id)", &early).await;
    assert_eq!(bo.find("secret").await, [""; 0]);
    bo.on_message("deleteMessage(id: $id)", &edited).await;
    assert_eq!((bo.find("public").await.len(), lan.find("public").await.len()), (0, 1));
    ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": lan.id })).await;
    ada.tell_group(&group, "public without lan").await;
    indexed(&app).await;
    assert_eq!(lan.find("public").await, ["public now"]);
    let clear = "mutation ($id: ID!) { clearConversation(id: $id) { userErrors { code } } }";
    ada.data(clear, json!({ "id": conversation_of(&group) })).await;
    assert_eq!(ada.find("public").await, [""; 0]);
    let left = "select count(*) from message_words join messages on messages.id = message_id where status <> 'NORMAL' or is_private";
    assert_eq!(app.query_number(left).await, 0);
    assert_eq!(app.query_number("select count(*) from message_words where words @@ '''early'''").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_are_filtered_and_paged() {
    let app = TestApp::start().await;
    let [ada, bo, lan] = &app.people(["ada", "bo", "lan"]).await;
    let mut conversation = Value::Null;
    for n in 0..10 {
        let (from, to) = if n % 3 == 0 { (bo, ada) } else { (ada, bo) };
        conversation = from.send_message(to, &format!("word {n}")).await["conversation"]["id"].clone();
    }
    lan.send_message(ada, "word of lan").await;
    indexed(&app).await;
    assert_eq!(ada.find("word").await.len(), 11);
    assert_eq!(ada.find_of("word", json!({ "conversationId": conversation })).await.len(), 10);
    assert_eq!(ada.find_of("word", json!({ "senderId": bo.id })).await, ["word 9", "word 6", "word 3", "word 0"]);
    assert_eq!(ada.find_of("word", json!({ "createdAt": { "to": "2020-01-01T00:00:00Z" } })).await, [""; 0]);
    let all = ada.find("word").await;
    let cursor = ada.data(SEARCH, json!({ "query": "word", "first": 1 })).await;
    let cursor = &cursor["viewer"]["searchMessages"]["pageInfo"]["endCursor"];
    let other = ada.run(SEARCH, json!({ "query": "lan", "first": 1, "after": cursor })).await;
    assert_eq!(other.code(), "BAD_USER_INPUT", "a cursor belongs to one list");
    for size in [1, 3, 4, 11] {
        let (mut forward, mut page) = (Vec::new(), json!({ "query": "word", "first": size }));
        loop {
            let found = ada.data(SEARCH, page).await["viewer"]["searchMessages"].clone();
            forward.extend(texts(&found));
            if found["pageInfo"]["hasNextPage"] == false {
                break;
            }
            page = json!({ "query": "word", "first": size, "after": found["pageInfo"]["endCursor"] });
        }
        let (mut backward, mut page) = (Vec::new(), json!({ "query": "word", "last": size }));
        loop {
            let found = ada.data(SEARCH, page).await["viewer"]["searchMessages"].clone();
            backward.splice(0..0, texts(&found));
            if found["pageInfo"]["hasPreviousPage"] == false {
                break;
            }
            page = json!({ "query": "word", "last": size, "before": found["pageInfo"]["startCursor"] });
        }
        assert_eq!((&forward, &backward), (&all, &all), "pages of {size}");
    }
}

/// What was there before words were made, and after a change of the rules, is found as well.
#[tokio::test(flavor = "multi_thread")]
async fn earlier_messages_are_found() {
    let app = TestApp::start().await;
    let [ada, bo] = &app.people(["ada", "bo"]).await;
    ada.send_message(bo, "hello").await;
    indexed(&app).await;
    let many = "insert into messages (conversation_id, seq, sender_id, type, content, is_private)
            select 1, n, 1, 'TEXT', jsonb_build_object('type', 'TEXT', 'text', 'word' || n), false from generate_series(2, 1203) n;
        update conversations set last_seq = 1203;
        delete from message_words; update message_index set version = 0, rest_after = 0";
    app.sql().await.batch_execute(many).await.unwrap();
    until("it is begun", || async { app.query_number("select version::bigint from message_index").await > 0 }).await;
    indexed(&app).await;
    assert_eq!((bo.find("hello").await, bo.find("word1203").await), (vec!["hello".into()], vec!["word1203".into()]));
    assert_eq!(app.query_number("select count(*) from message_words").await, 1203);
}
