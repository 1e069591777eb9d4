//! A group of the owner's, and what each role may do in a group.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use plaza::ids::{GroupId, SessionId, UserId};
use serde_json::{Value, json};
use tokio_postgres::Client;

use super::SECRET;
use super::friends::add_user;
use crate::harness::groups::insert_group;
use crate::harness::{Person, TestApp, post};

/// A group of the owner's, with the friend in it, by global ids.
pub struct GroupFixture {
    /// The group, with the secret as its announcement.
    pub group: String,
    /// A user whose request to join waits, with the secret as its reason.
    pub asker: String,
    /// A group of another user's, which the owner asks to join with the secret as the reason.
    pub asked: String,
}

async fn add_request(sql: &Client, group: i64, user: i64, reason: &str) -> i64 {
    let statement = "insert into group_join_requests (group_id, user_id, reason, created_at, expires_at)
        values ($1, $2, $3, now(), now() + interval '1 day') returning id";
    sql.query_one(statement, &[&group, &user, &reason]).await.unwrap().get(0)
}

impl GroupFixture {
    /// The owner's.
    pub async fn of(owner: &Person, friend: &Person, number: usize, sql: &Client) -> Self {
        let group = insert_group(sql, SECRET, owner.key(), &[(friend.key(), "GENERAL")]).await;
        sql.execute("update groups set name = 'g' where id = $1", &[&group]).await.unwrap();
        let asker = add_user(sql, &format!("joiner{number}")).await;
        add_request(sql, group, asker, SECRET).await;
        let host = add_user(sql, &format!("host{number}")).await;
        let other = insert_group(sql, "h", host, &[]).await;
        add_request(sql, other, owner.key(), SECRET).await;
        Self { group: GroupId(group).global().0, asker: UserId(asker).global().0, asked: GroupId(other).global().0 }
    }
}

/// A group of another user's, who runs none yet.
pub async fn add_group_of(other: &Person, sql: &Client) -> i64 {
    insert_group(sql, "o", other.key(), &[]).await
}

/// Tells the owner of a request with the secret, and another user, if there is one, of a harmless one to join a group of theirs.
pub async fn trigger_join_request(owner: &Person, group: &str, other: Option<(&Person, i64)>, sql: &Client) {
    let group = GroupId::parse(group).unwrap().0;
    let other = other.map(|(other, group)| (other.key(), group, "a harmless one"));
    for (n, (told, group, reason)) in [(owner.key(), group, SECRET)].into_iter().chain(other).enumerate() {
        let asker = add_user(sql, &format!("late{n}of{group}")).await;
        let id = add_request(sql, group, asker, reason).await;
        let statement = "insert into outbox (kind, audience, audience_id, subject_id) values ('GROUP_JOIN_REQUEST_CREATED', 'USER', $1, $2)";
        sql.execute(statement, &[&told, &id]).await.unwrap();
    }
    sql.batch_execute("notify plaza_outbox").await.unwrap();
}

const ROLES: [&str; 8] = ["stranger", "applicant", "member", "muted", "manager", "owner", "removed", "blocked"];

/// What is tried in a group: its name, the action of the schema that says whether it can be done, and a document.
const ACTS: &[(&str, &str, &str)] = &[
    ("read the announcement", "", "query ($group: ID!) { group(id: $group) { announcement } }"),
    ("read the coordinates", "", "query ($group: ID!) { group(id: $group) { coordinates { longitude } } }"),
    ("list members", "", "query ($group: ID!) { group(id: $group) { members { nodes { id } } } }"),
    ("read the conversation", "", "query ($group: ID!) { group(id: $group) { conversation { id } } }"),
    (
        "sendMessage",
        "SEND",
        "mutation ($group: ID!) { sendMessage(input: { to: { groupId: $group }, content: { text: { text: \"hi\" } } }) { userErrors { code } } }",
    ),
    (
        "requestToJoinGroup",
        "REQUEST_TO_JOIN",
        "mutation ($group: ID!) { requestToJoinGroup(groupId: $group, reason: \"\") { userErrors { code } } }",
    ),
    ("cancelJoinRequest", "", "mutation ($group: ID!) { cancelJoinRequest(groupId: $group) { userErrors { code } } }"),
    (
        "respondToJoinRequest",
        "ANSWER_JOIN_REQUESTS",
        "mutation ($group: ID!, $asker: ID!) { respondToJoinRequest(groupId: $group, userId: $asker, decision: ACCEPT) { userErrors { code } } }",
    ),
    (
        "inviteToGroup",
        "INVITE",
        "mutation ($group: ID!, $friend: ID!) { inviteToGroup(groupId: $group, userIds: [$friend]) { userErrors { code } } }",
    ),
    (
        "updateGroup",
        "EDIT",
        "mutation ($group: ID!) { updateGroup(id: $group, input: { intro: \"new\" }) { userErrors { code } } }",
    ),
    (
        "setGroupNameCard",
        "",
        "mutation ($group: ID!) { setGroupNameCard(groupId: $group, nameCard: \"card\") { userErrors { code } } }",
    ),
    (
        "muteGroupMember",
        "MUTE_MEMBERS",
        "mutation ($group: ID!, $member: ID!) { muteGroupMember(groupId: $group, userId: $member, minutes: 1) { userErrors { code } } }",
    ),
    (
        "muteGroupMember, a manager",
        "",
        "mutation ($group: ID!, $manager: ID!) { muteGroupMember(groupId: $group, userId: $manager, minutes: 1) { userErrors { code } } }",
    ),
    (
        "removeGroupMember",
        "REMOVE_MEMBERS",
        "mutation ($group: ID!, $member: ID!) { removeGroupMember(groupId: $group, userId: $member) { userErrors { code } } }",
    ),
    (
        "removeGroupMember, a manager",
        "",
        "mutation ($group: ID!, $manager: ID!) { removeGroupMember(groupId: $group, userId: $manager) { userErrors { code } } }",
    ),
    (
        "setGroupManager",
        "SET_MANAGERS",
        "mutation ($group: ID!, $member: ID!) { setGroupManager(groupId: $group, userId: $member, isManager: true) { userErrors { code } } }",
    ),
    (
        "transferGroup",
        "TRANSFER",
        "mutation ($group: ID!, $member: ID!) { transferGroup(groupId: $group, toUserId: $member) { userErrors { code } } }",
    ),
    ("leaveGroup", "LEAVE", "mutation ($group: ID!) { leaveGroup(groupId: $group) { userErrors { code } } }"),
    ("dissolveGroup", "DISSOLVE", "mutation ($group: ID!) { dissolveGroup(groupId: $group) { userErrors { code } } }"),
];

