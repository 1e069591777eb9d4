//! What former members see of a group, and what general ones do where members are hidden.

use serde_json::{Value, json};

use crate::harness::{Person, Socket, TestApp, until};

/// What a person hears behind a cursor, of these kinds, once `last` has come.
async fn heard(person: &Person, cursor: &str, payload: &str, last: &str) -> Vec<Value> {
    let since = format!(
        "query ($after: String!) {{ viewer {{ eventsSince(after: $after) {{ nodes {{ payload {{ __typename {payload} }} }} }} }} }}"
    );
    let nodes = async || {
        let data = person.data(&since, json!({ "after": cursor })).await;
        let nodes = data["viewer"]["eventsSince"]["nodes"].as_array().unwrap().clone();
        nodes.into_iter().map(|node| node["payload"].clone()).collect::<Vec<_>>()
    };
    until(last, || async { nodes().await.iter().any(|payload| payload["__typename"] == last) }).await;
    nodes().await
}

async fn all_is_moved(app: &TestApp) {
    until("all is moved", || async { app.query_number("select count(*) from outbox").await == 0 }).await;
}

const MEMBERS: &str =
    "... on MembershipChanged { actor { username } added { username } removed { username } addedCount removedCount }";

/// Those who run a group are told who comes and who goes; general members are not, also when it is dissolved.
/// The next event of a group, without the messages that tell the same.
async fn told_of_members(socket: &mut Socket) -> Value {
    loop {
        let payload = socket.next().await["events"]["payload"].clone();
        if payload["__typename"] != "MessageCreated" {
            return payload;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_members_are_named_to_those_who_run_the_group() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di, ed] = app.people(["ada", "bo", "cy", "di", "ed"]).await;
    for friend in [&bo, &cy, &di, &ed] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("g", &[&bo, &cy, &di], json!({ "disableViewMember": true })).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": bo.id, "isManager": true })).await;
    all_is_moved(&app).await;
    let cursor = cy.event_cursor().await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [ed.id] })).await;
    di.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    ada.in_group_ok("dissolveGroup", json!({ "groupId": group })).await;
    all_is_moved(&app).await;
    let change = |actor: Value, added: Value, removed: Value, counts: [i32; 2]| {
        json!({ "__typename": "MembershipChanged", "actor": actor, "added": added, "removed": removed,
            "addedCount": counts[0], "removedCount": counts[1] })
    };
    let named = |name: &str| json!({ "username": name });
    let changes = async |person: &Person| {
        let mut heard = heard(person, &cursor, MEMBERS, "GroupDissolved").await;
        heard.retain(|payload| payload["__typename"] == "MembershipChanged");
        heard
    };
    let told = changes(&cy).await;
    assert_eq!(told[0], change(named("ada"), json!([]), json!([]), [1, 0]));
    assert_eq!(told[1], change(Value::Null, json!([]), json!([]), [0, 1]));
    let mut last = told[2].clone();
    last["removed"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    let removed = json!([named("ada"), named("cy")]);
    assert_eq!(last, change(named("ada"), json!([]), removed, [0, 4]), "of other members nothing, to the end");
    // A manager is told while they are one.
    let open = ada.make_group("open", &[&bo, &cy], json!({ "disableViewMember": true })).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": open, "userId": bo.id, "isManager": true })).await;
    all_is_moved(&app).await;
    let mut socket = bo.socket().await;
    let events = format!("subscription {{ events {{ payload {{ __typename {MEMBERS} }} }} }}");
    socket.subscribe_live(&app, &events, json!({})).await;
    ada.in_group_ok("inviteToGroup", json!({ "groupId": open, "userIds": [ed.id] })).await;
    assert_eq!(told_of_members(&mut socket).await, change(named("ada"), json!([named("ed")]), json!([]), [1, 0]));
    ada.in_group_ok("setGroupManager", json!({ "groupId": open, "userId": bo.id, "isManager": false })).await;
    assert_eq!(told_of_members(&mut socket).await["__typename"], "GroupMemberChanged");
    ed.in_group_ok("leaveGroup", json!({ "groupId": open })).await;
    assert_eq!(told_of_members(&mut socket).await, change(Value::Null, json!([]), json!([]), [0, 1]));
}

/// The same subscription of several members: each is told what is for them, and not what was resolved for another one.
#[tokio::test(flavor = "multi_thread")]
async fn live_answers_of_hidden_members_are_not_shared() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di] = app.people(["ada", "bo", "cy", "di"]).await;
    for friend in [&bo, &cy, &di] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("g", &[&bo, &cy], json!({ "disableViewMember": true })).await;
    all_is_moved(&app).await;
    let events = format!("subscription {{ events {{ payload {{ __typename {MEMBERS} }} }} }}");
    let mut sockets = Vec::new();
    for person in [&ada, &bo, &ada, &cy, &ada] {
        let mut socket = person.socket().await;
        socket.subscribe_live(&app, &events, json!({})).await;
        sockets.push(socket);
    }
    ada.in_group_ok("inviteToGroup", json!({ "groupId": group, "userIds": [di.id] })).await;
    di.in_group_ok("leaveGroup", json!({ "groupId": group })).await;
    for (place, socket) in sockets.iter_mut().enumerate() {
        let di = if place % 2 == 0 { json!([{ "username": "di" }]) } else { json!([]) };
        assert_eq!(told_of_members(socket).await["added"], di, "{place}");
        assert_eq!(told_of_members(socket).await["removed"], di, "{place}");
    }
}

