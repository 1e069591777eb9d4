//! What every query of chat and accounts costs in statements, whatever the page size.
//!
//! Counted is everything sent through the pool but BEGIN, COMMIT and ROLLBACK.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use plaza::ids::{ConversationId, UserId};
use serde_json::{Value, json};

use crate::harness::files::{file_part, rgb_png};
use crate::harness::{Person, TestApp, until};
use crate::live::seq;

const SIZES: [i64; 3] = [1, 10, 100];

/// A user with 120 conversations, one of them with 120 messages of two people.
async fn busy() -> (TestApp, Person, Person) {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    app.sql()
        .await
        .batch_execute(
            "insert into users (username, username_key, nickname) select 'p' || n, 'p' || n, 'P' || n from generate_series(1, 119) n;
             insert into profiles (user_id) select id from users where id > 2;
             insert into conversations (kind, low_user_id, high_user_id, last_seq, version, last_activity_at)
                 select 'DIRECT', 1, id, case id when 2 then 120 else 1 end, 120, now() + id * interval '1 second' from users where id > 1;
             insert into members (conversation_id, user_id) select id, low_user_id from conversations;
             insert into members (conversation_id, user_id, read_seq, delivered_seq, read_at) select id, high_user_id, 1, 1, now() from conversations;
             insert into messages (conversation_id, seq, sender_id, type, content, is_private)
                 select c.id, n, case n % 2 when 0 then low_user_id else high_user_id end, 'TEXT',
                     jsonb_build_object('type', 'TEXT', 'text', 'message ' || n), false
                 from conversations c cross join lateral generate_series(1, c.last_seq) n;
             analyze",
        )
        .await
        .unwrap();
    (app, ada, bo)
}

