//! Deadlocks: one is run again, and what used to lead to one does so no more.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::money::document;
use crate::harness::{Person, SEND, TestApp, until};

/// Another session takes the wallet, an exchange the product, and each then wants the other's.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_loses_a_deadlock_is_run_again() {
    let app = TestApp::start().await;
    let (admin, ada) = (app.as_role("admin", "ADMIN").await, app.as_user("ada").await);
    ada.recharge("100").await;
    let product = app.create_product(&admin, "10", 50).await;
    let sql = app.sql().await;
    let deadlocks = || async {
        sql.batch_execute("select pg_stat_clear_snapshot()").await.unwrap();
        app.query_number("select deadlocks from pg_stat_database where datname = current_database()").await
    };
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let mut made = 0;
    loop {
        sql.batch_execute("begin; select from wallets for update").await.unwrap();
        let exchange = async {
            let order = ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await;
            assert_eq!(order["status"], "PENDING");
        };
        let meddle = async {
            until("the exchange waits for the wallet", || async { app.query_number(waits).await == 1 }).await;
            let won = sql.batch_execute("select from products for update").await.is_ok();
            sql.batch_execute("rollback").await.unwrap();
            won
        };
        let ((), won) = tokio::join!(exchange, meddle);
        made += 1;
        // PostgreSQL ends the session that has waited for a second: on a slow machine it may be this one.
        if won {
            break;
        }
        assert!(made < 5, "the other session lost every time");
    }
    until("the deadlock is counted", || async { deadlocks().await > 0 }).await;
    let balance = format!("{}.00 0.00", 100 - 10 * made);
    assert_eq!(ada.balances().await, balance, "paid once each");
    assert_eq!(app.query_number("select stock::bigint from products").await, 50 - made);
    assert_eq!(app.audit().await, [""; 0]);
}

/// A buyer leaves while their orders are refunded: the one waits for the other.
#[tokio::test(flavor = "multi_thread")]
async fn leaving_beside_refunds_is_no_deadlock() {
    let app = TestApp::start().await;
    let admin = app.as_role("admin", "ADMIN").await;
    let product = app.create_product(&admin, "1", 100).await;
    for round in 0..10 {
        let ada = app.as_user(&format!("ada{round}")).await;
        ada.recharge("4").await;
        let mut orders = Vec::new();
        for _ in 0..4 {
            orders.push(ada.mutate_ok("exchangeProduct", json!({ "id": product["id"], "address": "x" })).await);
        }
        let ids: Vec<_> = orders.iter().map(|order| json!({ "id": order["id"] })).collect();
        app.sql().await.batch_execute("update orders set status = 'COMPLETED'").await.unwrap();
        let refunds = join_all(ids.iter().map(async |id| admin.run(&document("refundOrder"), id.clone()).await.body));
        let leave =
            "mutation ($id: ID!) { deleteUser(id: $id, forfeitBalance: true) { deletedId userErrors { code } } }";
        let (refunds, left) = tokio::join!(refunds, ada.run(leave, json!({ "id": ada.id })));
        assert_eq!(left.body["errors"], json!(null), "{}", left.body);
        for body in refunds {
            assert_eq!(body["errors"], json!(null), "{body}");
            let refused = codes(&body["data"]["refundOrder"]);
            assert!(refused.is_empty() || refused == ["CONFLICT"], "{body}");
        }
    }
    let sql = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(app.query_number(sql).await, 0);
}

const LEAVE: &str =
    "mutation ($id: ID!) { deleteUser(id: $id, forfeitBalance: true) { deletedId userErrors { code } } }";

/// An app whose transactions meet at rows, and not in the queue for connections.
async fn crowded() -> TestApp {
    TestApp::with(&[("PLAZA_LIMIT_DB_CONNECTIONS", "20")]).await
}

async fn newcomers<const N: usize>(app: &TestApp, round: usize) -> [Person; N] {
    let mut people = Vec::new();
    for n in 0..N {
        people.push(app.as_user(&format!("user{n}in{round}")).await);
    }
    people.try_into().unwrap_or_else(|_| panic!("so many"))
}

async fn leave(person: &Person) {
    let left = person.data(LEAVE, json!({ "id": person.id })).await;
    assert_eq!(left["deleteUser"], json!({ "deletedId": person.id, "userErrors": [] }));
}

/// What a request that meets the end of an account is answered: an answer, or that there is no such account any more.
fn answered(body: &Value, allowed: &[&str]) {
    let error = &body["errors"][0]["extensions"]["code"];
    assert!(error.is_null() || error == "UNAUTHENTICATED", "{body}");
    let payloads = body["data"].as_object().into_iter().flat_map(|data| data.values());
    for payload in payloads.filter(|payload| payload.is_object()) {
        for code in codes(payload) {
            assert!(allowed.contains(&code), "{body}");
        }
    }
}

/// That no deadlock was met, and that all is as it should be.
async fn is_sound(app: &TestApp) {
    let sql = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(app.query_number(sql).await, 0);
    assert_eq!(app.audit().await, [""; 0]);
}

