//! Requests to become friends.

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::TestApp;
use crate::harness::accounts::codes;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_sent_seen_and_answered() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let sent = ada.befriend_ok("sendFriendRequest", json!({ "userId": bo.id, "reason": " We met. " })).await;
    assert_eq!(sent["friendRequest"]["status"], "WAITING");
    assert_eq!((&sent["friendRequest"]["reason"], &sent["friendship"]), (&json!("We met."), &json!(null)));
    assert_eq!(ada.ask(&bo).await["userErrors"][0]["code"], "REQUEST_PENDING");
    assert_eq!(ada.relationship(&bo).await, ["outgoingRequest"]);
    assert_eq!(bo.relationship(&ada).await, ["incomingRequest"]);
    assert_eq!(bo.requests("INCOMING", json!(null)).await, ["ada WAITING"]);
    assert_eq!(ada.requests("OUTGOING", json!("WAITING")).await, ["bo WAITING"]);
    assert_eq!(bo.requests("OUTGOING", json!(null)).await, [""; 0]);

    let denied = json!({ "fromUserId": ada.id, "decision": "DENY", "reason": "Who are you?" });
    let denial = bo.befriend_ok("respondToFriendRequest", denied.clone()).await;
    assert_eq!(
        (&denial["friendRequest"]["status"], &denial["friendRequest"]["denyReason"]),
        (&json!("DENIED"), &json!("Who are you?"))
    );
    assert_eq!(bo.befriend_ok("respondToFriendRequest", denied).await, denial, "answered alike again");
    assert_eq!(codes(&bo.answer(&ada, "ACCEPT").await), ["CONFLICT"]);
    assert_eq!(codes(&bo.answer(&cy, "ACCEPT").await), ["NOT_FOUND"]);
    assert_eq!(ada.requests("OUTGOING", json!("DENIED")).await, ["bo DENIED"]);

    ada.make_friends(&bo).await;
    assert_eq!(codes(&bo.answer(&ada, "ACCEPT").await), [""; 0], "answered alike again");
    assert_eq!(codes(&bo.answer(&ada, "DENY").await), ["CONFLICT"]);
    for (one, other) in [(&ada, &bo), (&bo, &ada)] {
        assert_eq!(one.relationship(other).await, ["isFriend"]);
        assert_eq!(codes(&one.ask(other).await), ["ALREADY_FRIENDS"]);
    }
    assert_eq!(
        (ada.friends(json!(null)).await, bo.friends(json!(null)).await),
        (vec!["bo".into()], vec!["ada".into()])
    );
    assert_eq!(ada.relationship(&ada).await, ["isSelf"]);
    assert_eq!(ada.requests("OUTGOING", json!(null)).await, ["bo ACCEPTED", "bo DENIED"]);

    // Others see nothing of it.
    let id = json!({ "id": sent["friendRequest"]["id"] });
    let node = "query ($id: ID!) { node(id: $id) { id } }";
    assert!(
        ada.data(node, id.clone()).await["node"].is_object() && bo.data(node, id.clone()).await["node"].is_object()
    );
    assert_eq!(cy.data(node, id.clone()).await["node"], json!(null));
    assert_eq!(cy.refused("cancelFriendRequest", id).await, ["NOT_FOUND"]);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_can_t_be_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let long = "字".repeat(201);
    for (field, variables, code) in [
        ("sendFriendRequest", json!({ "userId": ada.id }), "SELF_TARGET"),
        ("sendFriendRequest", json!({ "userId": "VXNlcjo5OTk5" }), "NOT_FOUND"),
        ("sendFriendRequest", json!({ "userId": "nobody" }), "NOT_FOUND"),
        ("sendFriendRequest", json!({ "userId": bo.id, "reason": long }), "TOO_LONG"),
        ("sendFriendRequest", json!({ "userId": bo.id, "reason": "a\u{0}b" }), "INVALID_INPUT"),
        ("respondToFriendRequest", json!({ "fromUserId": ada.id, "decision": "DENY" }), "SELF_TARGET"),
        ("respondToFriendRequest", json!({ "fromUserId": bo.id, "decision": "DENY" }), "NOT_FOUND"),
        ("cancelFriendRequest", json!({ "id": bo.id }), "NOT_FOUND"),
        ("removeFriend", json!({ "userId": bo.id }), "NOT_FRIENDS"),
        ("removeFriend", json!({ "userId": ada.id }), "SELF_TARGET"),
        ("blockUser", json!({ "userId": ada.id }), "SELF_TARGET"),
        ("unblockUser", json!({ "userId": "VXNlcjo5OTk5" }), "NOT_FOUND"),
        ("setFriendRemark", json!({ "userId": bo.id, "remark": "Bo" }), "NOT_FRIENDS"),
        ("setFriendRemark", json!({ "userId": bo.id, "remark": "字".repeat(31) }), "TOO_LONG"),
        ("setFriendRemark", json!({ "userId": bo.id, "remark": "a\nb" }), "INVALID_INPUT"),
        ("setFriendLabels", json!({ "userId": bo.id, "labels": vec!["a"; 21] }), "OUT_OF_RANGE"),
        ("setFriendLabels", json!({ "userId": bo.id, "labels": ["a", "a "] }), "INVALID_INPUT"),
        ("setFriendLabels", json!({ "userId": bo.id, "labels": [" "] }), "REQUIRED"),
        ("setFriendLabels", json!({ "userId": bo.id, "labels": ["a"] }), "NOT_FRIENDS"),
        ("createFriendGroup", json!({ "name": " " }), "REQUIRED"),
        ("createFriendGroup", json!({ "name": "g", "memberIds": [bo.id] }), "NOT_FRIENDS"),
        ("createFriendGroup", json!({ "name": "g", "memberIds": vec![bo.id.clone(); 501] }), "OUT_OF_RANGE"),
        ("renameFriendGroup", json!({ "id": "RnJpZW5kR3JvdXA6MQ", "name": "g" }), "NOT_FOUND"),
        ("deleteFriendGroup", json!({ "id": "RnJpZW5kR3JvdXA6MQ" }), "NOT_FOUND"),
        ("addFriendGroupMembers", json!({ "id": "RnJpZW5kR3JvdXA6MQ", "memberIds": [] }), "NOT_FOUND"),
    ] {
        assert_eq!(ada.refused(field, variables.clone()).await, [code], "{field} {variables}");
    }
    for filter in
        [json!({ "query": "a\u{0}" }), json!({ "label": "字".repeat(101) }), json!({ "friendGroupId": bo.id })]
    {
        let answer = ada.run(
            "query ($f: FriendFilter) { viewer { friends(filter: $f) { nodes { id } } } }",
            json!({ "f": filter }),
        );
        assert_eq!(answer.await.code(), "BAD_USER_INPUT", "{filter}");
    }
    let rows = "select (select count(*) from friend_requests) + (select count(*) from friendships) + (select count(*) from friend_groups)
        + (select count(*) from blocks) + (select count(*) from outbox)";
    assert_eq!(app.query_number(rows).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_withdrawn_or_expires() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    let id = json!({ "id": ada.ask(&bo).await["friendRequest"]["id"] });
    let cancelled = ada.befriend_ok("cancelFriendRequest", id.clone()).await;
    assert_eq!(cancelled["friendRequest"]["status"], "CANCELLED");
    assert_eq!(ada.befriend_ok("cancelFriendRequest", id).await, cancelled, "once more");
    assert_eq!(codes(&bo.answer(&ada, "ACCEPT").await), ["CONFLICT"]);
    let id = json!({ "id": ada.ask(&bo).await["friendRequest"]["id"] });
    let days = "select extract(day from expires_at - created_at)::bigint from friend_requests where status = 'WAITING'";
    assert_eq!(app.query_number(days).await, 30);
    app.sql()
        .await
        .batch_execute("update friend_requests set expires_at = now() where status = 'WAITING'")
        .await
        .unwrap();
    assert_eq!(bo.requests("INCOMING", json!("WAITING")).await, [""; 0]);
    assert_eq!(bo.requests("INCOMING", json!("EXPIRED")).await, ["ada EXPIRED"]);
    assert_eq!(bo.relationship(&ada).await, [""; 0]);
    assert_eq!(codes(&bo.answer(&ada, "ACCEPT").await), ["CONFLICT"]);
    assert_eq!(ada.refused("cancelFriendRequest", id).await, ["CONFLICT"]);
    // It is over: there is room for another one.
    ada.make_friends(&bo).await;
    assert_eq!(ada.requests("OUTGOING", json!(null)).await, ["bo ACCEPTED", "bo EXPIRED", "bo CANCELLED"]);
    assert_eq!(app.audit().await, [""; 0]);
}