/// Runs a query at each page size, checks that it costs the same each time, and returns what it costs.
pub async fn cost(app: &TestApp, person: &Person, query: &str, variables: Value) -> u64 {
    let mut costs = Vec::new();
    for size in SIZES {
        let mut variables = variables.clone();
        variables["n"] = json!(size);
        // Once before: what a connection asks about types of its own is asked once.
        person.data(query, variables.clone()).await;
        let (_, cost) = app.count_statements(person.data(query, variables)).await;
        costs.push(cost);
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{query} costs {costs:?} at page sizes {SIZES:?}");
    costs[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_cost_the_same_at_every_page_size() {
    let (app, ada, bo) = busy().await;
    let with = json!({ "id": bo.id });
    let cases = [
        ("{ viewer { eventCursor } }", json!({}), 0),
        ("query ($id: ID!) { user(id: $id) { username } }", with.clone(), 1),
        ("{ userByAccountNumber(accountNumber: 10000001) { username } }", json!({}), 1),
        ("{ viewer { user { username } } }", json!({}), 1),
        ("query ($id: ID!) { user(id: $id) { username private { address } } }", with.clone(), 2),
        (
            "{ viewer { sessions { platform current } user { gender age bio score place { city } private { email suspended } } } }",
            json!({}),
            3,
        ),
        (
            "query ($n: Int) { viewer { conversations(first: $n) { nodes { peer { username bio verification private { email } } } } } }",
            json!({}),
            3,
        ),
        ("query ($id: ID!) { nodes(ids: [$id, $id]) { id } user(id: $id) { username } }", with.clone(), 1),
        (
            "query ($n: Int) { viewer { conversations(first: $n) { nodes { title unreadCount maxSeq peer { username } participants { username } } } } }",
            json!({}),
            2,
        ),
        ("query ($n: Int) { viewer { conversations(first: $n) { totalCount nodes { title } } } }", json!({}), 3),
        (
            "query ($n: Int) { viewer { conversations(first: $n) { nodes { title unreadCount lastReadSeq updatedAt
                lastMessage { seq sender { username } content { ... on TextContent { text } } conversation { title } }
                readMarkers { user { username } seq } } } } }",
            json!({}),
            4,
        ),
        (
            "query ($id: ID!, $n: Int) { conversationWith(userId: $id) { messages(first: $n) { totalCount nodes {
                seq sender { username } content { ... on TextContent { text } } conversation { id title } } } } }",
            with.clone(),
            3,
        ),
        (
            "query ($id: ID!, $n: Int) { conversationWith(userId: $id) { messages(last: $n) { nodes {
                seq sender { username } delivered readByCount } } } }",
            with.clone(),
            4,
        ),
    ];
    for (query, variables, expected) in cases {
        assert_eq!(cost(&app, &ada, query, variables).await, expected, "{query}");
    }
    let root = app.as_role("root", "ADMIN").await;
    for (query, expected) in [
        ("query ($n: Int) { users(first: $n) { nodes { username } } }", 2),
        // Files that were seen lately are known.
        ("query ($n: Int) { users(first: $n) { nodes { avatar { url } } } }", 2),
        (
            "query ($n: Int) { users(first: $n, filter: { query: \"p1\", suspended: false }) { totalCount nodes { username } } }",
            3,
        ),
        (
            // What everybody may know and what is private are read apart: the former is mostly in memory.
            "query ($n: Int) { users(first: $n, filter: { role: USER }) { nodes { username bio private { email suspended } } } }",
            5,
        ),
    ] {
        assert_eq!(cost(&app, &root, query, json!({})).await, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_cost_what_they_should() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    app.sql()
        .await
        .batch_execute(
            "insert into blobs (sha256, content_type, name, size_bytes, stored, uses, wanted_at)
                 select sha256(n::text::bytea), 'image/png', n::text, 9, true, 1, now() from generate_series(1, 240) n;
             insert into media (owner_id, blob_id, thumbnail_id, width, height, file_name, created_at)
                 select 1, n, n + 120, 9, 9, 'a.png', now() from generate_series(1, 120) n;
             insert into users (username, username_key, nickname, avatar_id)
                 select 'p' || n, 'p' || n, 'P' || n, n from generate_series(1, 119) n",
        )
        .await
        .unwrap();
    let files =
        "query ($n: Int) { viewer { files(first: $n) { nodes { url thumbnailUrl width fileName sizeBytes } } } }";
    assert_eq!(cost(&app, &ada, files, json!({})).await, 1);
    let counted = "query ($n: Int) { viewer { files(first: $n) { totalCount nodes { url } } } }";
    assert_eq!(cost(&app, &ada, counted, json!({})).await, 2);
    // A hundred avatars that are not in memory yet.
    let root = app.as_role("root", "ADMIN").await;
    let people = "{ users(first: 100) { nodes { avatar { url thumbnailUrl } } } }";
    let (_, cost) = app.count_statements(root.data(people, json!({}))).await;
    assert_eq!(cost, 3);
    let upload = async |person: &Person, side: u32| {
        app.count_statements(person.upload_media(file_part("a.png", rgb_png(side, 9)))).await
    };
    assert_eq!(upload(&ada, 40).await.1, 6, "a small picture: room, content, stored, room, file, use");
    assert_eq!(upload(&bo, 40).await.1, 5, "the same from another user");
    let (file, cost) = upload(&ada, 400).await;
    assert_eq!(cost, 8, "with a thumbnail");
    let (_, cost) = app.count_statements(ada.delete_file(&file["id"])).await;
    assert_eq!(cost, 5, "room, file, its size, room, uses");
}

/// `nodes` costs the same for a hundred ids as for one, of whatever type.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_found_by_type_and_not_one_by_one() {
    let app = TestApp::start().await;
    let (ada, root) = (app.as_user("ada").await, app.as_role("root", "ADMIN").await);
    let mine = ada.upload_media(file_part("a.png", rgb_png(9, 9))).await;
    for (person, kind, expected) in
        [(&ada, "Media", 1), (&ada, "Session", 1), (&ada, "Favorite", 1), (&ada, "Wallet", 2), (&root, "Wallet", 4)]
    {
        let global = |n: i64| URL_SAFE_NO_PAD.encode(format!("{kind}:{n}"));
        for size in SIZES {
            let ids: Vec<String> = (1..=size).map(global).collect();
            let query = "query ($ids: [ID!]!) { a: nodes(ids: $ids) { id } b: nodes(ids: $ids) { id } }";
            person.data(query, json!({ "ids": ids })).await;
            let (data, cost) = app.count_statements(person.data(query, json!({ "ids": ids }))).await;
            assert_eq!(data["a"], data["b"]);
            assert!(cost <= expected, "{kind} of {size}: {cost}");
        }
    }
    // A file that was deleted is gone at once, and another's is not shown.
    let node = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let ids = json!({ "ids": [mine["id"]] });
    assert_eq!(ada.data(node, ids.clone()).await["nodes"][0]["id"], mine["id"]);
    assert_eq!(root.data(node, ids.clone()).await["nodes"], json!([null]));
    ada.delete_file(&mine["id"]).await;
    assert_eq!(ada.data(node, ids).await["nodes"], json!([null]));
}

