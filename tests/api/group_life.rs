//! Groups: made, changed, given away and dissolved.

use serde_json::{Value, json};

use crate::harness::{Person, Socket, TestApp, until};

async fn friends<const N: usize>(app: &TestApp, names: [&str; N]) -> [Person; N] {
    let mut people = Vec::new();
    for name in names {
        people.push(app.as_user(name).await);
    }
    for other in &people[1..] {
        people[0].make_friends(other).await;
    }
    people.try_into().unwrap_or_else(|_| panic!("as many as there are names"))
}

async fn own_groups(person: &Person) -> Vec<String> {
    let data = person.data("{ viewer { groups { nodes { name } totalCount } } }", json!({})).await;
    let nodes = data["viewer"]["groups"]["nodes"].as_array().unwrap().clone();
    assert_eq!(data["viewer"]["groups"]["totalCount"], nodes.len());
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_changed_given_away_and_dissolved() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = friends(&app, ["ada", "bo", "cy"]).await;
    let input = json!({ "name": " Climbers ", "intro": "Thursdays", "memberIds": [bo.id] });
    let made = ada.in_group_ok("createGroup", json!({ "input": input })).await["group"].clone();
    let id = made["id"].clone();
    assert_eq!((&made["name"], &made["memberCount"], &made["joined"]), (&json!("Climbers"), &json!(2), &json!(true)));
    for person in [&ada, &bo] {
        assert_eq!(own_groups(person).await, ["Climbers"], "in the list of each at once");
    }
    let titles = "{ viewer { conversations { nodes { title kind group { name } unreadCount } } } }";
    let conversations = bo.data(titles, json!({})).await["viewer"]["conversations"]["nodes"].clone();
    assert_eq!(
        conversations[0],
        json!({ "title": "Climbers", "kind": "GROUP", "group": { "name": "Climbers" }, "unreadCount": 0 })
    );
    assert_eq!(ada.members_of(&id, "").await, ["ada OWNER", "bo GENERAL"]);
    assert_eq!(ada.members_of(&id, ", role: OWNER").await, ["ada OWNER"]);
    assert_eq!(cy.members_of(&id, "").await, [""; 0], "strangers see none");

    let change = json!({ "id": id, "input": { "name": "Boulderers", "announcement": "Bring shoes", "settings": { "muteAll": true } } });
    assert_eq!(bo.refused_in_group("updateGroup", change.clone()).await, ["FORBIDDEN"]);
    assert_eq!(cy.refused_in_group("updateGroup", change.clone()).await, ["NOT_MEMBER"]);
    let changed = ada.in_group_ok("updateGroup", change).await["group"].clone();
    assert_eq!((&changed["name"], &changed["intro"]), (&json!("Boulderers"), &json!("Thursdays")));
    assert_eq!(changed["settings"]["muteAll"], true);
    let conversations = bo.data(titles, json!({})).await["viewer"]["conversations"]["nodes"].clone();
    assert_eq!(conversations[0]["title"], "Boulderers");
    let announcement = "query ($id: ID!) { group(id: $id) { announcement } }";
    assert_eq!(bo.data(announcement, json!({ "id": id })).await["group"]["announcement"], "Bring shoes");
    assert_eq!(cy.data(announcement, json!({ "id": id })).await["group"]["announcement"], Value::Null);
    assert_eq!(bo.say_in(&id, "hello").await, ["MEMBER_MUTED"]);
    assert_eq!(ada.say_in(&id, "hello").await, [""; 0], "those who run it send");

    // Its owner leaves last, or gives it away first.
    let leave = json!({ "groupId": id });
    assert_eq!(ada.refused_in_group("leaveGroup", leave.clone()).await, ["OWNER_MUST_TRANSFER"]);
    for (to, code) in [(&cy, "NOT_MEMBER"), (&ada, "SELF_TARGET")] {
        let transfer = json!({ "groupId": id, "toUserId": to.id });
        assert_eq!(ada.refused_in_group("transferGroup", transfer).await, [code]);
    }
    let transfer = json!({ "groupId": id, "toUserId": bo.id });
    assert_eq!(ada.in_group_ok("transferGroup", transfer.clone()).await["group"]["owner"]["username"], "bo");
    assert_eq!(ada.refused_in_group("transferGroup", transfer).await, ["FORBIDDEN"]);
    assert_eq!(ada.say_in(&id, "again").await, ["MEMBER_MUTED"], "a general member now");
    assert_eq!(bo.say_in(&id, "mine").await, [""; 0]);
    assert_eq!(app.audit().await, [""; 0]);
    assert_eq!(ada.in_group_ok("leaveGroup", leave.clone()).await["deletedId"], id);
    assert_eq!(ada.refused_in_group("leaveGroup", leave.clone()).await, ["NOT_MEMBER"]);
    assert_eq!(own_groups(&ada).await, [""; 0]);
    assert_eq!(ada.refused_in_group("dissolveGroup", leave.clone()).await, ["NOT_MEMBER"]);
    bo.in_group_ok("dissolveGroup", leave.clone()).await;

    // It is no more, but what was said is there for those who heard it.
    let gone = "query ($id: ID!) { group(id: $id) { name } node(id: $id) { id } groups { nodes { name } } }";
    let data = bo.data(gone, json!({ "id": id })).await;
    assert_eq!(data, json!({ "group": null, "node": null, "groups": { "nodes": [] } }));
    assert_eq!(bo.refused_in_group("dissolveGroup", leave).await, ["NOT_FOUND"]);
    let conversations = bo.data(titles, json!({})).await["viewer"]["conversations"]["nodes"].clone();
    assert_eq!((&conversations[0]["title"], &conversations[0]["group"]), (&json!("Boulderers"), &Value::Null));
    assert_eq!(bo.say_in(&id, "too late").await, ["NOT_MEMBER"]);
    assert_eq!(app.audit().await, [""; 0]);

    // An owner who is alone dissolves it by leaving.
    let alone = ada.make_group("Alone", &[], json!({})).await;
    ada.in_group_ok("leaveGroup", json!({ "groupId": alone })).await;
    assert_eq!(ada.data(gone, json!({ "id": alone })).await["group"], Value::Null);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_that_can_t_be_are_refused_and_change_nothing() {
    let app = TestApp::start().await;
    let [ada, bo] = friends(&app, ["ada", "bo"]).await;
    let cy = app.as_user("cy").await;
    let group = ada.make_group("g", &[&bo], json!({})).await;
    let before = app.query_number("select sum(version)::bigint from conversations").await;
    let name = |name: &str| json!({ "input": { "name": name } });
    let long = |most: usize| "字".repeat(most + 1);
    for (field, variables, code) in [
        ("createGroup", name(" "), "REQUIRED"),
        ("createGroup", name(&long(50)), "TOO_LONG"),
        ("createGroup", name("a\nb"), "INVALID_INPUT"),
        ("createGroup", json!({ "input": { "name": "n", "intro": long(500) } }), "TOO_LONG"),
        ("createGroup", json!({ "input": { "name": "n", "avatarId": bo.id } }), "NOT_FOUND"),
        ("createGroup", json!({ "input": { "name": "n", "memberIds": [cy.id] } }), "NOT_FRIENDS"),
        ("createGroup", json!({ "input": { "name": "n", "memberIds": [ada.id] } }), "SELF_TARGET"),
        ("createGroup", json!({ "input": { "name": "n", "memberIds": [bo.id, bo.id] } }), "INVALID_INPUT"),
        ("createGroup", json!({ "input": { "name": "n", "memberIds": vec![bo.id.clone(); 500] } }), "OUT_OF_RANGE"),
        ("updateGroup", json!({ "id": group, "input": { "name": null } }), "REQUIRED"),
        ("updateGroup", json!({ "id": group, "input": { "announcement": long(2000) } }), "TOO_LONG"),
        ("updateGroup", json!({ "id": bo.id, "input": {} }), "NOT_FOUND"),
        ("inviteToGroup", json!({ "groupId": group, "userIds": vec![bo.id.clone(); 101] }), "OUT_OF_RANGE"),
        ("inviteToGroup", json!({ "groupId": group, "userIds": [cy.id, cy.id] }), "INVALID_INPUT"),
        ("muteGroupMember", json!({ "groupId": group, "userId": bo.id, "minutes": -1 }), "OUT_OF_RANGE"),
        ("muteGroupMember", json!({ "groupId": group, "userId": bo.id, "minutes": 43_201 }), "OUT_OF_RANGE"),
        ("muteGroupMember", json!({ "groupId": group, "userId": ada.id, "minutes": 1 }), "SELF_TARGET"),
        ("removeGroupMember", json!({ "groupId": group, "userId": cy.id }), "NOT_MEMBER"),
        ("setGroupManager", json!({ "groupId": group, "userId": ada.id, "isManager": true }), "SELF_TARGET"),
        ("setGroupNameCard", json!({ "groupId": group, "nameCard": long(30) }), "TOO_LONG"),
        ("setGroupNameCard", json!({ "groupId": group, "nameCard": "a\u{0}" }), "INVALID_INPUT"),
        ("respondToJoinRequest", json!({ "groupId": group, "userId": cy.id, "decision": "ACCEPT" }), "NOT_FOUND"),
        ("cancelJoinRequest", json!({ "groupId": group }), "NOT_FOUND"),
        ("requestToJoinGroup", json!({ "groupId": group, "reason": "" }), "ALREADY_EXISTS"),
    ] {
        assert_eq!(ada.refused_in_group(field, variables.clone()).await, [code], "{field} {variables}");
    }
    let members = "query ($id: ID!, $query: String!) { group(id: $id) { members(query: $query) { nodes { id } } } }";
    for query in ["a\u{0}".to_owned(), long(100)] {
        let answer = ada.run(members, json!({ "id": group, "query": query })).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{query}");
    }
    assert_eq!(app.query_number("select count(*) from groups").await, 1);
    assert_eq!(app.query_number("select sum(version)::bigint from conversations").await, before);
    assert_eq!(app.audit().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_found_by_words_and_in_common() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = friends(&app, ["ada", "bo", "cy"]).await;
    ada.make_group("羽毛球周末约球", &[&bo], json!({})).await;
    let second = ada.make_group("Board games", &[&bo, &cy], json!({})).await;
    let list = "query ($query: String) { groups(filter: { query: $query }) { nodes { name } totalCount } }";
    for (query, found) in [
        (json!(null), json!(["Board games", "羽毛球周末约球"])),
        (json!("羽毛球"), json!(["羽毛球周末约球"])),
        (json!("game"), json!(["Board games"])),
        (json!("足球"), json!([])),
    ] {
        let data = cy.data(list, json!({ "query": query })).await["groups"].clone();
        let names: Vec<&Value> = data["nodes"].as_array().unwrap().iter().map(|node| &node["name"]).collect();
        assert_eq!(
            (json!(names), &data["totalCount"]),
            (found.clone(), &json!(found.as_array().unwrap().len())),
            "{query}"
        );
    }
    let search = "{ search(query: \"羽毛球\", kinds: [GROUP]) { nodes { ... on Group { name } } } }";
    assert_eq!(app.run(search, json!({})).await.data()["search"]["nodes"], json!([{ "name": "羽毛球周末约球" }]));
    ada.in_group_ok("updateGroup", json!({ "id": second, "input": { "name": "Tennis" } })).await;
    let data = cy.data(list, json!({ "query": "game" })).await;
    assert_eq!(data["groups"]["totalCount"], 0, "what it was called before is not found");

    let common = "query ($id: ID!) { user(id: $id) { commonGroups { nodes { name } totalCount } } }";
    for (viewer, other, names) in [(&ada, &bo, 2), (&cy, &bo, 1), (&bo, &cy, 1), (&bo, &ada, 2)] {
        let data = viewer.data(common, json!({ "id": other.id })).await["user"]["commonGroups"].clone();
        assert_eq!((data["nodes"].as_array().unwrap().len(), &data["totalCount"]), (names, &json!(names)));
    }
    cy.in_group_ok("leaveGroup", json!({ "groupId": second })).await;
    assert_eq!(cy.data(common, json!({ "id": bo.id })).await["user"]["commonGroups"]["totalCount"], 0);
}

const EVENTS: &str = "subscription { events { payload { __typename
    ... on GroupUpdated { group { name } }
    ... on GroupMemberChanged { group { name } member { user { username } role nameCard isMuted } change }
    ... on GroupDissolved { groupId }
    ... on MembershipChanged { added { username } removed { username } removedCount }
    ... on GroupJoinRequestCreated { joinRequest { status user { username } } }
    ... on GroupJoinRequestAnswered { joinRequest { status } } } } }";

