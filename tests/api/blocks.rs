//! Blocks, what both people hear of each other, and what goes with an account.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::accounts::codes;
use crate::harness::{SEND, Socket, TestApp, direct_message, until};

/// Who is blocked gets nothing through, and learns no more than from a person who does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_person_gets_nothing_through() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    ada.make_friends(&bo).await;
    ada.befriend_ok("setFriendRemark", json!({ "userId": bo.id, "remark": "Bobby" })).await;
    ada.befriend_ok("createFriendGroup", json!({ "name": "g", "memberIds": [bo.id] })).await;
    let said = bo.send_message(&ada, "before").await;
    for _ in 0..2 {
        let blocked = ada.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
        assert_eq!(blocked["user"]["username"], "bo");
    }

    // Hidden from Ada, and from no other user.
    assert_eq!(ada.friends(json!(null)).await, [""; 0]);
    assert_eq!(bo.friends(json!(null)).await, ["ada"]);
    assert_eq!(ada.relationship(&bo).await, ["hasBlocked"]);
    assert_eq!(bo.relationship(&ada).await, ["isBlockedBy", "isFriend"]);
    let blocked = "{ viewer { blockedUsers { nodes { username } totalCount } } }";
    assert_eq!(
        ada.data(blocked, json!({})).await["viewer"]["blockedUsers"],
        json!({ "nodes": [{ "username": "bo" }], "totalCount": 1 })
    );
    assert_eq!(bo.data(blocked, json!({})).await["viewer"]["blockedUsers"]["totalCount"], 0);
    for (field, variables) in [
        ("setFriendRemark", json!({ "userId": bo.id, "remark": "x" })),
        ("setFriendLabels", json!({ "userId": bo.id, "labels": [] })),
        ("createFriendGroup", json!({ "name": "h", "memberIds": [bo.id] })),
    ] {
        assert_eq!(ada.refused(field, variables).await, ["NOT_FRIENDS"], "{field}");
    }

    // Messages, by person and by conversation, new ones and edits, from either side.
    let conversation = said["conversation"]["id"].clone();
    for (from, to, code) in [(&bo, &ada, "FORBIDDEN"), (&ada, &bo, "BLOCKED")] {
        let by_person = json!({ "input": direct_message(to, "hi") });
        let by_conversation =
            json!({ "input": { "to": { "conversationId": conversation }, "content": { "text": { "text": "hi" } } } });
        for input in [by_person, by_conversation] {
            assert_eq!(codes(&from.data(SEND, input).await["sendMessage"]), [code]);
        }
    }
    let edit = "mutation ($id: ID!) { editMessage(id: $id, text: \"after\") { message { id } userErrors { code } } }";
    assert_eq!(codes(&bo.data(edit, json!({ "id": said["id"] })).await["editMessage"]), ["FORBIDDEN"]);
    ada.befriend_ok("blockUser", json!({ "userId": cy.id })).await;
    for (from, to, code) in [(&cy, &ada, "FORBIDDEN"), (&ada, &cy, "BLOCKED")] {
        assert_eq!(
            codes(&from.data(SEND, json!({ "input": direct_message(to, "first") })).await["sendMessage"]),
            [code]
        );
    }
    assert_eq!(app.query_number("select count(*) from conversations").await, 1);

    // A request waits, as one that is not answered does; Ada never sees it.
    let mut socket = ada.socket().await;
    socket.subscribe_live(&app, "subscription { friendRequestReceived { from { username } } }", json!({})).await;
    let sent = cy.ask(&ada).await;
    assert_eq!(sent["friendRequest"]["status"], "WAITING");
    assert_eq!(codes(&cy.ask(&ada).await), ["REQUEST_PENDING"]);
    assert_eq!(cy.relationship(&ada).await, ["isBlockedBy", "outgoingRequest"]);
    assert_eq!(ada.relationship(&cy).await, ["hasBlocked"]);
    assert_eq!(ada.requests("INCOMING", json!(null)).await, ["bo ACCEPTED"; 0]);
    let id = json!({ "id": sent["friendRequest"]["id"] });
    assert_eq!(ada.data("query ($id: ID!) { node(id: $id) { id } }", id.clone()).await["node"], json!(null));
    assert_eq!(codes(&ada.answer(&cy, "ACCEPT").await), ["NOT_FOUND"]);
    assert_eq!(codes(&ada.ask(&cy).await), ["BLOCKED"]);
    assert_eq!(cy.befriend_ok("cancelFriendRequest", id).await["friendRequest"]["status"], "CANCELLED");
    let dee = app.as_user("dee").await;
    dee.ask(&ada).await;
    assert_eq!(socket.next().await["friendRequestReceived"]["from"]["username"], "dee", "the first that is heard of");

    // Trades and tasks.
    let item = ada.create_item(json!({})).await;
    assert_eq!(codes(&bo.trade_item(&item, None).await), ["ITEM_NOT_AVAILABLE"]);
    let task = ada.create_task("0").await;
    assert_eq!(codes(&bo.mutate("acceptTask", json!({ "id": task["id"] })).await), ["FORBIDDEN"]);
    let (item, task) = (bo.create_item(json!({})).await, bo.create_task("0").await);
    assert_eq!(codes(&ada.trade_item(&item, None).await), ["BLOCKED"]);
    assert_eq!(codes(&ada.mutate("acceptTask", json!({ "id": task["id"] })).await), ["BLOCKED"]);

    // Unblocking brings all of it back.
    for _ in 0..2 {
        ada.befriend_ok("unblockUser", json!({ "userId": bo.id })).await;
    }
    let friend = "query ($id: ID!) { viewer { friend(userId: $id) { remark groups { name } conversation { id } } } }";
    let friend = ada.data(friend, json!({ "id": bo.id })).await["viewer"]["friend"].clone();
    assert_eq!(
        friend,
        json!({ "remark": "Bobby", "groups": [{ "name": "g" }], "conversation": { "id": conversation } })
    );
    bo.send_message(&ada, "after").await;
    assert_eq!(app.audit().await, [""; 0]);
}

