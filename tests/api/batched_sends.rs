//! Messages of many requests that are appended in one statement: each has its own outcome, and none waits for a conversation
//! that another transaction holds.

use futures_util::future::{join, join_all};
use plaza::ids::{ConversationId, SessionId, UserId};
use serde_json::{Value, json};

use crate::harness::{Person, TestApp, until};

const MEMBERS: usize = 30;

/// Ada and bo have a direct conversation and carl was in the group, which is conversation 2; dora is in neither.
struct Fixture {
    app: TestApp,
    ada: Person,
    bo: Person,
    carl: Person,
    dora: Person,
    members: Vec<Person>,
}

impl Fixture {
    async fn new() -> Self {
        let app = TestApp::with(&[("PLAZA_LIMIT_UNANSWERED_MESSAGES", "1")]).await;
        let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
        let (carl, dora) = (app.as_user("carl").await, app.as_user("dora").await);
        ada.send_message(&bo, "the first").await;
        let sql = app.sql().await;
        sql.batch_execute(&format!(
            "insert into users (username, username_key, nickname) select 'm' || n, 'm' || n, 'M' || n from generate_series(1, {MEMBERS}) n;
             insert into profiles (user_id) select id from users where username like 'm%';
             insert into conversations (kind) values ('GROUP');
             insert into members (conversation_id, user_id) select 2, id from users where username like 'm%';
             insert into members (conversation_id, user_id, until_seq, until_version) select 2, id, 0, 0 from users where username = 'carl'"
        ))
        .await
        .unwrap();
        let rows = sql.query("select id from users where username like 'm%' order by id", &[]).await.unwrap();
        let members = rows.iter().map(|row| {
            let user = UserId(row.get(0));
            let (token, _) = app.app.tokens.issue(user, SessionId(user.0 + 1_000_000), app.app.clock.now()).unwrap();
            Person { token, id: user.global().to_string(), ..ada.clone() }
        });
        Self { members: members.collect(), app, ada, bo, carl, dora }
    }

    /// Runs requests while no connection is free, until all of them wait for one. Gives their answers and how many statements
    /// they took together.
    async fn crowd(&self, sends: Vec<impl Future<Output = Value>>) -> (Vec<Value>, u64) {
        let (count, slots) = (sends.len(), self.app.app.config.mutations);
        let mut taken = Vec::new();
        while let Ok(conn) = self.app.app.database.get().await {
            taken.push(conn);
        }
        let release = async {
            until("all requests run", || async { self.app.app.mutations.available_permits() + count <= slots }).await;
            drop(taken);
        };
        self.app.count_statements_warm(async { join(join_all(sends), release).await.0 }).await
    }
}

async fn send(from: &Person, conversation: i64, text: &str, client_id: Option<&str>) -> Value {
    let to = json!({ "conversationId": ConversationId(conversation).global() });
    let input = json!({ "to": to, "content": { "text": { "text": text } }, "clientMessageId": client_id });
    // Without the sender and the conversation, which would be statements of each request.
    let send = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) {
        message { id seq content { ... on TextContent { text } } } deduplicated userErrors { code } } }";
    from.data(send, json!({ "input": input })).await["sendMessage"].clone()
}