/// Who was removed sees no marker of others, and no count of theirs.
#[tokio::test(flavor = "multi_thread")]
async fn markers_are_for_those_who_are_in_the_group() {
    let app = TestApp::start().await;
    let [ada, bo, cy] = app.people(["ada", "bo", "cy"]).await;
    for friend in [&bo, &cy] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("g", &[&bo, &cy], json!({})).await;
    ada.say_in(&group, "hello").await;
    let read = "mutation ($to: MessageTarget!) { markConversationRead(to: $to) { userErrors { code } } }";
    for person in [&bo, &cy] {
        person.data(read, json!({ "to": { "groupId": group } })).await;
    }
    let seen = "{ viewer { conversations(first: 30) { nodes { readMarkers { seq user { username } }
        messages(first: 20) { nodes { readByCount delivered } } } } } }";
    let see = async |person: &Person| {
        let data = person.data(seen, json!({})).await;
        data["viewer"]["conversations"]["nodes"][0].clone()
    };
    let markers = |names: &[&str]| -> Value {
        names.iter().map(|name| json!({ "seq": 1, "user": { "username": name } })).collect()
    };
    assert_eq!(
        see(&cy).await,
        json!({ "readMarkers": markers(&["cy", "bo", "ada"]), "messages": { "nodes": [{ "readByCount": 2, "delivered": true }] } })
    );
    ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": cy.id })).await;
    assert_eq!(
        see(&cy).await,
        json!({ "readMarkers": markers(&["cy"]), "messages": { "nodes": [{ "readByCount": 1, "delivered": true }] } }),
        "their own alone"
    );
    assert_eq!(see(&bo).await["messages"]["nodes"][0]["readByCount"], 1);
    let last = json!([{ "seq": 2, "user": { "username": "ada" } }, markers(&["bo"])[0]]);
    assert_eq!(see(&ada).await["readMarkers"], last, "and that cy was removed, ada has read by doing so");
}

/// With an old cursor, former managers are told of no request, and former members not of what a member is now.
#[tokio::test(flavor = "multi_thread")]
async fn who_resumes_sees_what_is_for_them_now() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di, ed] = app.people(["ada", "bo", "cy", "di", "ed"]).await;
    for friend in [&bo, &cy, &di] {
        ada.make_friends(friend).await;
    }
    let group = ada.make_group("g", &[&bo, &cy, &di], json!({})).await;
    for manager in [&bo, &cy] {
        ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": manager.id, "isManager": true })).await;
    }
    all_is_moved(&app).await;
    let cursor = ada.event_cursor().await;
    ed.in_group_ok("requestToJoinGroup", json!({ "groupId": group, "reason": "please" })).await;
    ada.in_group_ok("setGroupNameCard", json!({ "groupId": group, "nameCard": "Boss" })).await;
    ada.in_group_ok("setGroupManager", json!({ "groupId": group, "userId": bo.id, "isManager": false })).await;
    for former in [&cy, &di] {
        ada.in_group_ok("removeGroupMember", json!({ "groupId": group, "userId": former.id })).await;
    }
    ada.in_group_ok("setGroupNameCard", json!({ "groupId": group, "nameCard": "Big boss" })).await;
    ada.in_group_ok(
        "respondToJoinRequest",
        json!({ "groupId": group, "userId": ed.id, "decision": "DENY", "reason": "no" }),
    )
    .await;
    all_is_moved(&app).await;
    let payload = "... on GroupMemberChanged { member { nameCard } change }
        ... on GroupJoinRequestCreated { joinRequest { status denyReason } }
        ... on GroupJoinRequestAnswered { joinRequest { status } }";
    // From memory, and from the database.
    let other = app.another_instance().await;
    for address in [app.address, other.address] {
        let requests = async |person: &Person, last: &str| {
            let heard = heard(&person.on_instance(address), &cursor, payload, last).await;
            heard.iter().filter(|payload| payload["joinRequest"].is_object()).count()
        };
        assert_eq!(requests(&ada, "GroupJoinRequestCreated").await, 1);
        assert_eq!(requests(&ed, "GroupJoinRequestAnswered").await, 1);
        for former in [&bo, &cy, &di] {
            assert_eq!(requests(former, "GroupMemberChanged").await, 0);
        }
        let cards = async |person: &Person| {
            let heard = heard(&person.on_instance(address), &cursor, payload, "GroupMemberChanged").await;
            let cards = heard.iter().filter(|payload| payload["change"] == "NAME_CARD_CHANGED");
            cards.map(|payload| payload["member"].clone()).collect::<Vec<_>>()
        };
        let now = json!({ "nameCard": "Big boss" });
        assert_eq!(cards(&bo).await, [now.clone(), now]);
        assert_eq!(cards(&di).await, [Value::Null]);
    }
}

