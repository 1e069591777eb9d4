//! `plaza audit` finds what does not add up: each of its rules is broken once, behind Plaza's back.

use std::collections::BTreeSet;

use serde_json::json;

use crate::harness::TestApp;
use crate::harness::process::{SECRET, output};

/// A rule by a part of its name, and what breaks it.
const BREAKS: [(&str, &str); 53] = [
    ("a transfer sums to zero", "insert into ledger_transfers (reason, note, created_at) values ('ADMIN_ADJUSTMENT', 'x', now())"),
    ("a balance is the sum", "update wallets set balance = balance + 1"),
    (
        "an entry says the balance",
        "with t as (insert into ledger_transfers (reason, created_at) values ('RECHARGE', now()) returning id),
         u as (insert into ledger_entries (transfer_id, account, user_id, amount, balance_after) select t.id, 'USER', 1, 5, 777 from t)
         insert into ledger_entries (transfer_id, account, amount) select id, 'OUTSIDE', -5 from t",
    ),
    ("what is held is the reward", "update wallets set held = held + 1"),
    ("a task holds its reward", "update tasks set price = price + 1 where status = 'OPEN'"),
    ("a task that is over was paid", "update tasks set status = 'CANCELLED', finished_at = null where title = 'paid'"),
    ("a reward goes to the task's assignee", "update tasks set assignee_id = 3 where title = 'paid too'"),
    (
        "a submitted task, and no other",
        "insert into jobs (kind, subject_id, due_at, next_try_at) values ('FINISH_TASK', 99, now() + interval '1 day', now() + interval '1 day')",
    ),
    ("a job is done", "insert into jobs (kind, subject_id, due_at, next_try_at) values ('X', 1, '2020-01-01Z', '2020-01-01Z')"),
    (
        "a disputed task, and no other",
        "insert into task_disputes (task_id, assignee_id, opened_by, reason, opened_at) select id, 2, 2, 'r', now() from tasks where title = 'paid too'",
    ),
    ("an order was paid by its buyer", "update orders set price = price + 1"),
    (
        "money for orders is between",
        "with t as (insert into ledger_transfers (reason, task_id, created_at) select 'TASK_HOLD', min(id), now() from tasks returning id),
         s as (insert into ledger_entries (transfer_id, account, amount) select id, 'STORE', 5 from t)
         insert into ledger_entries (transfer_id, account, amount) select id, 'TASK', -5 from t",
    ),
    ("a stock is what was put in", "update products set stock = stock + 1"),
    ("an order's history leads", "delete from order_events where to_status = 'SHIPPED'"),
    ("a key's mutation is known", "update idempotency_keys set result_id = null"),
    ("no user leaves", "update users set deleted_at = now() where id = 1"),
    ("an item is liked", "update items set favorite_count = 5"),
    ("a conversation's messages", "update conversations set last_seq = last_seq + 1"),
    ("a user's files", "update file_usage set files = files + 1"),
    ("what can be found is there", "update items set status = 'DELETED'"),
    ("money is moved by who may", "insert into ledger_transfers (reason, actor_id, created_at) values ('RECHARGE', 2, now())"),
    ("an order goes where", "update orders set address = 'elsewhere'"),
    ("a ticket shows its first question", "update ticket_lines set content = 'another' where is_answer"),
    ("what can be seen can be found", "update search_entries set boost = 0.25 where kind = 'PRODUCT'"),
    ("contents are used as often", "update blobs set uses = uses + 1"),
    ("two people who talk", "delete from members where user_id = 2"),
    ("markers stay within", "update members set delivered_seq = 99"),
    (
        "no user has pinned more",
        "with c as (insert into conversations (kind, title) select 'GROUP', 'x' from generate_series(1, 101) returning id)
         insert into members (conversation_id, user_id, is_pinned) select id, 1, true from c",
    ),
    ("reactions are as many", "update messages set reaction_count = reaction_count + 1 where content is not null"),
    ("messages that a member deleted", "update members set hidden_count = hidden_count + 1"),
    ("a mention is noted", "update messages set mentions = array[2::bigint] where seq = 1 and content is not null"),
    ("own messages behind a marker", "update members set own_since_read = own_since_read + 1"),
    ("a friendship has two sides", "delete from friendships where owner_id = 2"),
    ("friends are as many as is counted", "update friend_counts set friends = friends + 1"),
    ("a friendship is hidden from", "update friendships set hidden = true where owner_id = 1"),
    ("a conversation knows who", "update conversations set low_blocks = true"),
    (
        "people who are friends do not ask",
        "update friend_requests set status = 'WAITING', replied_at = null",
    ),
    ("a group has as many members", "update groups set member_count = member_count + 1"),
    ("a conversation knows who runs its group", "update conversations set title = 'another' where title is not null"),
    ("members of a group are", "update members set until_seq = 0, until_version = 0 where user_id = 2"),
    (
        "a group has at most 20 managers",
        "insert into users (username, username_key, nickname) select 'g' || n, 'g' || n, 'G' from generate_series(1, 21) n;
         insert into group_members (group_id, user_id, role, joined_at) select g.id, u.id, 'MANAGER', now() from groups g, users u
             where u.username like 'g%'",
    ),
    (
        "members do not ask to join",
        "insert into group_join_requests (group_id, user_id, reason, created_at, expires_at)
             select group_id, user_id, '', now(), now() + interval '1 day' from group_members where role = 'OWNER'",
    ),
    ("a group's position is", "update group_positions set cell = cell + 9"),
    ("a dissolved group has no", "update groups set dissolved_at = now(), member_count = 0"),
    ("groups hold friends", "update friend_groups set owner_id = 2"),
    ("a merchant has as many", "update merchants set member_count = 7"),
    ("a merchant's owner and contact", "update users set deleted_at = now() where id = (select contact_id from merchants)"),
    ("a merchant was made with", "update activation_codes set merchant_id = null"),
    ("a position is shown at", "update positions set cell = cell + 9"),
    ("a user who has left has no", "update users set deleted_at = now() where id = 2"),
    (
        "a message shows its sender's files",
        "update messages set type = 'PICTURE', content = jsonb_build_object('type', 'PICTURE', 'media', files.id), media_id = files.id
             from (select min(id) as id from media where owner_id <> 1) files where sender_id = 1",
    ),
    ("the stream has every position", "update event_stream set head = head + 1"),
    (
        "events leave the outbox",
        "insert into outbox (kind, audience, audience_id, written_at) values ('ORDER_CHANGED', 'USER', 1, now() - interval '1 hour')",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_finds_what_breaks_it() {
    let app = TestApp::start().await;
    let (ada, bo, admin) = (app.as_user("ada").await, app.as_user("bo").await, app.as_role("admin", "ADMIN").await);
    ada.mutate_ok("rechargeWallet", json!({ "amount": "100", "idempotencyKey": "k" })).await;
    ada.create_task("5").await;
    for title in ["paid", "paid too"] {
        let input = json!({ "title": title, "content": "c", "price": "3" });
        let task = ada.mutate_ok("createTask", json!({ "input": input })).await;
        bo.mutate_by_id("acceptTask", &task).await;
        ada.mutate_by_id("finishTask", &task).await;
    }
    let product = app.create_product(&admin, "1", 5).await;
    let order = ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await;
    ada.mutate_ok("updateOrder", json!({ "id": order["id"], "input": { "address": "y" } })).await;
    admin
        .mutate_ok(
            "updateOrder",
            json!({ "id": order["id"], "input": { "trackingNumber": "x", "expectedAddress": "y" } }),
        )
        .await;
    ada.create_item(json!({})).await;
    ada.send_message(&bo, "hello").await;
    ada.make_friends(&bo).await;
    ada.befriend_ok("createFriendGroup", json!({ "name": "g", "memberIds": [bo.id] })).await;
    ada.make_group("g", &[&bo], json!({})).await;
    ada.make_merchant("m", &admin.make_codes(1).await[0]).await;
    let here = json!({ "longitude": 121.4737, "latitude": 31.2304 });
    ada.in_group_ok("createGroup", json!({ "input": { "name": "placed", "coordinates": here } })).await;
    bo.locate(121.4737, 31.2304, "EVERYBODY").await;
    let ticket = ada.mutate_ok("createTicket", json!({ "question": "why?" })).await;
    admin.mutate_ok("answerTicket", json!({ "id": ticket["id"], "answer": "because" })).await;
    // What is announced takes room as well.
    crate::upload_tickets::ticket(&ada, "a.png", "image/png", 100).await;
    assert_eq!(app.audit().await, [""; 0]);
    let settings = [("DATABASE_URL", app.url.as_str()), ("PLAZA_JWT_SECRET", SECRET)];
    let fine = output(&["audit"], &settings).await;
    assert_eq!(
        (fine.status.code(), String::from_utf8_lossy(&fine.stdout).contains("Everything adds up")),
        (Some(0), true)
    );
    let (sql, holder) = (app.sql().await, app.sql().await);
    let mut found = BTreeSet::new();
    for (rule, statement) in BREAKS {
        if rule.starts_with("events leave") {
            // Else it would, before anybody looks.
            holder.batch_execute("begin; lock table events in share mode").await.unwrap();
        }
        sql.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        let findings = plaza::audit::run(&app.url).await.unwrap();
        let broken = findings.iter().find(|finding| finding.rule.starts_with(rule));
        found.insert(broken.unwrap_or_else(|| panic!("{rule}: {findings:#?}")).rule);
    }
    assert_eq!(found.len(), plaza::audit::rules(), "each rule is broken once");
    let bad = output(&["audit"], &settings).await;
    let text = String::from_utf8_lossy(&bad.stdout).into_owned();
    assert_eq!(bad.status.code(), Some(1));
    assert!(found.iter().all(|rule| text.contains(rule)), "{text}");
}

/// The ledger is only ever added to, and only by what sums to zero.
#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_refuses_what_is_no_transfer() {
    let app = TestApp::start().await;
    app.as_user("ada").await.recharge("1").await;
    let sql = app.sql().await;
    for statement in [
        "update ledger_entries set amount = 2",
        "delete from ledger_entries",
        "truncate ledger_entries",
        "update ledger_transfers set note = 'x'",
        "delete from ledger_transfers",
        "insert into ledger_entries (transfer_id, account, amount) select id, 'OUTSIDE', 1 from ledger_transfers",
        "update wallets set balance = -1",
    ] {
        assert!(sql.batch_execute(statement).await.is_err(), "{statement}");
    }
    assert_eq!(app.audit().await, [""; 0]);
}