/// The user who gets a group is deleted: a group that was given to them goes on to the next member.
#[tokio::test(flavor = "multi_thread")]
async fn groups_given_to_a_user_who_leaves_are_no_deadlock() {
    let app = crowded().await;
    for round in 0..6 {
        let [ada, bo, cy] = newcomers(&app, round).await;
        for friend in [&bo, &cy] {
            ada.make_friends(friend).await;
        }
        let mut groups = Vec::new();
        for n in 0..6 {
            groups.push(ada.make_group(&format!("g{n}"), &[&bo, &cy], json!({})).await);
        }
        let give =
            "mutation ($id: ID!, $to: ID!) { transferGroup(groupId: $id, toUserId: $to) { userErrors { code } } }";
        let given = join_all(groups.iter().map(async |group| ada.run(give, json!({ "id": group, "to": bo.id })).await));
        let (given, ()) = tokio::join!(given, leave(&bo));
        for answer in &given {
            answered(&answer.body, &["NOT_MEMBER"]);
        }
    }
    is_sound(&app).await;
}

/// An owner is deleted together with those who would get the groups.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_leaves_with_the_heirs_is_no_deadlock() {
    let app = crowded().await;
    for round in 0..6 {
        let [ada, bo, cy, di] = newcomers(&app, round).await;
        for friend in [&bo, &cy, &di] {
            ada.make_friends(friend).await;
        }
        for n in 0..3 {
            ada.make_group(&format!("g{n}"), &[&bo, &cy, &di], json!({})).await;
            bo.make_group(&format!("h{n}"), &[&ada], json!({})).await;
        }
        tokio::join!(leave(&ada), leave(&bo), leave(&cy));
    }
    is_sound(&app).await;
}

/// Members send to their group while one of them is deleted.
#[tokio::test(flavor = "multi_thread")]
async fn leaving_beside_messages_is_no_deadlock() {
    let app = crowded().await;
    for round in 0..6 {
        let [ada, bo, cy] = newcomers(&app, round).await;
        for friend in [&bo, &cy] {
            ada.make_friends(friend).await;
        }
        let group = ada.make_group("g", &[&bo, &cy], json!({})).await;
        let say = |person: &Person| {
            let (person, input) =
                (person.clone(), json!({ "to": { "groupId": group }, "content": { "text": { "text": "m" } } }));
            async move {
                for _ in 0..25 {
                    let sent = person.run(SEND, json!({ "input": input })).await;
                    answered(&sent.body, &["NOT_MEMBER", "NOT_FOUND"]);
                }
            }
        };
        let talk = join_all([say(&bo), say(&bo), say(&bo), say(&cy), say(&ada)]);
        let end = async {
            let sent = "select count(*) from messages where sender_id = $1";
            let sql = app.sql().await;
            until("some were sent", || async { sql.query_one(sent, &[&bo.key()]).await.unwrap().get::<_, i64>(0) > 4 })
                .await;
            leave(&bo).await;
        };
        tokio::join!(talk, end);
        assert_eq!(ada.members_of(&group, "").await.len(), 2);
    }
    is_sound(&app).await;
}

/// Two users add each other to their groups while both are deleted.
#[tokio::test(flavor = "multi_thread")]
async fn leaving_beside_invitations_is_no_deadlock() {
    let app = crowded().await;
    for round in 0..6 {
        let [ada, bo] = newcomers(&app, round).await;
        ada.make_friends(&bo).await;
        let groups = [ada.make_group("a", &[], json!({})).await, bo.make_group("b", &[], json!({})).await];
        let invite = "mutation ($id: ID!, $users: [ID!]!) { inviteToGroup(groupId: $id, userIds: $users) { userErrors { code } } }";
        let pairs = [(&ada, &groups[0], &bo), (&bo, &groups[1], &ada)].repeat(4).into_iter();
        let invited = join_all(
            pairs.map(async |(one, group, other)| one.run(invite, json!({ "id": group, "users": [other.id] })).await),
        );
        let (invited, (), ()) = tokio::join!(invited, leave(&ada), leave(&bo));
        for answer in invited {
            answered(&answer.body, &["ALREADY_EXISTS", "NOT_FRIENDS", "NOT_FOUND"]);
        }
    }
    is_sound(&app).await;
}

/// Two strangers: one owns groups, in which the other is or asks to be, the newest first.
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_leaves_with_an_applicant_is_no_deadlock() {
    let app = crowded().await;
    for round in 0..6 {
        let [ada, bo, _, _] = newcomers(&app, round).await;
        let mut groups = Vec::new();
        for n in 0..16 {
            groups.push(ada.make_group(&format!("g{n}"), &[], json!({})).await);
        }
        for group in groups.iter().rev() {
            bo.in_group_ok("requestToJoinGroup", json!({ "groupId": group, "reason": "" })).await;
        }
        for group in groups.iter().take(if round % 2 == 0 { 0 } else { 8 }) {
            let accept = json!({ "groupId": group, "userId": bo.id, "decision": "ACCEPT" });
            ada.in_group_ok("respondToJoinRequest", accept).await;
        }
        tokio::join!(leave(&ada), leave(&bo));
    }
    assert_eq!(app.query_number("select count(*) from group_join_requests").await, 0);
    is_sound(&app).await;
}