/// A block that comes while many send: what was sent before it is there, and nothing after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_block_stops_what_is_on_its_way() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await.retrying_overload(), app.as_user("bo").await.retrying_overload());
    let conversation = bo.send_message(&ada, "0").await["conversation"]["id"].clone();
    ada.send_message(&bo, "answered").await;
    let text =
        json!({ "input": { "to": { "conversationId": conversation }, "content": { "text": { "text": "hi" } } } });
    let sends = join_all((0..64).map(|_| bo.data(SEND, text.clone())));
    let block = async {
        until("some are sent", || async { app.query_number("select count(*) from messages").await > 5 }).await;
        ada.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
        app.query_number("select count(*) from messages").await
    };
    let (sent, before) = tokio::join!(sends, block);
    let taken = sent.iter().filter(|data| data["sendMessage"]["message"].is_object()).count();
    assert_eq!(app.query_number("select count(*) from messages").await, before, "none after it");
    assert_eq!(i64::try_from(taken).unwrap() + 2, before);
    let refused = sent.iter().filter(|data| data["sendMessage"]["message"].is_null());
    assert!(
        refused.clone().all(|data| codes(&data["sendMessage"]) == ["FORBIDDEN"]),
        "{:?}",
        refused.collect::<Vec<_>>()
    );
}

