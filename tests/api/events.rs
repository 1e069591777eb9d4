//! The event stream itself: order, completeness, retention, and who leads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{Days, Utc};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use futures_util::future::join_all;
use plaza::domains::chat::membership;
use plaza::error::AppError;
use plaza::events::{EventKind, Interest, Payload, StreamCursor, Subscription, partitions};
use plaza::ids::{ConversationId, UserId};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::harness::{Person, SEND, TestApp, until};

const RECEIVE: &str = "subscription ($after: String) { messageReceived(after: $after) { cursor message { seq } } }";
const SINCE: &str = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { cursor } } } }";

/// R2: what retention took is never skipped in silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_behind_the_retention_is_refused() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let start = bo.cursor().await;
    ada.say(&bo, "forty days ago").await;
    until("it has its place", || async { app.app.events.head() == 3 }).await;
    let between = bo.cursor().await;
    // As if it had been sent forty days ago.
    let conn = AsyncPgConnection::establish(&app.url).await.unwrap();
    partitions::create(&conn, (Utc::now() - Days::new(40)).date_naive()).await.unwrap();
    app.sql().await.batch_execute("update events set at = at - interval '40 days'").await.unwrap();
    ada.say(&bo, "now").await;

    let other = app.another().await;
    let mut socket = bo.at(other.address).socket().await;
    let long_ago = {
        let StreamCursor { position, at } = StreamCursor::parse(&start).unwrap();
        StreamCursor { position, at: at - Days::new(40) }.encode()
    };
    socket.subscribe(RECEIVE, json!({ "after": long_ago })).await;
    assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], 1, "kept until retention says otherwise");

    partitions::keep_up(&conn, 30).await.unwrap();
    assert_eq!(app.number("select count(*) from events").await, 1);
    let mut socket = bo.at(other.address).socket().await;
    socket.subscribe(RECEIVE, json!({ "after": long_ago })).await;
    let refused = socket.receive().await;
    assert_eq!((&refused["type"], &refused["payload"][0]["extensions"]["code"]), (&json!("error"), &json!("CURSOR_EXPIRED")));
    assert_eq!(bo.run(SINCE, json!({ "after": long_ago })).await.code(), "CURSOR_EXPIRED");
    // A cursor behind which nothing was dropped is as good as ever.
    let mut socket = bo.at(other.address).socket().await;
    socket.subscribe(RECEIVE, json!({ "after": between })).await;
    assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_reach_three_days_ahead() {
    let app = TestApp::start().await;
    until("the sequencer leads", || async { app.app.events.is_leading() }).await;
    let partitions = "select count(*) from pg_inherits where inhparent = 'events'::regclass";
    until("the partitions are made", || async { app.number(partitions).await == 5 }).await;
    // Without today's, the sequencer makes it and goes on.
    let today = format!("events_{}", Utc::now().format("%Y%m%d"));
    app.sql().await.batch_execute(&format!("drop table {today}")).await.unwrap();
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.say(&bo, "hello").await;
    until("the event has its place", || async { app.app.events.head() == 3 }).await;
}

/// R7: an event that commits late with a lower id is still delivered, and an open transaction delays nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_commit_is_delivered_and_delays_nobody() {
    let app = TestApp::start().await;
    let (ada, bo, lan) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("lan").await);
    ada.say(&bo, "first").await;
    lan.say(&bo, "first").await;
    until("all is quiet", || async { app.app.events.head() == 6 }).await;
    let mut socket = bo.socket().await;
    socket.follow(&app, RECEIVE, json!({})).await;
    // The statement of a message, held open by hand: it has its outbox row, and a lower id than what follows.
    let sql = app.sql().await;
    sql.batch_execute(
        "begin; update conversations set last_seq = 2, version = 2 where id = 1;
         insert into messages (conversation_id, seq, sender_id, type, content, is_private)
             values (1, 2, 1, 'TEXT', '{\"type\": \"TEXT\", \"text\": \"late\"}', false);
         insert into outbox (kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id)
             values ('MESSAGE_CREATED', 'CONVERSATION', 1, 1, 2, lastval() , 2, 1)",
    )
    .await
    .unwrap();
    sql.batch_execute("update outbox set subject_id = (select id from messages where conversation_id = 1 and seq = 2)")
        .await
        .unwrap();
    for n in 2..=4 {
        let start = Instant::now();
        lan.say(&bo, "meanwhile").await;
        let data = socket.next().await;
        assert_eq!(data["messageReceived"]["message"]["seq"], n);
        assert!(start.elapsed() < Duration::from_secs(2), "delayed by {:?}", start.elapsed());
    }
    sql.batch_execute("commit").await.unwrap();
    let data = socket.next().await;
    assert_eq!(data["messageReceived"]["message"]["seq"], 2, "the late one, behind those it did not wait for");
    let inverted = "select count(*) from events where subject_id = (select id from messages where content->>'text' = 'late')
        and position = (select max(position) from events)";
    assert_eq!(app.number(inverted).await, 1);
}

