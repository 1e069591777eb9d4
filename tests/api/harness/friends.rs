//! Friends in tests.

use serde_json::{Value, json};

use super::Person;
use super::accounts::codes;

const REQUEST: &str = "{ id status reason denyReason repliedAt from { username } to { username } }";
const FRIENDSHIP: &str = "{ id remark labels user { username } groups { name } conversation { id } }";

/// A mutation of friends, with what it takes and gives.
fn document(field: &str) -> String {
    let (parameters, selection) = match field {
        "sendFriendRequest" => {
            ("$userId: ID!, $reason: String", format!("friendRequest {REQUEST} friendship {FRIENDSHIP}"))
        }
        "respondToFriendRequest" => (
            "$fromUserId: ID!, $decision: RequestDecision!, $reason: String",
            format!("friendRequest {REQUEST} friendship {FRIENDSHIP}"),
        ),
        "cancelFriendRequest" => ("$id: ID!", format!("friendRequest {REQUEST}")),
        "removeFriend" => ("$userId: ID!", "deletedId".to_owned()),
        "blockUser" | "unblockUser" => ("$userId: ID!", "user { username }".to_owned()),
        "setFriendRemark" => ("$userId: ID!, $remark: String!", format!("friendship {FRIENDSHIP}")),
        "setFriendLabels" => ("$userId: ID!, $labels: [String!]!", format!("friendship {FRIENDSHIP}")),
        "createFriendGroup" => ("$name: String!, $memberIds: [ID!]", "friendGroup { id name }".to_owned()),
        "renameFriendGroup" => ("$id: ID!, $name: String!", "friendGroup { id name }".to_owned()),
        "deleteFriendGroup" => ("$id: ID!", "deletedId".to_owned()),
        "addFriendGroupMembers" | "removeFriendGroupMembers" => {
            ("$id: ID!, $memberIds: [ID!]!", "friendGroup { id name }".to_owned())
        }
        _ => panic!("no mutation of friends: {field}"),
    };
    super::mutation_document(field, parameters, &selection)
}

impl Person {
    /// Runs a mutation of friends and returns its payload.
    pub async fn befriend(&self, field: &str, variables: Value) -> Value {
        self.data(&document(field), variables).await[field].clone()
    }

    /// As [`Person::befriend`], which has to succeed.
    #[track_caller]
    pub fn befriend_ok(&self, field: &'static str, variables: Value) -> impl Future<Output = Value> {
        let (caller, person) = (std::panic::Location::caller(), self.clone());
        async move {
            let payload = person.befriend(field, variables).await;
            assert_eq!(payload["userErrors"], json!([]), "{field} at {caller}: {payload}");
            payload
        }
    }

    /// The codes of a mutation of friends that is refused.
    pub async fn refused(&self, field: &str, variables: Value) -> Vec<String> {
        codes(&self.befriend(field, variables).await).into_iter().map(Into::into).collect()
    }

    /// Asks another user.
    pub async fn ask(&self, other: &Person) -> Value {
        self.befriend("sendFriendRequest", json!({ "userId": other.id })).await
    }

    /// Answers another user.
    pub async fn answer(&self, from: &Person, decision: &str) -> Value {
        self.befriend("respondToFriendRequest", json!({ "fromUserId": from.id, "decision": decision })).await
    }

    /// Becomes friends with another user.
    pub async fn make_friends(&self, other: &Person) {
        assert_eq!(self.ask(other).await["userErrors"], json!([]));
        assert_eq!(other.answer(self, "ACCEPT").await["friendRequest"]["status"], "ACCEPTED");
    }

    /// The usernames of their friends, in their order.
    pub async fn friends(&self, filter: Value) -> Vec<String> {
        let list = "query ($filter: FriendFilter) { viewer { friends(first: 100, filter: $filter) {
            nodes { user { username } } totalCount } } }";
        let friends = self.data(list, json!({ "filter": filter })).await["viewer"]["friends"].clone();
        let nodes = friends["nodes"].as_array().unwrap();
        assert_eq!(friends["totalCount"], nodes.len());
        nodes.iter().map(|node| node["user"]["username"].as_str().unwrap().to_owned()).collect()
    }

    /// What there is between them and another user, as the names of what holds.
    pub async fn relationship(&self, other: &Person) -> Vec<String> {
        let document = "query ($id: ID!) { relationship(userId: $id) {
            isSelf isFriend hasBlocked isBlockedBy outgoingRequest { id } incomingRequest { id } }
            user(id: $id) { relationship { isSelf isFriend hasBlocked isBlockedBy outgoingRequest { id } incomingRequest { id } } } }";
        let data = self.data(document, json!({ "id": other.id })).await;
        assert_eq!(data["relationship"], data["user"]["relationship"]);
        let fields = data["relationship"].as_object().unwrap().clone();
        fields
            .into_iter()
            .filter(|(_, value)| value != &json!(false) && !value.is_null())
            .map(|(name, _)| name)
            .collect()
    }

    /// Requests to them or from them, as "other user, status".
    pub async fn requests(&self, direction: &str, status: Value) -> Vec<String> {
        let list = "query ($direction: RequestDirection!, $status: RequestStatus) { viewer {
            friendRequests(direction: $direction, status: $status) { nodes { status from { username } to { username } } totalCount } } }";
        let data = self.data(list, json!({ "direction": direction, "status": status })).await;
        let requests = data["viewer"]["friendRequests"].clone();
        let other = if direction == "INCOMING" { "from" } else { "to" };
        let nodes = requests["nodes"].as_array().unwrap();
        assert_eq!(requests["totalCount"], nodes.len());
        let line = |node: &Value| {
            format!("{} {}", node[other]["username"].as_str().unwrap(), node["status"].as_str().unwrap())
        };
        nodes.iter().map(line).collect()
    }
}
