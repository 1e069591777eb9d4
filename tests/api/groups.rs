//! Conversations of groups: members in bulk, what they are told of it, and markers that lock nothing.

use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use plaza::auth::Requester;
use plaza::domains::chat::membership::{self, History, MembershipEdit};
use plaza::ids::{ConversationId, SessionId, UserId};
use plaza::scope::Scope;
use serde_json::{Value, json};

use crate::harness::{Person, SEND, TestApp, until};

const GROUP: ConversationId = ConversationId(1);
const VERSION: &str = "select version from conversations where id = 1";
const READ: &str = "mutation ($id: ID!, $seq: Int) { markConversationRead(to: { conversationId: $id }, upToSeq: $seq) {
    conversation { unreadCount lastReadSeq } userErrors { code } } }";
const EVENTS: &str = "subscription { events { payload { __typename
    ... on MembershipChanged { conversation { id kind } actor { username } added { id } addedCount removed { id } removedCount }
    ... on MessageCreated { message { seq } } ... on ConversationRead { conversation { id } marker { seq user { id } } } } } }";

/// Ada and bo in a group, and so many people who are not.
async fn group(app: &TestApp, others: usize) -> (Person, Person, Vec<UserId>) {
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let sql = app.sql().await;
    sql.batch_execute(&format!(
        "insert into conversations (kind) values ('GROUP');
         insert into members (conversation_id, user_id) select 1, id from users;
         insert into users (username, username_key, nickname) select 'm' || n, 'm' || n, 'M' || n from generate_series(1, {others}) n"
    ))
    .await
    .unwrap();
    let rows = sql.query("select id from users where username like 'm%' order by id", &[]).await.unwrap();
    (ada, bo, rows.iter().map(|row| UserId(row.get(0))).collect())
}

fn person(app: &TestApp, like: &Person, user: UserId) -> Person {
    let (token, _) = app.app.tokens.issue(user, SessionId(user.0 + 1_000_000), app.app.clock.now()).unwrap();
    Person { token, id: user.global().to_string(), ..like.clone() }
}

/// Lets people in, or takes them out.
async fn change(app: &TestApp, actor: &Person, users: &[UserId], history: Option<History>) -> Vec<UserId> {
    let edit = MembershipEdit { conversation: GROUP, actor: Some(UserId(actor.key())) };
    let scope = Scope::new(Arc::clone(&app.app), Requester::anonymous());
    scope
        .transaction(async |conn| {
            Ok(match history {
                Some(history) => membership::open_many(&scope, conn, edit, users, history).await?,
                None => membership::close_many(&scope, conn, edit, users).await?,
            })
        })
        .await
        .unwrap()
}