/// All that happens, as the two people hear of it.
#[tokio::test(flavor = "multi_thread")]
async fn both_people_hear_what_concerns_them() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    let cursors = [ada.event_cursor().await, bo.event_cursor().await, cy.event_cursor().await];
    let events = "subscription { events { payload { __typename
        ... on FriendRequestCreated { friendRequest { status from { username } } }
        ... on FriendRequestAnswered { friendRequest { status denyReason } }
        ... on FriendRemoved { user { username } }
        ... on FriendshipChanged { user { username } friendship { remark labels groups { name } } } } } }";
    let mut sockets = (ada.socket().await, bo.socket().await);
    sockets.0.subscribe_live(&app, events, json!({})).await;
    sockets.1.subscribe_live(&app, events, json!({})).await;
    let mut answered = ada.socket().await;
    answered.subscribe_live(&app, "subscription { friendRequestAnswered { status to { username } } }", json!({})).await;

    ada.ask(&bo).await;
    let created = json!({ "__typename": "FriendRequestCreated", "friendRequest": { "status": "WAITING", "from": { "username": "ada" } } });
    assert_eq!(heard(&mut sockets.1).await, created);
    bo.befriend_ok("respondToFriendRequest", json!({ "fromUserId": ada.id, "decision": "DENY", "reason": "no" })).await;
    let denied =
        json!({ "__typename": "FriendRequestAnswered", "friendRequest": { "status": "DENIED", "denyReason": "no" } });
    assert_eq!(heard(&mut sockets.0).await, denied);
    let answer = json!({ "friendRequestAnswered": { "status": "DENIED", "to": { "username": "bo" } } });
    assert_eq!(answered.next().await, answer);

    let id = ada.ask(&bo).await["friendRequest"]["id"].clone();
    assert_eq!(heard(&mut sockets.1).await, created);
    ada.befriend_ok("cancelFriendRequest", json!({ "id": id })).await;
    assert_eq!(heard(&mut sockets.1).await["friendRequest"]["status"], "CANCELLED");
    bo.ask(&ada).await;
    assert_eq!(heard(&mut sockets.0).await["friendRequest"]["from"]["username"], "bo");
    ada.answer(&bo, "ACCEPT").await;
    assert_eq!(heard(&mut sockets.1).await["friendRequest"]["status"], "ACCEPTED");
    let changed = |remark: &str, labels: Value, groups: Value| json!({ "__typename": "FriendshipChanged", "user": { "username": "bo" }, "friendship": { "remark": remark, "labels": labels, "groups": groups } });
    assert_eq!(heard(&mut sockets.0).await, changed("", json!([]), json!([])));
    ada.befriend_ok("setFriendRemark", json!({ "userId": bo.id, "remark": "B" })).await;
    assert_eq!(heard(&mut sockets.0).await, changed("B", json!([]), json!([])));
    ada.befriend_ok("setFriendLabels", json!({ "userId": bo.id, "labels": ["l"] })).await;
    assert_eq!(heard(&mut sockets.0).await, changed("B", json!(["l"]), json!([])));
    let group = ada.befriend_ok("createFriendGroup", json!({ "name": "g", "memberIds": [bo.id] })).await["friendGroup"]
        ["id"]
        .clone();
    assert_eq!(heard(&mut sockets.0).await, changed("B", json!(["l"]), json!([{ "name": "g" }])));
    ada.befriend_ok("renameFriendGroup", json!({ "id": group, "name": "h" })).await;
    assert_eq!(
        heard(&mut sockets.0).await,
        json!({ "__typename": "FriendshipChanged", "user": { "username": "ada" }, "friendship": null })
    );
    ada.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
    assert_eq!(
        heard(&mut sockets.0).await,
        json!({ "__typename": "FriendshipChanged", "user": { "username": "bo" }, "friendship": null })
    );
    ada.befriend_ok("unblockUser", json!({ "userId": bo.id })).await;
    assert_eq!(heard(&mut sockets.0).await, changed("B", json!(["l"]), json!([{ "name": "h" }])));
    let rename = "mutation ($name: String!) { updateProfile(input: { nickname: $name }) { userErrors { code } } }";
    for n in 0..12 {
        bo.data(rename, json!({ "name": format!("Bo {n}") })).await;
        if n < 10 {
            assert_eq!(heard(&mut sockets.0).await, changed("B", json!(["l"]), json!([{ "name": "h" }])));
        }
    }
    bo.befriend_ok("removeFriend", json!({ "userId": ada.id })).await;
    assert_eq!(heard(&mut sockets.0).await, json!({ "__typename": "FriendRemoved", "user": { "username": "bo" } }));
    assert_eq!(heard(&mut sockets.1).await, json!({ "__typename": "FriendRemoved", "user": { "username": "ada" } }));

    // The same by pulling; nothing for a third person.
    let since =
        "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload { __typename } } } } }";
    let mut kinds = Vec::new();
    for (person, cursor) in [&ada, &bo, &cy].into_iter().zip(cursors) {
        let data = person.data(since, json!({ "after": cursor })).await;
        let nodes = data["viewer"]["eventsSince"]["nodes"].as_array().unwrap().clone();
        kinds.push(
            nodes.iter().map(|node| node["payload"]["__typename"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        );
    }
    let repeated = ["FriendshipChanged"; 17];
    let of_ada = [&["FriendRequestAnswered", "FriendRequestCreated"][..], &repeated[..], &["FriendRemoved"]].concat();
    let of_bo = [
        "FriendRequestCreated",
        "FriendRequestCreated",
        "FriendRequestAnswered",
        "FriendRequestAnswered",
        "FriendRemoved",
    ];
    assert_eq!(kinds, [of_ada, of_bo.to_vec(), Vec::new()]);
}

/// The payload of the next event.
async fn heard(socket: &mut Socket) -> Value {
    socket.next().await["events"]["payload"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_deleted_takes_its_friendships_along() {
    let app = TestApp::start().await;
    let (ada, bo, cy) = (app.as_user("ada").await, app.as_user("bo").await, app.as_user("cy").await);
    ada.make_friends(&bo).await;
    bo.make_friends(&cy).await;
    ada.befriend_ok("createFriendGroup", json!({ "name": "g", "memberIds": [bo.id] })).await;
    cy.ask(&ada).await;
    cy.befriend_ok("blockUser", json!({ "userId": ada.id })).await;
    let mut socket = bo.socket().await;
    socket
        .subscribe_live(
            &app,
            "subscription { events { payload { ... on FriendRemoved { user { deleted } } } } }",
            json!({}),
        )
        .await;
    let leave = "mutation ($id: ID!) { deleteUser(id: $id) { deletedId userErrors { code } } }";
    assert_eq!(codes(&ada.data(leave, json!({ "id": ada.id })).await["deleteUser"]), [""; 0]);
    assert_eq!(heard(&mut socket).await, json!({ "user": { "deleted": true } }));
    assert_eq!(bo.friends(json!(null)).await, ["cy"]);
    assert_eq!(cy.requests("OUTGOING", json!(null)).await, [""; 0]);
    assert_eq!(cy.relationship(&ada).await, ["hasBlocked"]);
    assert_eq!(codes(&bo.ask(&ada).await), ["NOT_FOUND"]);
    assert_eq!(app.query_number("select count(*) from friend_groups").await, 0);
    assert_eq!(app.audit().await, [""; 0]);
}

/// What was sent during a block is never seen: not in lists, and not by asking after the block.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_from_during_a_block_accepts_nothing() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
    bo.befriend_ok("sendFriendRequest", json!({ "userId": ada.id, "reason": "unwanted" })).await;
    ada.befriend_ok("unblockUser", json!({ "userId": bo.id })).await;
    let asked = ada.befriend_ok("sendFriendRequest", json!({ "userId": bo.id, "reason": "hello" })).await;
    assert_eq!((&asked["friendRequest"]["status"], &asked["friendship"]), (&json!("WAITING"), &Value::Null));
    assert_eq!(asked["friendRequest"]["reason"], "hello");
    assert_eq!(ada.requests("INCOMING", json!(null)).await, [""; 0]);
    // Asking once more accepts what is seen; their own is over by that as well.
    let accepted = bo.befriend_ok("sendFriendRequest", json!({ "userId": ada.id })).await;
    assert_eq!(accepted["friendRequest"]["reason"], "hello");
    assert!(accepted["friendship"].is_object());
    assert_eq!(bo.requests("OUTGOING", json!(null)).await, ["ada ACCEPTED"]);
    assert_eq!(app.audit().await, [""; 0]);

    // Answered alike again once it is over: they are no friends by that.
    bo.befriend_ok("removeFriend", json!({ "userId": ada.id })).await;
    assert_eq!(codes(&bo.answer(&ada, "ACCEPT").await), ["CONFLICT"]);
}

/// How far one has read is not told to the other one while there is a block.
#[tokio::test(flavor = "multi_thread")]
async fn markers_do_not_pass_a_block() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = app.people(["ada", "bo", "cy"]).await;
    bo.send_message(&ada, "one").await;
    ada.send_message(&bo, "two").await;
    cy.send_message(&ada, "hello").await;
    for other in [&bo, &cy] {
        ada.befriend_ok("blockUser", json!({ "userId": other.id })).await;
    }
    until("all is moved", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    // The one who blocks reads what one of them said, and the other one what the one who blocks did.
    let cursors = [ada.event_cursor().await, bo.event_cursor().await];
    let read = "mutation ($id: ID!) { markConversationRead(to: { userId: $id }) { userErrors { code } } }";
    for (person, other) in [(&ada, &cy), (&bo, &ada)] {
        assert_eq!(person.data(read, json!({ "id": other.id })).await["markConversationRead"]["userErrors"], json!([]));
    }
    let since = "query ($after: String!) { viewer { eventsSince(after: $after) { nodes { payload {
        ... on ConversationRead { marker { user { username } } } } } } } }";
    for ((person, name), cursor) in [(&ada, "ada"), (&bo, "bo")].into_iter().zip(cursors) {
        let told = async || {
            let data = person.data(since, json!({ "after": cursor })).await;
            let nodes = data["viewer"]["eventsSince"]["nodes"].as_array().unwrap().clone();
            nodes.iter().map(|node| node["payload"]["marker"]["user"]["username"].clone()).collect::<Vec<_>>()
        };
        until("the own devices are told", || async { !told().await.is_empty() }).await;
        assert_eq!(told().await, [json!(name)]);
    }
    let told_cy =
        "select count(*) from events where kind = 'CONVERSATION_READ' and audience = 'USER' and audience_id = 3";
    assert_eq!(app.query_number(told_cy).await, 0);
    let seen = "query ($id: ID!) { conversationWith(userId: $id) { readMarkers { user { username } }
        messages(last: 2) { nodes { readByCount delivered } } } }";
    let data = bo.data(seen, json!({ "id": ada.id })).await["conversationWith"].clone();
    assert_eq!(data["readMarkers"], json!([{ "user": { "username": "bo" } }]));
    assert_eq!(data["messages"]["nodes"][0], json!({ "readByCount": 0, "delivered": false }));
    ada.befriend_ok("unblockUser", json!({ "userId": bo.id })).await;
    let data = bo.data(seen, json!({ "id": ada.id })).await["conversationWith"].clone();
    assert_eq!(
        (data["readMarkers"].as_array().unwrap().len(), &data["messages"]["nodes"][0]["readByCount"]),
        (2, &json!(1))
    );
    assert_eq!(app.audit().await, [""; 0]);
}

