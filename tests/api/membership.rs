//! Membership changes: messages sent while a user is no member never reach them, and the order of events holds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use plaza::auth::Requester;
use plaza::domains::chat::membership::{self, History, MembershipEdit};
use plaza::events::EventKind;
use plaza::ids::{ConversationId, UserId};
use plaza::live::{Event, EventFilter, EventPayload, EventSubscription};
use plaza::scope::Scope;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::harness::{Person, SEND, TestApp, until};

/// What a user does in the run with many writers.
#[derive(Clone, Copy)]
enum WriterAction {
    Send,
    Edit,
    Join,
    Leave,
}

async fn change(app: &TestApp, action: WriterAction, conversation: ConversationId, user: UserId) {
    let scope = Scope::new(Arc::clone(&app.app), Requester::anonymous());
    scope
        .transaction(async |conn| {
            let edit = MembershipEdit { conversation, actor: None };
            match action {
                WriterAction::Join => membership::open_many(&scope, conn, edit, &[user], History::Hidden).await?,
                _ => membership::close_many(&scope, conn, edit, &[user]).await?,
            };
            Ok(())
        })
        .await
        .unwrap();
}

/// Two instances, two groups, and people who are members of both.
struct WriterGroup {
    app: TestApp,
    other: TestApp,
    people: Vec<(UserId, Person)>,
}

impl WriterGroup {
    async fn create(size: usize) -> Self {
        // A connection for each: the writers are to meet at the rows, not in the queue for connections, where a
        // busy machine would have some of them refused as overloaded.
        let connections = [("PLAZA_LIMIT_DB_CONNECTIONS", "40")];
        let app = TestApp::with(&connections).await;
        let other = TestApp::on_database(app.url.clone(), &connections).await;
        let seed = app.as_user("seed").await.retrying_overload();
        let sql = app.sql().await;
        sql.batch_execute(&format!(
            "insert into users (username, username_key, nickname) select 'w' || n, 'w' || n, 'W' || n from generate_series(1, {size}) n;
             insert into profiles (user_id) select id from users where id > 1;
             insert into conversations (kind) values ('GROUP'), ('GROUP');
             insert into members (conversation_id, user_id) select c.id, u.id from users u cross join conversations c where u.id > 1;"
        ))
        .await
        .unwrap();
        let rows = sql.query("select id from users where id > 1 order by id", &[]).await.unwrap();
        let people = rows.iter().enumerate().map(|(n, row)| {
            let id: i64 = row.get(0);
            let session = plaza::ids::SessionId(id + 1_000_000);
            let (token, _) = app.app.tokens.issue(UserId(id), session, app.app.clock.now()).unwrap();
            let address = if n % 2 == 0 { app.address } else { other.address };
            (UserId(id), Person { token, id: UserId(id).global().to_string(), ..seed.on_instance(address) })
        });
        Self { people: people.collect(), app, other }
    }

    fn instance_of(&self, n: usize) -> &TestApp {
        if n.is_multiple_of(2) { &self.app } else { &self.other }
    }

    /// Subscribes for a user until the run is over and half a second passed without an event.
    async fn listen(&self, n: usize, over: &CancellationToken) -> JoinHandle<Vec<Arc<Event>>> {
        let start = self.app.app.events.head();
        let filter = EventFilter { kinds: &[EventKind::MessageCreated, EventKind::MessageUpdated], conversation: None };
        let live = Arc::clone(&self.instance_of(n).live);
        let mut subscription = EventSubscription::open(live, self.people[n].0, filter, Some(start)).await.unwrap();
        let over = over.clone();
        tokio::spawn(async move {
            let mut events = Vec::new();
            loop {
                match tokio::time::timeout(Duration::from_millis(500), subscription.next()).await {
                    Ok(event) => events.push(event.unwrap()),
                    Err(_) if over.is_cancelled() => return events,
                    Err(_) => {}
                }
            }
        })
    }

    /// What one of them does in one round: the first leave and join, the others write.
    async fn run_action(&self, n: usize, round: usize) {
        let (user, person) = &self.people[n];
        let conversation = ConversationId(1 + i64::try_from((n + round) % 2).unwrap());
        let action = match (n, round % 4) {
            (0..LISTENERS, 1) => WriterAction::Leave,
            (0..LISTENERS, 3) => WriterAction::Join,
            (_, 2) => WriterAction::Edit,
            _ => WriterAction::Send,
        };
        if matches!(action, WriterAction::Leave | WriterAction::Join) {
            return change(self.instance_of(n), action, conversation, *user).await;
        }
        let to = json!({ "conversationId": conversation.global() });
        let text = format!("{n} in round {round}");
        let input = json!({ "to": to, "content": { "text": { "text": text } } });
        let sent = person.data(SEND, json!({ "input": input })).await["sendMessage"].clone();
        if let (WriterAction::Edit, Value::String(id)) = (action, &sent["message"]["id"]) {
            let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"edited\") { userErrors { code } } }";
            person.data(edit, json!({ "id": id })).await;
        }
    }
}

const LISTENERS: usize = 16;