/// Somebody's part in the storm.
#[derive(Clone, Copy)]
enum Act {
    Send,
    Edit,
    Join,
    Leave,
}

async fn change(app: &TestApp, act: Act, conversation: ConversationId, user: UserId) {
    let mut conn = app.app.database.get().await.unwrap();
    (*conn)
        .transaction(async |conn: &mut AsyncPgConnection| {
            match act {
                Act::Join => membership::open(&app.app, conn, (conversation, user), false).await?,
                _ => drop(membership::close(conn, (conversation, user)).await?),
            }
            Ok::<_, AppError>(())
        })
        .await
        .unwrap();
    app.app.events.nudge();
}

/// R7 and R68: with 64 writers sending, editing, joining and being removed over two instances, positions and seqs
/// never disagree, and nobody gets what was said after their removal, live or by replay.
#[tokio::test(flavor = "multi_thread")]
async fn order_holds_in_a_storm_and_the_removed_hear_nothing() {
    const WRITERS: usize = 64;
    let app = TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "8")]).await;
    let other = app.another().await;
    let sql = app.sql().await;
    let seed = app.as_user("seed").await;
    sql.batch_execute(&format!(
        "insert into users (username, username_key, nickname) select 'w' || n, 'w' || n, 'W' || n from generate_series(1, {WRITERS}) n;
         insert into conversations (kind) values ('GROUP'), ('GROUP');
         insert into members (conversation_id, user_id) select c.id, u.id from users u cross join conversations c where u.id > 1;"
    ))
    .await
    .unwrap();
    let ids: Vec<i64> = sql.query("select id from users where id > 1 order by id", &[]).await.unwrap().iter().map(|r| r.get(0)).collect();
    let people: Vec<Person> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| {
            let instance = if n % 2 == 0 { &app } else { &other };
            let session = plaza::ids::SessionId(id + 1_000_000);
            let (token, _) = app.app.tokens.issue(UserId(*id), session, app.app.clock.now()).unwrap();
            Person { token, id: UserId(*id).global().to_string(), ..seed.at(instance.address) }
        })
        .collect();

    // Some of those who come and go listen live, at both instances.
    let listeners: Vec<usize> = (0..16).collect();
    let start = app.app.events.head_cursor();
    let over = CancellationToken::new();
    let mut heard = Vec::new();
    for n in &listeners {
        let instance = if n % 2 == 0 { &app } else { &other };
        let interest = Interest { kinds: &[EventKind::MessageCreated, EventKind::MessageUpdated], conversation: None };
        let mut subscription =
            Subscription::open(Arc::clone(&instance.app), UserId(ids[*n]), interest, Some(start)).await.unwrap();
        let over = over.clone();
        heard.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            loop {
                // Once the storm is over, half a second of silence is the end.
                match tokio::time::timeout(Duration::from_millis(500), subscription.next()).await {
                    Ok(event) => seen.push(event.unwrap()),
                    Err(_) if over.is_cancelled() => return seen,
                    Err(_) => {}
                }
            }
        }));
    }
    let storm = people.iter().enumerate().map(|(n, person)| {
        let (app, other) = (&app, &other);
        let ids = &ids;
        async move {
            let instance = if n % 2 == 0 { app } else { other };
            for round in 0..12_usize {
                let conversation = ConversationId(1 + i64::try_from((n + round) % 2).unwrap());
                let act = match (n, round % 4) {
                    // Those who listen come and go; the others talk.
                    (0..16, 1) => Act::Leave,
                    (0..16, 3) => Act::Join,
                    (_, 2) => Act::Edit,
                    _ => Act::Send,
                };
                match act {
                    Act::Leave | Act::Join => change(instance, act, conversation, UserId(ids[n])).await,
                    Act::Send | Act::Edit => {
                        let to = json!({ "conversationId": conversation.global() });
                        let text = format!("{n} in round {round}");
                        let input = json!({ "to": to, "content": { "text": { "text": text } } });
                        let sent = person.data(SEND, json!({ "input": input })).await["sendMessage"].clone();
                        if let (Act::Edit, Value::String(id)) = (act, &sent["message"]["id"]) {
                            let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"edited\") { userErrors { code } } }";
                            person.data(edit, json!({ "id": id })).await;
                        }
                    }
                }
            }
        }
    });
    join_all(storm).await;
    let total = app.number("select (select count(*) from events) + (select count(*) from outbox)").await;
    until("both instances have it all", || async {
        app.app.events.head() == total && other.app.events.head() == total
    })
    .await;
    assert_eq!(app.number("select count(*) - max(position) from events").await, 0, "positions have no gaps");
    let disordered = "select count(*) from (select seq, version,
            lag(version) over (partition by conversation_id order by position) as earlier_version,
            lag(seq) over (partition by conversation_id, kind order by position) as earlier_seq, kind
        from events where audience = 'CONVERSATION') e
        where version <= earlier_version or (kind = 'MESSAGE_CREATED' and seq <> earlier_seq + 1)";
    assert_eq!(app.number(disordered).await, 0);

    // What each listener may have heard, from the stream alone: what lies between their joins and leaves.
    let windows = expected(&app, &sql).await;
    over.cancel();
    let heard: Vec<_> = join_all(heard).await.into_iter().map(Result::unwrap).collect();
    for (n, events) in listeners.iter().zip(heard) {
        let user = ids[*n];
        let live: Vec<i64> = events.iter().map(|event| event.position).collect();
        assert!(live.is_sorted_by(|a, b| a < b), "in order and none twice");
        assert!(events.len() > 50, "user {user} heard only {} events", events.len());
        let allowed = &windows[&user];
        for event in &events {
            let Payload::Message(card) = &event.payload else { panic!("{event:?}") };
            assert!(
                allowed.contains_key(&event.position),
                "user {user} heard position {} (conversation {}, seq {}) without being a member",
                event.position,
                card.message.conversation_id.0,
                card.message.seq
            );
        }
    }
    drop(other);
}

