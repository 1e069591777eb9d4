//! A group of 500 in which every member reads each message: what that costs, and that it holds up no sender.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use plaza::ids::{SessionId, UserId};
use serde_json::{Value, json};
use tokio_postgres::Client;

use crate::harness::groups::{group_id, insert_group, insert_users};
use crate::harness::{Person, SEND, Socket, TestApp, until};

const MEMBERS: usize = 500;

/// What a client that shows a group selects.
const FOLLOW: &str =
    "subscription { messageReceived { cursor message { id seq type createdAt sender { id nickname avatar { url } }
    content { __typename ... on TextContent { text } } conversation { id kind title } } } }";

/// A message: looking at the group, and sending. What the stream loads of it for its subscribers is at hand.
const SEND_STATEMENTS: u64 = 2;

/// A member who reads: looking at the group, moving the marker, and telling the member's other devices. Where there is nothing to
/// move, looking is all.
const READ_STATEMENTS: u64 = 3;

const READ: &str = "mutation ($to: MessageTarget!, $seq: Int!) { markConversationRead(to: $to, upToSeq: $seq) { userErrors { code } } }";

/// Users with a session each.
pub async fn sign_in(app: &TestApp, sql: &Client, users: &[i64]) -> Vec<Person> {
    let sessions = "insert into sessions (user_id, platform, expires_at) select id, 'WEB', now() + interval '1 day'
        from unnest($1::bigint[]) with ordinality as wanted (id, n) order by n returning user_id, id";
    let sessions = sql.query(sessions, &[&users]).await.unwrap();
    let person = |row: &tokio_postgres::Row| {
        let (user, session) = (UserId(row.get(0)), SessionId(row.get(1)));
        let (token, _) = app.app.tokens.issue(user, session, app.app.clock.now()).unwrap();
        Person::with_token(app.address, user, token)
    };
    sessions.iter().map(person).collect()
}

/// A group of everybody, the first one its owner; its number, which is its conversation's.
async fn group_of(sql: &Client, name: &str, users: &[i64]) -> i64 {
    let others: Vec<(i64, &str)> = users[1..].iter().map(|user| (*user, "GENERAL")).collect();
    insert_group(sql, name, users[0], &others).await
}

async fn follow_all(app: &TestApp, people: &[Person]) -> Vec<Socket> {
    let sockets = stream::iter(people).map(async |person| {
        let mut socket = person.socket().await;
        socket.subscribe(FOLLOW, json!({})).await;
        socket
    });
    let sockets: Vec<Socket> = sockets.buffered(20).collect().await;
    until("all are live", || async { app.live.hub.live() == people.len() }).await;
    sockets
}

async fn say(person: &Person, group: i64, text: &str) -> Value {
    let input = json!({ "input": { "to": { "groupId": group_id(group) }, "content": { "text": { "text": text } } } });
    let sent = person.data(SEND, input).await["sendMessage"].clone();
    assert_eq!(sent["userErrors"], json!([]), "{sent}");
    sent["message"].clone()
}

async fn read(person: &Person, group: i64, seq: i64) {
    let arguments = json!({ "to": { "groupId": group_id(group) }, "seq": seq });
    let read = person.data(READ, arguments).await["markConversationRead"].clone();
    assert_eq!(read["userErrors"], json!([]));
}