/// With 64 writers sending, editing, joining and being removed over two instances, positions and seqs
/// never disagree, and no user gets what was sent after their removal, live or by replay.
#[tokio::test(flavor = "multi_thread")]
async fn order_holds_with_many_writers_and_removed_members_get_nothing() {
    let writers = WriterGroup::create(64).await;
    let (app, other) = (&writers.app, &writers.other);
    let over = CancellationToken::new();
    let listeners = join_all((0..LISTENERS).map(|n| writers.listen(n, &over))).await;
    let writers = &writers;
    join_all((0..64).map(|n| async move {
        for round in 0..12 {
            writers.run_action(n, round).await;
        }
    }))
    .await;
    let total = app.query_number("select (select count(*) from events) + (select count(*) from outbox)").await;
    until("both instances have it all", || async {
        app.app.events.head().position == total && other.app.events.head().position == total
    })
    .await;
    assert_eq!(app.query_number("select count(*) - max(position) from events").await, 0, "positions have no gaps");
    let disordered = "select count(*) from (select seq, version,
            lag(version) over (partition by conversation_id order by position) as earlier_version,
            lag(seq) over (partition by conversation_id, kind order by position) as earlier_seq, kind
        from events where audience = 'CONVERSATION') e
        where version <= earlier_version or (kind = 'MESSAGE_CREATED' and seq <> earlier_seq + 1)";
    assert_eq!(app.query_number(disordered).await, 0);

    // What each listener may have heard, from the stream alone: what lies between their joins and leaves.
    let allowed = allowed(app).await;
    over.cancel();
    for (n, heard) in join_all(listeners).await.into_iter().enumerate() {
        let (user, events) = (writers.people[n].0, heard.unwrap());
        let positions: Vec<i64> = events.iter().map(|event| event.row.position).collect();
        assert!(positions.is_sorted_by(|a, b| a < b), "in order and none twice");
        assert!(events.len() > 50, "{user:?} heard only {} events", events.len());
        for event in &events {
            assert!(matches!(event.payload(), Some(EventPayload::Message(_))), "{event:?}");
            assert!(allowed[&user.0].contains(&event.row.position), "{user:?} is no member and heard {event:?}");
        }
    }
}

/// Per user, the positions that were committed while they were a member.
async fn allowed(app: &TestApp) -> HashMap<i64, HashSet<i64>> {
    let sql = app.sql().await;
    let members: Vec<i64> =
        sql.query("select distinct user_id from members", &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let rows = sql
        .query(
            "select position, kind, conversation_id, coalesce(data->'added'->0, data->'removed'->0)::bigint \
             from events order by position",
            &[],
        )
        .await
        .unwrap();
    let mut allowed: HashMap<i64, HashSet<i64>> = members.iter().map(|user| (*user, HashSet::new())).collect();
    let mut inside: HashMap<(i64, i64), bool> = HashMap::new();
    for row in rows {
        let (position, kind, conversation, user): (i64, String, Option<i64>, Option<i64>) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        let Some(conversation) = conversation else { continue };
        if kind == "MEMBERS_CHANGED" {
            // Everybody was a member at first; each event is a leave after a join, or a join after a leave.
            let state = inside.entry((conversation, user.unwrap())).or_insert(true);
            *state = !*state;
        } else {
            for member in &members {
                if *inside.get(&(conversation, *member)).unwrap_or(&true) {
                    allowed.get_mut(member).unwrap().insert(position);
                }
            }
        }
    }
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
    let start = bo.event_cursor().await;
    let mut socket = bo.socket().await;
    let events = "subscription ($after: String) { events(after: $after) { payload { __typename
        ... on MessageCreated { message { content { ... on TextContent { text } } } }
        ... on MessageUpdated { message { content { ... on TextContent { text } } } } } } }";
    socket.subscribe_live(&app, events, json!({})).await;
    let text = |data: &Value| data["events"]["payload"]["message"]["content"]["text"].clone();
    let first = say("while bo is in").await;
    // A message is shown as it stands when it is delivered, so it has to be heard before it is edited.
    assert_eq!(text(&socket.next().await), "while bo is in");
    change(&app, WriterAction::Leave, group, UserId(bo.key())).await;
    let kind = |data: &Value| data["events"]["payload"]["__typename"].clone();
    assert_eq!(kind(&socket.next().await), "MembershipChanged", "the last that bo hears");
    say("bo is out").await;
    let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"edited, bo is out\") { userErrors { code } } }";
    ada.data(edit, json!({ "id": first })).await;
    change(&app, WriterAction::Join, group, UserId(bo.key())).await;
    say("bo is back").await;
    assert_eq!(kind(&socket.next().await), "MembershipChanged");
    assert_eq!(text(&socket.next().await), "bo is back");

    // A replay asks the same question; the earlier stay was closed by the later one.
    let other = app.another_instance().await;
    let mut socket = bo.on_instance(other.address).socket().await;
    socket.subscribe(events, json!({ "after": start })).await;
    assert_eq!(kind(&socket.next().await), "MembershipChanged");
    assert_eq!(text(&socket.next().await), "bo is back");
    let history = "query ($id: ID!) { conversation(id: $id) { maxSeq messages { nodes { seq } } } }";
    let seen = bo.data(history, json!({ "id": group.global() })).await;
    assert_eq!(seen["conversation"]["messages"]["nodes"], json!([{ "seq": 3 }]));

    // Out for good: neither sending nor marking reaches beyond the end.
    change(&app, WriterAction::Leave, group, UserId(bo.key())).await;
    say("without bo").await;
    let input = json!({ "to": { "conversationId": group.global() }, "content": { "text": { "text": "let me in" } } });
    let refused = bo.data(SEND, json!({ "input": input })).await["sendMessage"]["userErrors"].clone();
    assert_eq!(refused[0]["code"], "NOT_MEMBER");
    let seen = bo.data(history, json!({ "id": group.global() })).await;
    assert_eq!(seen["conversation"]["maxSeq"], 3);
}