/// Per user, the positions that were committed while they were a member.
async fn expected(app: &TestApp, sql: &tokio_postgres::Client) -> HashMap<i64, BTreeMap<i64, ()>> {
    let members: Vec<i64> =
        sql.query("select distinct user_id from members", &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let rows = sql
        .query("select position, kind::text, conversation_id, user_id from events order by position", &[])
        .await
        .unwrap();
    let mut allowed: HashMap<i64, BTreeMap<i64, ()>> = members.iter().map(|user| (*user, BTreeMap::new())).collect();
    let mut inside: HashMap<(i64, i64), bool> = HashMap::new();
    for row in rows {
        let (position, kind, conversation, user): (i64, String, Option<i64>, Option<i64>) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let Some(conversation) = conversation else { continue };
        if kind == "MEMBERSHIP_CHANGED" {
            // Everybody was a member at first; each event is a leave after a join, or a join after a leave.
            let state = inside.entry((conversation, user.unwrap())).or_insert(true);
            *state = !*state;
        } else {
            for member in &members {
                if *inside.get(&(conversation, *member)).unwrap_or(&true) {
                    allowed.get_mut(member).unwrap().insert(position, ());
                }
            }
        }
    }
    assert!(app.app.events.head() > 0);
    allowed
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_gets_nothing_more_and_keeps_what_was() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    app.sql()
        .await
        .batch_execute("insert into conversations (kind) values ('GROUP'); insert into members (conversation_id, user_id) select 1, id from users")
        .await
        .unwrap();
    let group = ConversationId(1);
    let say = |text: &'static str| {
        let input = json!({ "to": { "conversationId": group.global() }, "content": { "text": { "text": text } } });
        let ada = ada.clone();
        async move { ada.data(SEND, json!({ "input": input })).await["sendMessage"]["message"]["id"].clone() }
    };
    let start = bo.cursor().await;
    let mut socket = bo.socket().await;
    let events = "subscription ($after: String) { events(after: $after) { payload { __typename
        ... on MessageCreated { message { content { ... on TextContent { text } } } }
        ... on MessageUpdated { message { content { ... on TextContent { text } } } } } } }";
    socket.follow(&app, events, json!({})).await;
    let first = say("while bo is in").await;
    change(&app, Act::Leave, group, UserId(bo.key())).await;
    say("bo is out").await;
    let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"edited, bo is out\") { userErrors { code } } }";
    ada.data(edit, json!({ "id": first })).await;
    change(&app, Act::Join, group, UserId(bo.key())).await;
    say("bo is back").await;
    let text = |data: &Value| data["events"]["payload"]["message"]["content"]["text"].clone();
    let heard = [text(&socket.next().await), text(&socket.next().await)];
    assert_eq!(heard, ["while bo is in", "bo is back"]);

    // A replay asks the same question; the earlier stay was closed by the later one.
    let other = app.another().await;
    let mut socket = bo.at(other.address).socket().await;
    socket.subscribe(events, json!({ "after": start })).await;
    assert_eq!(text(&socket.next().await), "bo is back");
    let history = "query ($id: ID!) { conversation(id: $id) { maxSeq messages { nodes { seq } } } }";
    let seen = bo.data(history, json!({ "id": group.global() })).await;
    assert_eq!(seen["conversation"]["messages"]["nodes"], json!([{ "seq": 3 }]));

    // Out for good: neither sending nor marking reaches beyond the end.
    change(&app, Act::Leave, group, UserId(bo.key())).await;
    say("without bo").await;
    let input = json!({ "to": { "conversationId": group.global() }, "content": { "text": { "text": "let me in" } } });
    let refused = bo.data(SEND, json!({ "input": input })).await["sendMessage"]["userErrors"].clone();
    assert_eq!(refused[0]["code"], "NOT_MEMBER");
    let seen = bo.data(history, json!({ "id": group.global() })).await;
    assert_eq!(seen["conversation"]["maxSeq"], 3);
}