/// What each role may do in a group, as a table. `availableActions` says the same.
pub async fn table_of_roles(app: &TestApp, sql: &Client) -> String {
    let mut table = format!("| in a group | {} |\n|{}\n", ROLES.join(" | "), "---|".repeat(ROLES.len() + 1));
    let mut succeeded = [const { BTreeSet::new() }; ROLES.len()];
    for (n, (name, action, document)) in ACTS.iter().enumerate() {
        write!(table, "| {name} |").unwrap();
        for (place, role) in ROLES.into_iter().enumerate() {
            let outcome = outcome(&run(app, sql, document, n * ROLES.len() + place, role).await);
            write!(table, " {outcome} |").unwrap();
            if outcome == "yes" && !action.is_empty() {
                succeeded[place].insert((*action).to_owned());
            }
        }
        table.push('\n');
    }
    let shown = "query ($group: ID!) { group(id: $group) { availableActions } }";
    for (place, role) in ROLES.into_iter().enumerate() {
        let value = run(app, sql, shown, ACTS.len() * ROLES.len() + place, role).await;
        let actions = value["availableActions"].as_array().unwrap().iter();
        let actions: BTreeSet<String> = actions.map(|action| action.as_str().unwrap().to_owned()).collect();
        assert_eq!(actions, succeeded[place], "{role}");
    }
    table
}

/// What came of it, as a word of the table.
fn outcome(value: &Value) -> String {
    if let Some(errors) = value.get("userErrors") {
        return errors[0]["code"].as_str().unwrap_or("yes").to_owned();
    }
    let read = value.as_object().unwrap().values().next().unwrap();
    let is_hidden = read.is_null() || read["nodes"] == Value::Array(Vec::new());
    if is_hidden { "no" } else { "yes" }.to_owned()
}

/// Runs a document as a user who is something to a group made for it; what its field gives.
async fn run(app: &TestApp, sql: &Client, document: &str, number: usize, role: &str) -> Value {
    let user = async |name: &str| add_user(sql, &format!("{name}{number}x")).await;
    let (actor, manager, member) = (user("actor").await, user("manager").await, user("member").await);
    let (owner, asker, friend) = (user("holder").await, user("asking").await, user("pal").await);
    let (owner, role_of_actor) = match role {
        "owner" => (actor, None),
        "manager" => (owner, Some("MANAGER")),
        "member" | "muted" | "removed" => (owner, Some("GENERAL")),
        _ => (owner, None),
    };
    let others: Vec<(i64, &str)> = [(manager, "MANAGER"), (member, "GENERAL")]
        .into_iter()
        .chain(role_of_actor.map(|role| (actor, role)))
        .collect();
    let group = insert_group(sql, "g", owner, &others).await;
    let position = "insert into group_positions (group_id, cell, place) values ($1, 2693800000, cube(array[1, 2, 3]))";
    sql.execute(position, &[&group]).await.unwrap();
    add_request(sql, group, asker, "").await;
    let pair = "insert into relations (low_user_id, high_user_id, friends_since) values (least($1::bigint, $2::bigint), greatest($1, $2), now())";
    sql.execute(pair, &[&actor, &friend]).await.unwrap();
    match role {
        "applicant" => drop(add_request(sql, group, actor, "").await),
        "muted" => {
            let mute = "update members set muted_until = now() + interval '1 hour' where conversation_id = $1 and user_id = $2";
            sql.execute(mute, &[&group, &actor]).await.unwrap();
        }
        "removed" => {
            sql.execute("delete from group_members where group_id = $1 and user_id = $2", &[&group, &actor])
                .await
                .unwrap();
            let close =
                "update members set until_seq = 0, until_version = 0 where conversation_id = $1 and user_id = $2";
            sql.execute(close, &[&group, &actor]).await.unwrap();
            sql.execute("update groups set member_count = member_count - 1 where id = $1", &[&group]).await.unwrap();
        }
        "blocked" => {
            let block = "insert into blocks (blocker_id, blocked_id, created_at) values ($1, $2, now())";
            sql.execute(block, &[&owner, &actor]).await.unwrap();
        }
        _ => {}
    }
    let session = "insert into sessions (user_id, platform, expires_at) values ($1, 'WEB', now() + interval '1 day') returning id";
    let session = SessionId(sql.query_one(session, &[&actor]).await.unwrap().get(0));
    let (token, _) = app.app.tokens.issue(UserId(actor), session, app.app.clock.now()).unwrap();
    let id = |user: i64| UserId(user).global();
    let variables = json!({ "group": GroupId(group).global(), "member": id(member), "manager": id(manager), "asker": id(asker), "friend": id(friend) });
    let answer = post(app.address, Some(&token), document, variables).await;
    let data = answer.data();
    let value = data.as_object().unwrap().values().next().unwrap();
    value.clone()
}