/// Who waited for an answer is told when the group is dissolved.
#[tokio::test(flavor = "multi_thread")]
async fn applicants_of_a_group_that_is_dissolved_are_told() {
    let app = TestApp::start().await;
    let [ada, bo] = app.people(["ada", "bo"]).await;
    let group = ada.make_group("g", &[], json!({})).await;
    bo.in_group_ok("requestToJoinGroup", json!({ "groupId": group, "reason": "" })).await;
    all_is_moved(&app).await;
    let cursor = bo.event_cursor().await;
    ada.in_group_ok("dissolveGroup", json!({ "groupId": group })).await;
    let payload = "... on GroupJoinRequestAnswered { joinRequest { status group { name } } }";
    assert_eq!(
        heard(&bo, &cursor, payload, "GroupJoinRequestAnswered").await,
        [json!({ "__typename": "GroupJoinRequestAnswered", "joinRequest": { "status": "DENIED", "group": null } })]
    );
}

/// What two users have in common does not tell who is in a group whose members are hidden.
#[tokio::test(flavor = "multi_thread")]
async fn hidden_members_have_no_group_in_common() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di] = app.people(["ada", "bo", "cy", "di"]).await;
    for friend in [&bo, &cy, &di] {
        ada.make_friends(friend).await;
    }
    bo.make_friends(&di).await;
    let hidden = ada.make_group("hidden", &[&bo, &cy, &di], json!({ "disableViewMember": true })).await;
    let shown = ada.make_group("shown", &[&bo, &cy, &di], json!({})).await;
    let common = async |viewer: &Person, other: &Person| {
        let list = "query ($id: ID!) { user(id: $id) { commonGroups { nodes { id } totalCount } } }";
        let data = viewer.data(list, json!({ "id": other.id })).await["user"]["commonGroups"].clone();
        let ids: Vec<Value> = data["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect();
        assert_eq!(data["totalCount"], ids.len());
        ids
    };
    let (both, one) = (vec![shown.clone(), hidden.clone()], vec![shown.clone()]);
    for (viewer, other, found) in [
        (&bo, &cy, &one),
        (&cy, &bo, &one),
        (&bo, &ada, &both),
        (&ada, &bo, &both),
        (&bo, &di, &both),
        (&bo, &bo, &both),
    ] {
        assert_eq!(&common(viewer, other).await, found);
    }
    di.befriend_ok("blockUser", json!({ "userId": bo.id })).await;
    assert_eq!(common(&di, &bo).await, one, "who blocks a friend has none");
    ada.in_group_ok("setGroupManager", json!({ "groupId": hidden, "userId": cy.id, "isManager": true })).await;
    assert_eq!((common(&bo, &cy).await, common(&cy, &bo).await), (both.clone(), both));
}

/// Where members are hidden, read markers are those of friends and of who runs the group; how many have read is told to all.
#[tokio::test(flavor = "multi_thread")]
async fn hidden_members_are_not_named_by_what_they_have_read() {
    let app = TestApp::start().await;
    let [ada, bo, cy, di] = app.people(["ada", "bo", "cy", "di"]).await;
    for other in [&bo, &cy, &di] {
        ada.make_friends(other).await;
    }
    bo.make_friends(&di).await;
    let group = ada.make_group("g", &[&bo, &cy, &di], json!({ "disableViewMember": true })).await;
    assert_eq!(ada.say_in(&group, "hello").await, [""; 0]);
    let read = "mutation ($to: MessageTarget!) { markConversationRead(to: $to, upToSeq: 1) { userErrors { code } } }";
    for person in [&ada, &bo, &cy, &di] {
        person.data(read, json!({ "to": { "groupId": group } })).await;
    }
    let markers = "query ($id: ID!) { group(id: $id) { conversation { readMarkers { user { username } } lastMessage { readByCount } } } }";
    let seen = async |person: &Person| {
        let conversation = person.data(markers, json!({ "id": group })).await["group"]["conversation"].clone();
        let nodes = conversation["readMarkers"].as_array().unwrap().clone();
        let mut names: Vec<String> =
            nodes.iter().map(|node| node["user"]["username"].as_str().unwrap().to_owned()).collect();
        names.sort_unstable();
        (names, conversation["lastMessage"]["readByCount"].clone())
    };
    for (person, names) in [(&ada, &["ada", "bo", "cy", "di"][..]), (&bo, &["ada", "bo", "di"]), (&cy, &["ada", "cy"])]
    {
        assert_eq!(seen(person).await, (names.iter().map(|name| (*name).to_owned()).collect(), json!(3)));
    }
    bo.befriend_ok("blockUser", json!({ "userId": di.id })).await;
    assert_eq!(seen(&bo).await.0, ["ada", "bo"], "a friend whom one blocks is none");
}
