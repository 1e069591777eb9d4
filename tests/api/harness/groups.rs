//! Groups in tests.

use serde_json::{Value, json};
use tokio_postgres::Client;

use super::Person;
use super::accounts::codes;
use plaza::ids::GroupId;

const GROUP: &str = "{ id name intro announcement memberCount joined availableActions owner { username }
    settings { disableAddMember disableViewMember disableJoinRequests enableHistoryForNewMembers muteAll } }";
const MEMBER: &str = "{ id role nameCard isMuted mutedUntil user { username } }";
const REQUEST: &str = "{ id status reason denyReason user { username } group { name } }";

/// A mutation of groups, with what it takes and gives.
fn document(field: &str) -> String {
    let (parameters, selection) = match field {
        "createGroup" => ("$input: CreateGroupInput!", format!("group {GROUP}")),
        "updateGroup" => ("$id: ID!, $input: UpdateGroupInput!", format!("group {GROUP}")),
        "requestToJoinGroup" => ("$groupId: ID!, $reason: String!", format!("joinRequest {REQUEST} member {MEMBER}")),
        "respondToJoinRequest" => (
            "$groupId: ID!, $userId: ID!, $decision: RequestDecision!, $reason: String",
            format!("joinRequest {REQUEST} member {MEMBER}"),
        ),
        "cancelJoinRequest" => ("$groupId: ID!", format!("joinRequest {REQUEST}")),
        "inviteToGroup" => ("$groupId: ID!, $userIds: [ID!]!", format!("group {GROUP} added {MEMBER}")),
        "leaveGroup" | "dissolveGroup" => ("$groupId: ID!", "deletedId".to_owned()),
        "transferGroup" => ("$groupId: ID!, $toUserId: ID!", format!("group {GROUP}")),
        "removeGroupMember" => ("$groupId: ID!, $userId: ID!", "deletedId".to_owned()),
        "setGroupManager" => ("$groupId: ID!, $userId: ID!, $isManager: Boolean!", format!("member {MEMBER}")),
        "muteGroupMember" => ("$groupId: ID!, $userId: ID!, $minutes: Int!", format!("member {MEMBER}")),
        "setGroupNameCard" => ("$groupId: ID!, $nameCard: String!", format!("member {MEMBER}")),
        _ => panic!("no mutation of groups: {field}"),
    };
    super::mutation_document(field, parameters, &selection)
}

impl Person {
    /// Runs a mutation of groups and returns its payload.
    pub async fn in_group(&self, field: &str, variables: Value) -> Value {
        self.data(&document(field), variables).await[field].clone()
    }

    /// As [`Person::in_group`], which has to succeed.
    #[track_caller]
    pub fn in_group_ok(&self, field: &'static str, variables: Value) -> impl Future<Output = Value> {
        let (caller, person) = (std::panic::Location::caller(), self.clone());
        async move {
            let payload = person.in_group(field, variables).await;
            assert_eq!(payload["userErrors"], json!([]), "{field} at {caller}: {payload}");
            payload
        }
    }

    /// The codes of a mutation of groups that is refused.
    pub async fn refused_in_group(&self, field: &str, variables: Value) -> Vec<String> {
        codes(&self.in_group(field, variables).await).into_iter().map(Into::into).collect()
    }

    /// Makes a group with friends in it, and with settings; its id.
    pub async fn make_group(&self, name: &str, members: &[&Person], settings: Value) -> Value {
        let members: Vec<&str> = members.iter().map(|member| member.id.as_str()).collect();
        let input = json!({ "name": name, "memberIds": members, "settings": settings });
        self.in_group_ok("createGroup", json!({ "input": input })).await["group"]["id"].clone()
    }

    /// Sends to a group; the codes of what is refused.
    pub async fn say_in(&self, group: &Value, text: &str) -> Vec<String> {
        let input = json!({ "to": { "groupId": group }, "content": { "text": { "text": text } } });
        let sent = self.data(super::SEND, json!({ "input": input })).await["sendMessage"].clone();
        codes(&sent).into_iter().map(Into::into).collect()
    }