/// Of an account that is deleted: a friend who blocked it hears nothing, and can still unblock it.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_can_be_unblocked() {
    let app = TestApp::start().await;
    let (ada, bo) = (app.as_user("ada").await, app.as_user("bo").await);
    ada.make_friends(&bo).await;
    ada.ask(&app.as_user("cy").await).await;
    ada.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
    until("all is moved", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
    let cursor = ada.event_cursor().await;
    let leave = "mutation ($id: ID!) { deleteUser(id: $id) { deletedId userErrors { code } } }";
    assert_eq!(bo.data(leave, json!({ "id": bo.id })).await["deleteUser"]["deletedId"], bo.id);
    ada.befriend_ok("unblockUser", json!({ "userId": bo.id })).await;
    let list = "query ($after: String!) { viewer { blockedUsers { totalCount } eventsSince(after: $after) { nodes { payload { __typename } } } } }";
    until("the unblocking is told", || async {
        let data = ada.data(list, json!({ "after": cursor })).await;
        data["viewer"]["eventsSince"]["nodes"].as_array().is_some_and(|nodes| !nodes.is_empty())
    })
    .await;
    let viewer = ada.data(list, json!({ "after": cursor })).await["viewer"].clone();
    assert_eq!(viewer["blockedUsers"]["totalCount"], 0);
    assert_eq!(viewer["eventsSince"]["nodes"], json!([{ "payload": { "__typename": "FriendshipChanged" } }]));
    assert_eq!(app.audit().await, [""; 0]);
}

/// First messages, requests and blocks while an account is deleted: no deadlock.
#[tokio::test(flavor = "multi_thread")]
async fn messages_to_an_account_that_is_deleted_meet_no_deadlock() {
    let app = TestApp::start().await;
    let mut others = Vec::new();
    for n in 0..4 {
        others.push(app.as_user(&format!("other{n}")).await.retrying_overload());
    }
    let leave = "mutation ($id: ID!) { deleteUser(id: $id) { deletedId userErrors { code } } }";
    for round in 0..12 {
        let ada = app.as_user(&format!("ada{round}")).await.retrying_overload();
        for other in &others {
            other.befriend_ok("blockUser", json!({ "userId": ada.id })).await;
            other.befriend_ok("unblockUser", json!({ "userId": ada.id })).await;
        }
        let acts = others.iter().map(|other| async {
            tokio::join!(other.data(SEND, json!({ "input": direct_message(&ada, "hi") })), other.ask(&ada));
        });
        tokio::join!(ada.data(leave, json!({ "id": ada.id })), join_all(acts));
    }
    let deadlocks = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(app.query_number(deadlocks).await, 0);
    assert_eq!(app.audit().await, [""; 0]);
}