async fn heard(socket: &mut Socket) -> Value {
    loop {
        let payload = socket.next().await["events"]["payload"].clone();
        // Without friendships, which the tests make first, and messages that tell the same of members.
        if !["FriendshipChanged", "MessageCreated"].contains(&payload["__typename"].as_str().unwrap()) {
            return payload;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_told_of_everything_as_it_happens() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = friends(&app, ["ada", "bo", "cy"]).await;
    let group = ada.make_group("g", &[&bo], json!({})).await;
    let moved = "select count(*) from outbox";
    until("all is moved", || async { app.query_number(moved).await == 0 }).await;
    let (mut of_bo, mut of_cy) = (bo.socket().await, cy.socket().await);
    of_bo.subscribe_live(&app, EVENTS, json!({})).await;
    of_cy.subscribe_live(&app, EVENTS, json!({})).await;

    ada.in_group_ok("updateGroup", json!({ "id": group, "input": { "name": "h" } })).await;
    assert_eq!(heard(&mut of_bo).await, json!({ "__typename": "GroupUpdated", "group": { "name": "h" } }));
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": bo.id, "isManager": true })).await;
    let member = |change: &str, role: &str, card: &str| {
        json!({ "__typename": "GroupMemberChanged", "group": { "name": "h" }, "change": change,
            "member": { "user": { "username": "bo" }, "role": role, "nameCard": card, "isMuted": change == "MUTED" } })
    };
    assert_eq!(heard(&mut of_bo).await, member("ROLE_CHANGED", "MANAGER", ""));
    bo.in_group_ok("setGroupNameCard", json!({ "groupId": group, "nameCard": "Bob" })).await;
    assert_eq!(heard(&mut of_bo).await, member("NAME_CARD_CHANGED", "MANAGER", "Bob"));
    ada.in_group_ok("muteGroupMember", json!({ "groupId": group, "userId": bo.id, "minutes": 5 })).await;
    assert_eq!(heard(&mut of_bo).await, member("MUTED", "MANAGER", "Bob"));
    ada.in_group_ok("muteGroupMember", json!({ "groupId": group, "userId": bo.id, "minutes": 0 })).await;
    assert_eq!(heard(&mut of_bo).await, member("UNMUTED", "MANAGER", "Bob"));

    // Who runs it hears of requests, their sender of the answer.
    let mut received = bo.socket().await;
    received
        .subscribe_live(&app, "subscription { groupJoinRequestReceived { reason user { username } } }", json!({}))
        .await;
    cy.in_group_ok("requestToJoinGroup", json!({ "groupId": group, "reason": "please" })).await;
    assert_eq!(
        received.next().await["groupJoinRequestReceived"],
        json!({ "reason": "please", "user": { "username": "cy" } })
    );
    assert_eq!(
        heard(&mut of_bo).await,
        json!({ "__typename": "GroupJoinRequestCreated", "joinRequest": { "status": "WAITING", "user": { "username": "cy" } } })
    );
    bo.in_group_ok("respondToJoinRequest", json!({ "groupId": group, "userId": cy.id, "decision": "ACCEPT" })).await;
    let came =
        json!({ "__typename": "MembershipChanged", "added": [{ "username": "cy" }], "removed": [], "removedCount": 0 });
    assert_eq!(heard(&mut of_bo).await, came);
    let mut of_asker = vec![heard(&mut of_cy).await, heard(&mut of_cy).await];
    of_asker.sort_by_key(|payload| payload["__typename"].to_string());
    let accepted = json!({ "__typename": "GroupJoinRequestAnswered", "joinRequest": { "status": "ACCEPTED" } });
    assert_eq!(of_asker, [accepted, came]);

    bo.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": cy.id })).await;
    let went =
        json!({ "__typename": "MembershipChanged", "added": [], "removed": [{ "username": "cy" }], "removedCount": 1 });
    assert_eq!((heard(&mut of_bo).await, heard(&mut of_cy).await), (went.clone(), went));
    ada.in_group_ok("dissolveGroup", json!({ "groupId": group })).await;
    assert_eq!(heard(&mut of_bo).await, json!({ "__typename": "GroupDissolved", "groupId": group }));
    assert_eq!(heard(&mut of_bo).await["removedCount"], 2);
    // The removed heard nothing more: the next thing that they hear is their own.
    ada.befriend_ok("removeFriend", json!({ "userId": cy.id })).await;
    assert_eq!(heard(&mut of_cy).await["__typename"], "FriendRemoved");
}

/// Groups of an account that is deleted go on without it.
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_takes_no_group_along() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = friends(&app, ["ada", "bo", "cy"]).await;
    bo.make_friends(&cy).await;
    let managed = ada.make_group("managed", &[&bo, &cy], json!({})).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": managed, "userId": cy.id, "isManager": true })).await;
    let plain = ada.make_group("plain", &[&bo, &cy], json!({})).await;
    let alone = ada.make_group("alone", &[], json!({})).await;
    let other = bo.make_group("other", &[&ada], json!({})).await;
    let asked = cy.make_group("asked", &[], json!({})).await;
    ada.in_group_ok("requestToJoinGroup", json!({ "groupId": asked, "reason": "" })).await;
    let leave = "mutation ($id: ID!) { deleteUser(id: $id) { deletedId userErrors { code } } }";
    assert_eq!(ada.data(leave, json!({ "id": ada.id })).await["deleteUser"]["deletedId"], ada.id);
    for (group, members) in
        [(&managed, vec!["bo GENERAL", "cy OWNER"]), (&plain, vec!["bo OWNER", "cy GENERAL"]), (&asked, vec![])]
    {
        assert_eq!(bo.members_of(group, "").await, members);
    }
    assert_eq!(bo.members_of(&other, "").await, ["bo OWNER"]);
    let found = "query ($id: ID!) { group(id: $id) { name } }";
    assert_eq!(bo.data(found, json!({ "id": alone })).await["group"], Value::Null);
    let requests = cy.data("{ viewer { groupJoinRequests { totalCount } } }", json!({})).await;
    assert_eq!(requests["viewer"]["groupJoinRequests"]["totalCount"], 0);
    assert_eq!(app.audit().await, [""; 0]);
}

/// Lists of groups, and what the viewer is to them, cost as many statements however many there are.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_groups_cost_the_same_however_long() {
    let app = TestApp::start().await;
    let [ada, bo] = friends(&app, ["ada", "bo"]).await;
    let list = "{ viewer { groups(first: 100) { nodes { name joined availableActions announcement owner { nickname }
        viewerMembership { role isMuted } conversation { title unreadCount group { name } } } } } }";
    let mut costs = Vec::new();
    for more in [1, 9, 40] {
        for n in 0..more {
            let group = ada.make_group(&format!("g{more}-{n}"), &[&bo], json!({})).await;
            ada.in_group_ok("updateGroup", json!({ "id": group, "input": { "announcement": "a" } })).await;
        }
        let (data, cost) = app.count_statements_warm(bo.data(list, json!({}))).await;
        assert!(data["viewer"]["groups"]["nodes"].as_array().unwrap().len() >= more);
        costs.push(cost);
    }
    assert_eq!(costs[0], costs[2], "{costs:?}");
    assert!(costs[0] <= 9, "{costs:?}");
}