/// Telling all members costs what telling one does. A member who reads costs three statements and one event, which is for that member
/// alone; 40 members who react at once cost a handful of events.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_500_read_costs_a_constant_number_of_statements_and_an_event_for_each_reader() {
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "8")]).await;
    let sql = app.sql().await;
    let users = insert_users(&sql, i64::try_from(MEMBERS).unwrap()).await;
    let group = group_of(&sql, "everybody", &users).await;
    let people = sign_in(&app, &sql, &users).await;
    say(&people[1], group, "the first").await;
    until("it is told", || async { app.app.events.head().position == 1 }).await;
    let mut sent = Vec::new();
    let mut sockets = Vec::new();
    for listeners in [1, MEMBERS] {
        drop(sockets);
        until("none listens", || async { app.live.hub.subscriptions() == 0 }).await;
        sockets = follow_all(&app, &people[..listeners]).await;
        let (message, statements) = app
            .count_statements_warm(async {
                let message = say(&people[1], group, "hello").await;
                for socket in &mut sockets {
                    let told = socket.next().await["messageReceived"]["message"].clone();
                    assert_eq!((&told["id"], &told["content"]["text"]), (&message["id"], &json!("hello")));
                }
                message
            })
            .await;
        sent.push((message, statements));
    }
    let statements: Vec<u64> = sent.iter().map(|(_, statements)| *statements).collect();
    assert_eq!(statements, [SEND_STATEMENTS; 2], "sending, moving the event, and loading it for all");

    let (message, seq) = (&sent[1].0["id"], sent[1].0["seq"].as_i64().unwrap());
    let events = "select (select count(*) from events) + (select count(*) from outbox)";
    let before = app.query_number(events).await;
    let readers = || stream::iter(&people).map(|person| read(person, group, seq)).buffer_unordered(8);
    let (_, statements) = app.count_statements_warm(readers().collect::<Vec<()>>()).await;
    // The sender has read it by sending it.
    assert_eq!(statements, READ_STATEMENTS * (u64::try_from(MEMBERS).unwrap() - 1) + 1);
    let told = app.query_number(events).await - before;
    assert_eq!(told, i64::try_from(MEMBERS).unwrap() - 1);
    let (_, again) = app.count_statements_warm(readers().collect::<Vec<()>>()).await;
    assert!(again <= statements, "reading again: {again}");
    assert_eq!(app.query_number(events).await - before, told, "and is told to none");
    let count = people[1].data("query ($id: ID!) { message(id: $id) { readByCount } }", json!({ "id": message })).await;
    assert_eq!(count["message"]["readByCount"], MEMBERS - 1);

    let react = "mutation ($id: ID!) { addReaction(messageId: $id, emoji: \"👍\") { userErrors { code } } }";
    let before = app.query_number(events).await;
    let reactions = stream::iter(&people[..40]).map(async |person| {
        let done = person.data(react, json!({ "id": message })).await["addReaction"].clone();
        assert_eq!(done["userErrors"], json!([]));
    });
    let () = reactions.buffer_unordered(8).collect().await;
    let pending = "select count(*) from jobs where kind = 'TELL_REACTIONS'";
    until("all reactions are told", || async { app.query_number(pending).await == 0 }).await;
    let told = app.query_number(events).await - before;
    assert!((1..=10).contains(&told), "{told} events for 40 reactions");
    assert_eq!(app.audit().await, [""; 0]);
}

/// Members who mark at the same time.
const READERS: usize = 8;

/// Readers who mark in the group that is written in, beside the same ones who mark in another group: both take the same time of the
/// machine, so what is between them is how long senders wait for readers. One after the other, all members mark what came last.
#[tokio::test(flavor = "multi_thread")]
async fn readers_hold_up_no_sender() {
    const ROUND_DURATION: Duration = Duration::from_secs(2);
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "16")]).await;
    let sql = app.sql().await;
    let users = insert_users(&sql, i64::try_from(MEMBERS).unwrap()).await;
    let groups = [group_of(&sql, "one", &users).await, group_of(&sql, "other", &users).await];
    // There is always more to be marked there.
    sql.execute("update conversations set last_seq = 1000000 where id = $1", &[&groups[1]]).await.unwrap();
    let people = sign_in(&app, &sql, &users).await;
    let _sockets = follow_all(&app, &people[..20]).await;
    let last = AtomicI64::new(say(&people[0], groups[0], "hello").await["seq"].as_i64().unwrap());
    let next = AtomicUsize::new(0);
    let (mut sent, mut marks) = ([0_u32; 2], [0_u32; 2]);
    for round in 0..6 {
        let place = round % 2;
        let until = Instant::now() + ROUND_DURATION;
        let senders = people[..4].iter().map(async |person| {
            let mut count = 0;
            while Instant::now() < until {
                let message = say(person, groups[0], "hello").await;
                last.fetch_max(message["seq"].as_i64().unwrap(), Ordering::Relaxed);
                count += 1;
            }
            count
        });
        let readers = (0..READERS).map(async |_| {
            let mut count = 0;
            while Instant::now() < until {
                let person = &people[next.fetch_add(1, Ordering::Relaxed) % MEMBERS];
                read(person, groups[place], last.load(Ordering::Relaxed)).await;
                count += 1;
            }
            count
        });
        let (more_sent, more_marks) = tokio::join!(join_all(senders), join_all(readers));
        sent[place] += more_sent.into_iter().sum::<u32>();
        marks[place] += more_marks.into_iter().sum::<u32>();
    }
    let [here, elsewhere] = sent.map(f64::from);
    assert!(here >= 0.8 * elsewhere, "{here} messages beside {} marks, {elsewhere} beside {}", marks[0], marks[1]);
    let [here, elsewhere] = marks.map(f64::from);
    assert!(here >= 0.5 * elsewhere && elsewhere > 500.0, "{here} marks, and {elsewhere} in another group");
}