    /// The texts that they see of a group's conversation.
    pub async fn heard_in(&self, group: &Value) -> Vec<String> {
        let document = "query ($id: ID!) { group(id: $id) { conversation { messages(first: 100) { nodes {
            content { ... on TextContent { text } } } } } } }";
        let data = self.data(document, json!({ "id": group })).await;
        let nodes = data["group"]["conversation"]["messages"]["nodes"].as_array().cloned().unwrap_or_default();
        // Beside them are messages that tell of members.
        nodes.iter().filter_map(|node| node["content"]["text"].as_str()).map(Into::into).collect()
    }

    /// The members of a group as they see them: "username or -, role".
    pub async fn members_of(&self, group: &Value, arguments: &str) -> Vec<String> {
        let document = format!(
            "query ($id: ID!) {{ group(id: $id) {{ members(first: 100{arguments}) {{ nodes {{ role user {{ username }} }} totalCount }} }} }}"
        );
        let members = self.data(&document, json!({ "id": group })).await["group"]["members"].clone();
        let nodes = members["nodes"].as_array().unwrap();
        assert_eq!(members["totalCount"], nodes.len());
        let name = |node: &Value| node["user"]["username"].as_str().unwrap_or("-").to_owned();
        nodes.iter().map(|node| format!("{} {}", name(node), node["role"].as_str().unwrap())).collect()
    }

    /// What they can do in a group.
    pub async fn actions_in(&self, group: &Value) -> Vec<String> {
        let document = "query ($id: ID!) { group(id: $id) { availableActions } }";
        let data = self.data(document, json!({ "id": group })).await;
        let actions = data["group"]["availableActions"].as_array().unwrap().clone();
        actions.iter().map(|action| action.as_str().unwrap().to_owned()).collect()
    }
}

/// Adds a group with an owner, some other members and their roles, and the same announcement, by SQL; its id.
pub async fn insert_group(sql: &Client, name: &str, owner: i64, others: &[(i64, &str)]) -> i64 {
    let statement = "with c as (insert into conversations (kind, title) values ('GROUP', $1) returning id),
        s as (insert into search_entries (kind, subject_id, version, boost, words) select 'GROUP', id, 0, 1, '' from c)
        insert into groups (id, name, intro, announcement, owner_id, member_count, disable_add_member, disable_view_member,
            disable_join_requests, enable_history_for_new_members, mute_all, created_at, updated_at)
        select id, $1, '', $1, $2, $3, false, false, false, false, false, now(), now() from c returning id";
    let count = i32::try_from(others.len()).unwrap() + 1;
    let group: i64 = sql.query_one(statement, &[&name, &owner, &count]).await.unwrap().get(0);
    for (user, role) in std::iter::once(&(owner, "OWNER")).chain(others) {
        let statement = "with m as (insert into members (conversation_id, user_id, is_staff) values ($1, $2, $3::text <> 'GENERAL'))
            insert into group_members (group_id, user_id, role, joined_at) values ($1, $2, $3::text::group_role, now())";
        sql.execute(statement, &[&group, user, role]).await.unwrap();
    }
    group
}

/// The global id of a group.
pub fn group_id(group: i64) -> Value {
    json!(GroupId(group).global())
}

/// Adds so many users by SQL; their keys.
pub async fn insert_users(sql: &Client, count: i64) -> Vec<i64> {
    let statement = "with u as (insert into users (username, username_key, nickname)
            select 'member' || n, 'member' || n, 'Member ' || n from generate_series(1, $1::bigint) n returning id),
        p as (insert into profiles (user_id) select id from u)
        insert into search_entries (kind, subject_id, version, boost, words) select 'USER', id, 0, 1, '' from u returning subject_id";
    let mut keys: Vec<i64> = sql.query(statement, &[&count]).await.unwrap().iter().map(|row| row.get(0)).collect();
    keys.sort_unstable();
    keys
}