/// With 64 clients, half from each side, there is one friendship and no deadlock.
#[tokio::test(flavor = "multi_thread")]
async fn crossing_requests_make_one_friendship() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await.retrying_overload(), app.as_user("bo").await.retrying_overload());
    for _ in 0..4 {
        let asked = join_all((0..64).map(|n| if n % 2 == 0 { ada.ask(&bo) } else { bo.ask(&ada) })).await;
        let made = asked.iter().filter(|payload| payload["friendship"].is_object()).count();
        let sent = asked.iter().filter(|payload| payload["friendRequest"]["status"] == "WAITING").count();
        assert_eq!((sent, made), (1, 1), "{asked:?}");
        for refused in asked.iter().filter(|payload| payload["friendRequest"].is_null()) {
            assert!(["ALREADY_FRIENDS", "REQUEST_PENDING"].contains(&codes(refused)[0]), "{refused}");
        }
        assert_eq!(app.query_number("select count(*) from friendships").await, 2);
        assert_eq!(app.query_number("select sum(friends)::bigint from friend_counts").await, 2);
        let removed = join_all((0..8).map(|n| {
            let (one, other) = if n % 2 == 0 { (&ada, &bo) } else { (&bo, &ada) };
            one.befriend("removeFriend", json!({ "userId": other.id }))
        }));
        assert_eq!(removed.await.iter().filter(|payload| payload["deletedId"].is_string()).count(), 1);
        assert_eq!(app.query_number("select sum(friends)::bigint from friend_counts").await, 0);
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(app.query_number(deadlocks).await, 0);
    assert_eq!(app.audit().await, [""; 0]);
}