async fn say(person: &Person, text: &str) -> Value {
    let input = json!({ "to": { "conversationId": GROUP.global() }, "content": { "text": { "text": text } } });
    person.data(SEND, json!({ "input": input })).await["sendMessage"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_come_and_go_in_three_statements_and_one_version() {
    let app = TestApp::start().await;
    let (ada, _bo, people) = group(&app, 500).await;
    let events = "select count(*) from (select kind from outbox union all select kind from events) e where kind = 'MEMBERS_CHANGED'";
    let (added, cost) = app.count_statements(change(&app, &ada, &people, Some(History::Hidden))).await;
    assert_eq!((added.len(), cost, app.query_number(VERSION).await, app.query_number(events).await), (500, 3, 1, 1));
    // Who is in stays as they are: no window is opened anew.
    let again = change(&app, &ada, &people, Some(History::Shown)).await;
    assert_eq!((again.len(), app.query_number(events).await), (0, 1));
    let (removed, cost) = app.count_statements(change(&app, &ada, &people, None)).await;
    assert_eq!((removed.len(), cost, app.query_number(events).await), (500, 3, 2));
    assert_eq!(change(&app, &ada, &people, None).await, []);
    assert_eq!(app.query_number("select count(*) from members where until_seq is null").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_told_who_came_and_who_went() {
    let app = TestApp::start().await;
    let (ada, bo, people) = group(&app, 150).await;
    let (newcomer, outsider) = (person(&app, &ada, people[0]), person(&app, &ada, people[149]));
    let mut sockets = Vec::new();
    for person in [&bo, &newcomer, &outsider, &person(&app, &ada, people[60])] {
        let mut socket = person.socket().await;
        socket.subscribe_live(&app, EVENTS, json!({})).await;
        sockets.push(socket);
    }
    let [at_bo, at_newcomer, at_outsider, at_another] = &mut sockets[..] else { panic!("four") };
    assert_eq!(change(&app, &ada, &people[..120], Some(History::Hidden)).await.len(), 120);
    let told = at_bo.next().await["events"]["payload"].clone();
    assert_eq!(at_newcomer.next().await["events"]["payload"], told);
    assert_eq!((&told["__typename"], &told["actor"]["username"]), (&json!("MembershipChanged"), &json!("ada")));
    assert_eq!(told["conversation"], json!({ "id": GROUP.global(), "kind": "GROUP" }));
    assert_eq!((told["added"].as_array().unwrap().len(), &told["addedCount"]), (20, &json!(120)));
    assert_eq!((&told["removed"], &told["removedCount"]), (&json!([]), &json!(0)));
    let own = at_another.next().await["events"]["payload"]["added"].clone();
    assert_eq!((own.as_array().unwrap().len(), &own[0]["id"]), (20, &json!(people[60].global())), "themselves first");

    say(&ada, "welcome").await;
    assert_eq!(at_newcomer.next().await["events"]["payload"]["message"]["seq"], 1);
    // In one transaction with a message behind it: who goes hears of that, and of nothing later.
    change(&app, &ada, &people[..1], None).await;
    say(&ada, "without them").await;
    let last = at_newcomer.next().await["events"]["payload"].clone();
    assert_eq!(last["removed"], json!([{ "id": people[0].global() }]));
    change(&app, &ada, &people[..1], Some(History::Hidden)).await;
    assert_eq!(at_newcomer.next().await["events"]["payload"]["addedCount"], 1, "nothing in between");
    // A stranger heard of nothing, until they came.
    change(&app, &ada, &people[149..], Some(History::Hidden)).await;
    assert_eq!(at_outsider.next().await["events"]["payload"]["added"], json!([{ "id": people[149].global() }]));
}

/// Two hundred read the same message at once, while a transaction holds the conversation's row and others send.
#[tokio::test(flavor = "multi_thread")]
async fn readers_of_a_group_lock_nothing_and_notify_no_other_member() {
    const READERS: usize = 200;
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "40")]).await;
    let (ada, bo, people) = group(&app, READERS).await;
    change(&app, &ada, &people, Some(History::Shown)).await;
    for n in 0..3 {
        say(&ada, &format!("message {n}")).await;
    }
    let version = app.query_number(VERSION).await;
    until("all is moved", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    let mut at_bo = bo.socket().await;
    at_bo.subscribe_live(&app, EVENTS, json!({})).await;
    // Whatever asks for the conversation's row waits for this transaction.
    let holder = app.sql().await;
    holder.batch_execute("begin; select from conversations where id = 1 for update").await.unwrap();
    let read = async |user: UserId, seq: i32| {
        let data = person(&app, &ada, user).data(READ, json!({ "id": GROUP.global(), "seq": seq })).await;
        data["markConversationRead"]["conversation"]["lastReadSeq"].clone()
    };
    let read = &read;
    // As many at once as there are connections: none waits for one, and none for the row.
    let marks = stream::iter(&people).map(|user| async move { (read(*user, 3).await, read(*user, 1).await) });
    let marks: Vec<_> = marks.buffer_unordered(36).collect().await;
    assert!(marks.iter().all(|mark| *mark == (json!(3), json!(3))), "forward alone");
    holder.batch_execute("commit").await.unwrap();
    assert_eq!(app.query_number(VERSION).await, version, "no version of the conversation");
    assert_eq!(
        app.query_number("select count(*) from members where read_seq = 3 and own_since_read = 0 and user_id > 2")
            .await,
        200
    );
    until("all is moved", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    let told = "select count(*) from events where kind = 'CONVERSATION_READ'";
    let own =
        "select count(*) from events where kind = 'CONVERSATION_READ' and audience = 'USER' and audience_id = user_id";
    assert_eq!((app.query_number(told).await, app.query_number(own).await), (200, 200));
    say(&ada, "the next").await;
    assert_eq!(at_bo.next().await["events"]["payload"]["message"]["seq"], 4, "bo heard of no marker");
}

/// A reader's own devices are told; and what they send while they read is counted right.
#[tokio::test(flavor = "multi_thread")]
async fn markers_of_a_group_lose_nothing() {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "20")]).await;
    let (ada, bo, _) = group(&app, 0).await;
    let mut device = bo.socket().await;
    say(&ada, "hello").await;
    until("it is moved", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    device.subscribe_live(&app, EVENTS, json!({})).await;
    bo.data(READ, json!({ "id": GROUP.global() })).await;
    let told = device.next().await["events"]["payload"].clone();
    assert_eq!(told["marker"], json!({ "seq": 1, "user": { "id": bo.id } }));
    drop(device);
    let (ada, bo) = (ada.retrying_overload(), bo.retrying_overload());
    let talk = join_all((0..60).map(|n| {
        let sender = if n % 3 == 0 { &ada } else { &bo };
        async move { assert_eq!(say(sender, "words").await["userErrors"], json!([])) }
    }));
    let marks = join_all((0..60).map(|n| {
        let bo = &bo;
        async move { bo.data(READ, json!({ "id": GROUP.global(), "seq": n })).await }
    }));
    tokio::join!(talk, marks);
    let wrong = "select count(*) from members where own_since_read <> (select count(*) from messages m
        where m.conversation_id = members.conversation_id and m.sender_id = members.user_id and m.seq > members.read_seq)";
    assert_eq!(app.query_number(wrong).await, 0);
    let everything = "mutation { markConversationRead { userErrors { code } } }";
    bo.data(everything, json!({})).await;
    assert_eq!(app.query_number("select read_seq::bigint from members where user_id = 2").await, 61);
    assert_eq!(app.query_number(wrong).await, 0);
}