/// R69 and R4 in one process: the connections of the sequencer and of the feed are cut, and all goes on.
#[tokio::test(flavor = "multi_thread")]
async fn cut_connections_heal_and_nothing_is_lost() {
    let app = TestApp::start().await;
    let other = app.another().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.say(&bo, "first").await;
    until("all is quiet", || async { app.app.events.head() == 3 && other.app.events.head() == 3 }).await;
    let mut sockets = [bo.socket().await, bo.at(other.address).socket().await];
    sockets[0].follow(&app, RECEIVE, json!({})).await;
    sockets[1].follow(&other, RECEIVE, json!({})).await;
    let sql = app.sql().await;
    for round in 0..3 {
        // Whoever listens or leads, but not the pools.
        sql.batch_execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
             and application_name in ('plaza sequencer', 'plaza feed', 'plaza nudges')",
        )
        .await
        .unwrap();
        let start = Instant::now();
        let seq = ada.say(&bo, "while the lines are down").await["seq"].clone();
        for socket in &mut sockets {
            assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], seq, "round {round}");
        }
        assert!(start.elapsed() < Duration::from_secs(5), "healed after {:?}", start.elapsed());
    }
    until("one leads", || async { app.app.events.is_leading() != other.app.events.is_leading() }).await;
}

/// R3's foundation: without any nudge, a look each second finds what there is.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_nudge_costs_two_seconds_at_most() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.say(&bo, "first").await;
    until("all is quiet", || async { app.app.events.head() == 3 }).await;
    let mut socket = bo.socket().await;
    socket.follow(&app, RECEIVE, json!({})).await;
    // Written past Plaza: nobody nudges anybody.
    let start = Instant::now();
    app.sql()
        .await
        .batch_execute(
            "insert into messages (conversation_id, seq, sender_id, type, content, is_private)
                 values (1, 2, 1, 'TEXT', '{\"type\": \"TEXT\", \"text\": \"unannounced\"}', false);
             insert into outbox (kind, audience, audience_id, conversation_id, version, subject_id, seq, user_id)
                 select 'MESSAGE_CREATED', 'CONVERSATION', 1, 1, 2, id, 2, 1 from messages where seq = 2",
        )
        .await
        .unwrap();
    assert_eq!(socket.next().await["messageReceived"]["message"]["seq"], 2);
    assert!(start.elapsed() < Duration::from_secs(3), "found after {:?}", start.elapsed());
}

/// Connections that PostgreSQL closes while they lie idle in the pool are no error of anybody's request.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_may_be_closed() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let sql = app.sql().await;
    for _ in 0..3 {
        let others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        let rows = sql.query(&format!("select pid, pg_terminate_backend(pid) {others}"), &[]).await.unwrap();
        let closed: Vec<i32> = rows.iter().map(|row| row.get(0)).collect();
        assert!(!closed.is_empty());
        // Gone on PostgreSQL's side, and a moment later on ours.
        let mut looks = 0;
        while looks < 5 {
            let left = sql.query_one(&format!("select count(*) {others} and pid = any($1)"), &[&closed]).await.unwrap();
            looks += i32::from(left.get::<_, i64>(0) == 0);
        }
        ada.say(&bo, "hello").await;
    }
}