fn code(sent: &Value) -> &str {
    sent["userErrors"][0]["code"].as_str().unwrap_or("none")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_of_a_batch_has_its_own_outcome() {
    let fixture = Fixture::new().await;
    let Fixture { app, ada, bo, carl, dora, members } = &fixture;
    let mut sends: Vec<_> = members.iter().map(|member| send(member, 2, "of the group", None)).collect();
    sends.push(send(bo, 1, "answered", Some("k")));
    sends.push(send(carl, 2, "was a member", None));
    sends.push(send(dora, 2, "never was", None));
    let (mut sent, cost) = fixture.crowd(sends).await;
    assert!(cost < 15, "{cost} statements for {MEMBERS} messages, an answer, two refusals");
    assert_eq!((code(&sent.pop().unwrap()), code(&sent.pop().unwrap())), ("NOT_FOUND", "NOT_MEMBER"));
    let mut seqs: Vec<i64> = Vec::new();
    for (answer, sender) in sent.iter().zip(members.iter().chain([bo])) {
        assert_eq!((code(answer), &answer["deduplicated"]), ("none", &json!(false)), "{answer}");
        let message = &answer["message"];
        seqs.push(message["seq"].as_i64().unwrap());
        let read =
            "query ($id: ID!) { message(id: $id) { seq sender { id } content { ... on TextContent { text } } } }";
        let stored = sender.data(read, json!({ "id": message["id"] })).await["message"].clone();
        for field in ["seq", "content"] {
            assert_eq!(stored[field], message[field], "{field}");
        }
        assert_eq!(stored["sender"]["id"], json!(sender.id));
    }
    assert_eq!(seqs.pop(), Some(2), "behind the first");
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=30).collect::<Vec<i64>>());
    let own = "select count(*) from members where conversation_id = 2 and until_seq is null and own_since_read = 0
        and read_seq = (select max(seq) from messages where conversation_id = 2 and sender_id = user_id)";
    assert_eq!(app.query_number(own).await, 30);
    assert_eq!(app.query_number("select last_seq * 1000 + version from conversations where id = 2").await, 30_030);
    until("the stream has it", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    let ordered = "select count(*) from (select seq, version, row_number() over (order by position) as n
        from events where kind = 'MESSAGE_CREATED' and conversation_id = 2) e where seq = n and version = n";
    assert_eq!(app.query_number(ordered).await, 30);
    // Bo has answered, so that ada may go on.
    assert_eq!(code(&send(ada, 1, "again", None).await), "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_id_twice_at_once_is_one_message() {
    let fixture = Fixture::new().await;
    let Fixture { app, bo, members, .. } = &fixture;
    let mut sends: Vec<_> = members.iter().map(|member| send(member, 2, "of the group", None)).collect();
    sends.extend((0..5).map(|_| send(bo, 1, "the same", Some("k"))));
    sends.push(send(bo, 1, "another", Some("k")));
    let (answers, _) = fixture.crowd(sends).await;
    let (group, same) = answers.split_at(MEMBERS);
    assert!(group.iter().all(|answer| code(answer) == "none"));
    let refused = same.iter().filter(|answer| code(answer) == "IDEMPOTENCY_MISMATCH").count();
    let created = same.iter().filter(|answer| code(answer) == "none" && answer["deduplicated"] == false).count();
    let repeated = same.iter().filter(|answer| answer["deduplicated"] == true).count();
    // Whichever came first is the message; what differs from it is refused.
    assert_eq!((created, refused + repeated), (1, 5), "{same:?}");
    assert!(refused == 1 || refused == 5, "{same:?}");
    assert_eq!(app.query_number("select count(*) from messages where client_message_id = 'k'").await, 1);
    assert_eq!(app.query_number("select last_seq::bigint from conversations where id = 1").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_conversation_holds_up_no_other() {
    let fixture = Fixture::new().await;
    let Fixture { app, ada, bo, members, .. } = &fixture;
    let mut sql = app.sql().await;
    for held in [
        "select from conversations where id = 1 for update",
        "select from members where conversation_id = 1 for update",
    ] {
        let holder = sql.transaction().await.unwrap();
        holder.batch_execute(held).await.unwrap();
        let waiting = send(bo, 1, "when it is free", None);
        let others = async {
            let sends = members.iter().map(|member| send(member, 2, "meanwhile", None));
            for answer in join_all(sends).await {
                assert_eq!(code(&answer), "none", "{answer}");
            }
            holder.commit().await.unwrap();
        };
        assert_eq!(code(&join(waiting, others).await.0), "none");
    }
    assert_eq!(app.query_number("select last_seq::bigint from conversations where id = 1").await, 3);
    assert_eq!(code(&send(ada, 1, "and on", None).await), "none");
}