/// Everybody asks and removes everybody: no deadlock, and all that is counted is there.
#[tokio::test(flavor = "multi_thread")]
async fn many_people_at_once_end_up_consistent() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(app.as_user(&format!("user{n}")).await.retrying_overload());
    }
    for round in 0..3 {
        let acts = people.iter().enumerate().flat_map(|(n, one)| {
            people.iter().enumerate().filter(move |(m, _)| *m != n).map(move |(m, other)| async move {
                match (n + m * 3 + round) % 4 {
                    0 => one.befriend("removeFriend", json!({ "userId": other.id })).await,
                    1 if round > 0 => one.befriend("blockUser", json!({ "userId": other.id })).await,
                    2 if round > 0 => one.befriend("unblockUser", json!({ "userId": other.id })).await,
                    _ => one.ask(other).await,
                }
            })
        });
        join_all(acts).await;
        assert_eq!(app.audit().await, [""; 0]);
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(app.query_number(deadlocks).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_friends_have_bounds_that_hold_under_many_hands() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await.retrying_overload(), app.as_user("bo").await);
    let groups = join_all((0..104).map(|n| ada.befriend("createFriendGroup", json!({ "name": format!("group {n}") }))));
    let made = groups.await.iter().filter(|payload| payload["friendGroup"].is_object()).count();
    assert_eq!((made, app.query_number("select count(*) from friend_groups").await), (100, 100));

    // Ada has one friend less than the most, and is asked by several at once.
    let sql = app.sql().await;
    sql.batch_execute("insert into friend_counts (user_id, friends) values (1, 4999)").await.unwrap();
    let mut askers = Vec::new();
    for n in 0..8 {
        let asker = app.as_user(&format!("asker{n}")).await;
        assert_eq!(codes(&asker.ask(&ada).await), [""; 0]);
        askers.push(asker);
    }
    let answers = join_all(askers.iter().map(|asker| ada.answer(asker, "ACCEPT"))).await;
    assert_eq!(answers.iter().filter(|payload| payload["friendship"].is_object()).count(), 1);
    assert!(
        answers
            .iter()
            .filter(|payload| payload["friendRequest"].is_null())
            .all(|payload| codes(payload) == ["CONFLICT"])
    );
    assert_eq!(app.query_number("select friends::bigint from friend_counts where user_id = 1").await, 5000);
    assert_eq!(codes(&bo.ask(&ada).await), [""; 0], "asking tells nothing of how many friends a person has");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_bounded_by_day() {
    let app = TestApp::with(&[("PLAZA_LIMIT_FRIEND_REQUESTS", "3")]).await;
    let ada = app.as_user("ada").await;
    let mut others = Vec::new();
    for n in 0..5 {
        others.push(app.as_user(&format!("other{n}")).await);
    }
    for (n, other) in others.iter().enumerate() {
        let expected: &[&str] = if n < 3 { &[] } else { &["RATE_LIMITED"] };
        assert_eq!(codes(&ada.ask(other).await), expected);
        assert_eq!(codes(&ada.ask(other).await).len(), 1, "a request that is refused does not count");
    }
}