/// Signing in and what belongs to it; the delivery of mail has a separate connection.
#[tokio::test(flavor = "multi_thread")]
async fn account_mutations_cost_what_they_should() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let login = "mutation ($p: String!) { login(input: { credential: { password: { account: \"ada\", password: $p } } }) { user { id } userErrors { code } } }";
    let send = "mutation ($e: EmailAddress!) { requestPasswordReset(contact: { email: $e }) { ok } }";
    let cases = [
        ("a wrong password", login, json!({ "p": "a wrong one" }), 1),
        ("the right one: look, session, token", login, json!({ "p": Person::PASSWORD }), 3),
        ("a code: count, code, message", send, json!({ "e": "a@b.c" }), 3),
        (
            "a profile: look, user, profile",
            "mutation { updateProfile(input: { bio: \"hi\" }) { user { id } } }",
            json!({}),
            3,
        ),
        ("signing out: sessions, event", "mutation { logout { ok } }", json!({}), 2),
    ];
    for (what, mutation, variables, expected) in cases {
        let (_, cost) = app.count_statements(ada.data(mutation, variables)).await;
        assert_eq!(cost, expected, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_messages_with_their_senders_cost_three() {
    let (app, ada, bo) = busy().await;
    let query = "query ($id: ID!) { conversationWith(userId: $id) { messages(last: 50) { nodes { sender { username nickname } } } } }";
    ada.data(query, json!({ "id": bo.id })).await;
    let (data, cost) = app.count_statements(ada.data(query, json!({ "id": bo.id }))).await;
    assert_eq!(data["conversationWith"]["messages"]["nodes"].as_array().unwrap().len(), 50);
    assert!(cost <= 3, "{cost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn mutations_and_replays_cost_what_they_should() {
    let (app, ada, bo) = busy().await;
    let cursor = ada.event_cursor().await;
    let send = "mutation ($id: ID!, $key: String) { sendMessage(input: { to: { userId: $id },
        content: { text: { text: \"hi\" } }, clientMessageId: $key }) { message { id seq sender { username } conversation { title } } } }";
    let read = "mutation ($id: ID!) { markConversationRead(to: { userId: $id }) { conversation { unreadCount } } }";
    let delivered =
        "mutation ($id: ID!) { markConversationDelivered(to: { userId: $id }, upToSeq: 5) { conversation { id } } }";
    let cases = [
        ("reading: look, lock, move, look", read, json!({ "id": bo.id }), 4),
        ("nothing new to read", read, json!({ "id": bo.id }), 1),
        ("a message: look, append, person", send, json!({ "id": bo.id }), 3),
        ("a message with a client id", send, json!({ "id": bo.id, "key": "k" }), 4),
        ("the same again", send, json!({ "id": bo.id, "key": "k" }), 3),
        ("receiving", delivered, json!({ "id": bo.id }), 2),
    ];
    for (what, mutation, variables, expected) in cases {
        let (_, cost) = app.count_statements(ada.data(mutation, variables)).await;
        assert_eq!(cost, expected, "{what}");
    }
    let head = app.app.events.head().position;
    for n in 0..40 {
        ada.send_message(&bo, &format!("message {n}")).await;
    }
    until("the stream has it", || async { app.app.events.head().position >= head + 40 }).await;
    // From memory: the role, the check of the cursor and the windows. From the database: the page, its end, and what it tells of.
    let since = "query ($after: String!, $n: Int) { viewer { eventsSince(after: $after, first: $n) { nodes { payload {
        ... on MessageCreated { message { seq sender { username } conversation { id title } } } } } } } }";
    assert_eq!(cost(&app, &ada, since, json!({ "after": cursor })).await, 3);
    let other = app.another_instance().await;
    let there = ada.on_instance(other.address);
    let replayed = cost(&other, &there, since, json!({ "after": cursor })).await;
    assert!(replayed <= 8, "{replayed}");
}

const AVATAR: &str =
    "mutation ($file: Upload!) { uploadAvatar(file: $file) { user { avatar { url } } userErrors { code } } }";

/// What a client shows of a message: the words, and who says them.
const SEE: &str = "subscription { messageReceived { message { seq sender { id nickname avatar { url } } content { ... on TextContent { text } } } } }";

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_subscribers_cost_no_statement_each() {
    const MEMBERS: usize = 500;
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let sql = app.sql().await;
    sql.batch_execute(&format!(
        "insert into users (username, username_key, nickname) select 'm' || n, 'm' || n, 'M' || n from generate_series(1, {MEMBERS}) n;
         insert into conversations (kind) values ('GROUP');
         insert into members (conversation_id, user_id) select 1, id from users;"
    ))
    .await
    .unwrap();
    let me = ada.send_files(AVATAR, &[file_part("me.png", rgb_png(9, 9))]).await.json();
    let url = me["data"]["uploadAvatar"]["user"]["avatar"]["url"].clone();
    app.app.seen_media.clear();
    let ids: Vec<i64> = sql
        .query("select id from users where username <> 'ada'", &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let members: Vec<Person> = ids.iter().map(|id| member(&app, &ada, *id)).collect();
    let mut sockets = Vec::new();
    for person in &members {
        let mut socket = person.socket().await;
        socket.subscribe(SEE, json!({})).await;
        sockets.push(socket);
    }
    until("all are live", || async { app.live.hub.live() == MEMBERS }).await;
    let say = json!({ "input": { "to": { "conversationId": ConversationId(1).global() }, "content": { "text": { "text": "all of you" } } } });
    let ((), cost) = app
        .count_statements(async {
            ada.data(crate::harness::SEND, say).await;
            for socket in &mut sockets {
                let next = socket.next().await;
                assert_eq!(seq(&next), 1);
                assert_eq!(next["messageReceived"]["message"]["sender"]["avatar"]["url"], url);
            }
        })
        .await;
    assert_eq!(cost, 3, "sending, the sender of the answer, and the message with its sender for all subscribers");
}

/// A user who was inserted by SQL, with an access token that the server issues.
fn member(app: &TestApp, like: &Person, id: i64) -> Person {
    let (token, _) =
        app.app.tokens.issue(UserId(id), plaza::ids::SessionId(id + 1_000_000), app.app.clock.now()).unwrap();
    Person { token, id: UserId(id).global().to_string(), ..like.clone() }
}
