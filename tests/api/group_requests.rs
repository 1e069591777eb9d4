//! Requests to join groups, and how many get in.

use futures_util::{StreamExt, stream};
use plaza::ids::UserId;
use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::groups::{group_id, insert_group, insert_users};
use crate::harness::{Person, TestApp};

async fn received(person: &Person, arguments: &str) -> Vec<String> {
    let document = format!(
        "{{ viewer {{ groupJoinRequests{arguments} {{ nodes {{ status user {{ username }} }} totalCount }} }} }}"
    );
    let requests = person.data(&document, json!({})).await["viewer"]["groupJoinRequests"].clone();
    let nodes = requests["nodes"].as_array().unwrap();
    assert_eq!(requests["totalCount"], nodes.len());
    let line =
        |node: &Value| format!("{} {}", node["user"]["username"].as_str().unwrap(), node["status"].as_str().unwrap());
    nodes.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_join_is_sent_answered_and_withdrawn() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let group = ada.make_group("g", &[], json!({})).await;
    let ask = json!({ "groupId": group, "reason": " I climb. " });
    let sent = bo.in_group_ok("requestToJoinGroup", ask.clone()).await["joinRequest"].clone();
    assert_eq!((&sent["status"], &sent["reason"]), (&json!("WAITING"), &json!("I climb.")));
    assert_eq!(bo.refused_in_group("requestToJoinGroup", ask.clone()).await, ["REQUEST_PENDING"]);
    assert_eq!(bo.actions_in(&group).await, [""; 0]);
    let own = "query ($id: ID!) { group(id: $id) { viewerJoinRequest { id } joined } node(id: $r) { id } }";
    let own = own.replace("($id: ID!)", "($id: ID!, $r: ID!)");
    let seen = bo.data(&own, json!({ "id": group, "r": sent["id"] })).await;
    assert_eq!((&seen["group"]["viewerJoinRequest"]["id"], &seen["node"]["id"]), (&sent["id"], &sent["id"]));
    assert_eq!(received(&ada, "").await, ["bo WAITING"]);
    assert_eq!(received(&bo, "").await, [""; 0]);
    let hidden = cy.data(&own, json!({ "id": group, "r": sent["id"] })).await;
    assert_eq!((&hidden["group"]["viewerJoinRequest"], &hidden["node"]), (&Value::Null, &Value::Null));

    let answer =
        |decision: &str| json!({ "groupId": group, "userId": bo.id, "decision": decision, "reason": "No room" });
    for (person, code) in [(&bo, "NOT_MEMBER"), (&cy, "NOT_MEMBER")] {
        assert_eq!(person.refused_in_group("respondToJoinRequest", answer("ACCEPT")).await, [code]);
    }
    let denied = ada.in_group_ok("respondToJoinRequest", answer("DENY")).await;
    assert_eq!(denied["joinRequest"]["denyReason"], "No room");
    assert_eq!(ada.in_group_ok("respondToJoinRequest", answer("DENY")).await, denied, "answered alike again");
    assert_eq!(ada.refused_in_group("respondToJoinRequest", answer("ACCEPT")).await, ["CONFLICT"]);

    bo.in_group_ok("requestToJoinGroup", ask.clone()).await;
    for _ in 0..2 {
        let cancelled = bo.in_group_ok("cancelJoinRequest", json!({ "groupId": group })).await;
        assert_eq!(cancelled["joinRequest"]["status"], "CANCELLED");
    }
    assert_eq!(ada.refused_in_group("respondToJoinRequest", answer("ACCEPT")).await, ["CONFLICT"]);

    bo.in_group_ok("requestToJoinGroup", ask.clone()).await;
    app.sql()
        .await
        .batch_execute("update group_join_requests set expires_at = now() where status = 'WAITING'")
        .await
        .unwrap();
    assert_eq!(received(&ada, "(status: WAITING)").await, [""; 0]);
    assert_eq!(received(&ada, "(status: EXPIRED)").await, ["bo EXPIRED"]);
    assert_eq!(ada.refused_in_group("respondToJoinRequest", answer("ACCEPT")).await, ["CONFLICT"]);
    bo.in_group_ok("requestToJoinGroup", ask.clone()).await;
    let accepted = ada.in_group_ok("respondToJoinRequest", answer("ACCEPT")).await;
    assert_eq!(
        (&accepted["joinRequest"]["status"], &accepted["member"]["role"]),
        (&json!("ACCEPTED"), &json!("GENERAL"))
    );
    assert_eq!(ada.in_group_ok("respondToJoinRequest", answer("ACCEPT")).await, accepted, "answered alike again");
    assert_eq!(received(&ada, "").await, ["bo ACCEPTED", "bo EXPIRED", "bo CANCELLED", "bo DENIED"]);
    assert_eq!(bo.refused_in_group("requestToJoinGroup", ask.clone()).await, ["ALREADY_EXISTS"]);

    let close = json!({ "id": group, "input": { "settings": { "disableJoinRequests": true } } });
    ada.in_group_ok("updateGroup", close).await;
    assert_eq!(cy.refused_in_group("requestToJoinGroup", ask).await, ["GROUP_CLOSED"]);
    // Of all groups that one runs, or of one.
    let other = ada.make_group("h", &[], json!({})).await;
    cy.in_group_ok("requestToJoinGroup", json!({ "groupId": other, "reason": "" })).await;
    assert_eq!(received(&ada, "(status: WAITING)").await, ["cy WAITING"]);
    assert_eq!(received(&ada, &format!("(groupId: {group})")).await.len(), 4);
    assert_eq!(received(&bo, &format!("(groupId: {group})")).await, [""; 0], "a general member runs none");
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_bounded_by_day() {
    let app = TestApp::with(&[("PLAZA_LIMIT_FRIEND_REQUESTS", "2")]).await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    for n in 0..4 {
        let group = ada.make_group(&format!("g{n}"), &[], json!({})).await;
        let expected: &[&str] = if n < 2 { &[] } else { &["RATE_LIMITED"] };
        let payload = bo.in_group("requestToJoinGroup", json!({ "groupId": group, "reason": "" })).await;
        assert_eq!(codes(&payload), expected);
    }
}

/// 600 requests are answered at once, on two instances: exactly 500 members come of it.
#[tokio::test(flavor = "multi_thread")]
async fn of_six_hundred_five_hundred_get_in() {
    let app = TestApp::start().await;
    let other = app.another_instance().await;
    let ada = app.as_user("ada").await.retrying_overload();
    let sql = app.sql().await;
    let keys = insert_users(&sql, 600).await;
    let group = insert_group(&sql, "g", ada.key(), &[]).await;
    sql.execute(
        "insert into group_join_requests (group_id, user_id, reason, created_at, expires_at)
         select $1, unnest($2::bigint[]), '', now(), now() + interval '1 day'",
        &[&group, &keys],
    )
    .await
    .unwrap();
    let answers = stream::iter(keys.into_iter().enumerate())
        .map(|(n, key)| {
            let staff = ada.on_instance(if n % 2 == 0 { app.address } else { other.address });
            let user = UserId(key).global();
            let variables = json!({ "groupId": group_id(group), "userId": user, "decision": "ACCEPT" });
            async move {
                codes(&staff.in_group("respondToJoinRequest", variables).await)
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
            }
        })
        .buffer_unordered(64)
        .collect::<Vec<_>>()
        .await;
    // The owner is one of them.
    assert_eq!(answers.iter().filter(|codes| codes.is_empty()).count(), 499);
    assert_eq!(answers.iter().filter(|codes| **codes == ["GROUP_FULL"]).count(), 101);
    for table in [
        "select count(*) from group_members",
        "select count(*) from members where until_seq is null",
        "select member_count::bigint from groups",
    ] {
        assert_eq!(app.query_number(table).await, 500, "{table}");
    }
    // Nobody can ask any more, nor be invited.
    let late = app.as_user("late").await;
    let ask = json!({ "groupId": group_id(group), "reason": "" });
    assert_eq!(late.refused_in_group("requestToJoinGroup", ask).await, ["GROUP_FULL"]);
    ada.make_friends(&late).await;
    let invite = json!({ "groupId": group_id(group), "userIds": [late.id] });
    assert_eq!(ada.refused_in_group("inviteToGroup", invite).await, ["GROUP_FULL"]);
    assert_eq!(app.audit().await, [""; 0]);
}

/// With many clients at once who join, leave, remove, give away and dissolve, all that is counted is there, without a deadlock.
#[tokio::test(flavor = "multi_thread")]
async fn many_hands_leave_a_group_consistent() {
    let app = TestApp::start().await;
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(app.as_user(&format!("user{n}")).await.retrying_overload());
    }
    let sql = app.sql().await;
    let members: Vec<(i64, &str)> = people[1..]
        .iter()
        .enumerate()
        .map(|(n, person)| (person.key(), if n < 3 { "MANAGER" } else { "GENERAL" }))
        .collect();
    let mut groups = Vec::new();
    for n in 0..3 {
        groups.push(group_id(insert_group(&sql, &format!("g{n}"), people[0].key(), &members).await));
    }
    for round in 0..3 {
        let acts = (0..192).map(|n| {
            let (one, other, group) = (&people[n % 8], &people[(n * 5 + round) % 8], &groups[n % 3]);
            async move {
                let user = json!({ "groupId": group, "userId": other.id, "decision": "ACCEPT", "minutes": 1, "isManager": n % 3 == 0 });
                match (n / 8 + round) % 8 {
                    0 => one.in_group("requestToJoinGroup", json!({ "groupId": group, "reason": "" })).await,
                    1 => one.in_group("respondToJoinRequest", user).await,
                    2 => one.in_group("leaveGroup", json!({ "groupId": group })).await,
                    3 => one.in_group("removeGroupMember", user).await,
                    4 => one.in_group("setGroupManager", user).await,
                    5 => one.in_group("muteGroupMember", user).await,
                    6 => one.in_group("transferGroup", json!({ "groupId": group, "toUserId": other.id })).await,
                    _ => {
                        one.say_in(group, "hello").await;
                        Value::Null
                    }
                }
            }
        });
        stream::iter(acts).buffer_unordered(64).collect::<Vec<_>>().await;
        assert_eq!(app.audit().await, [""; 0]);
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(app.query_number(deadlocks).await, 0);
}
