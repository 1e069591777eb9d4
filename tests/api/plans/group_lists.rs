//! Lists of groups, of their members and of requests to join them, over the skewed data.

use plaza::ids::{GroupId, UserId};
use serde_json::json;

use super::skewed::{PAGE, first_cursor};
use crate::harness::Person;

const CARD: &str =
    "nodes { name owner { nickname avatar { url } } joined availableActions announcement coordinates { longitude } }";
const REQUEST: &str = "nodes { reason status user { nickname } group { name } }";
const MEMBER: &str = "nodes { role isMuted user { nickname } avatar { url } }";

/// Lists that do not begin at the viewer.
pub fn group_lists() -> Vec<String> {
    let mut lists = Vec::new();
    for filter in ["", "query: \"group\"", "query: \"rare\"", "query: \"nothing\""] {
        lists.push(format!("groups(first: 20, filter: {{ {filter} }}) {{ {PAGE} {CARD} }}"));
    }
    for query in ["group", "rare"] {
        lists.push(format!("search(query: {query:?}, kinds: [GROUP], first: 20) {{ {PAGE} nodes {{ __typename }} }}"));
    }
    for group in [1, 2, 20_000].map(|group| GroupId(group).global().0) {
        for filter in ["", ", role: MANAGER", ", role: GENERAL", ", query: \"name 4\"", ", query: \"nothing\""] {
            lists.push(format!("group(id: {group:?}) {{ name members(first: 20{filter}) {{ {PAGE} {MEMBER} }} }}"));
        }
    }
    for user in [1, 2, 3, 9, 1500, 20_500].map(|user| UserId(user).global().0) {
        lists.push(format!(
            "user(id: {user:?}) {{ commonGroups(first: 20) {{ {PAGE} nodes {{ name memberCount }} }} }}"
        ));
    }
    lists
}

/// Lists of the viewer's.
pub fn own_group_lists() -> Vec<String> {
    let mut lists = vec![format!("groups(first: 20) {{ {PAGE} {CARD} }}")];
    let full = GroupId(1).global().0;
    for status in ["", ", status: WAITING", ", status: EXPIRED", ", status: DENIED", ", status: ACCEPTED"] {
        lists.push(format!("myJoinRequests(first: 20{status}) {{ {PAGE} {REQUEST} }}"));
        lists.push(format!("groupJoinRequests(first: 20{status}) {{ {PAGE} {REQUEST} }}"));
        lists.push(format!("groupJoinRequests(first: 20, groupId: {full:?}{status}) {{ {PAGE} {REQUEST} }}"));
    }
    lists
}

/// The first page of the groups that are near, and the one behind it.
pub async fn look_for_groups(person: &Person) {
    for filter in ["", ", query: \"group\"", ", query: \"rare\"", ", query: \"nothing\"", ", withinMeters: 1"] {
        let ask = |page: &str| {
            let reach = if filter.contains("within") { "" } else { ", withinMeters: 50000" };
            let at = format!("at: {{ longitude: 121.47, latitude: 31.23 }}{reach}{filter}");
            format!("{{ nearbyGroups({at}, {page}) {{ {PAGE} nodes {{ distanceMeters group {{ name }} }} }} }}")
        };
        let data = person.data(&ask("first: 20"), json!({})).await;
        if let Some(cursor) = first_cursor(&data) {
            person.data(&ask(&format!("first: 20, after: {cursor:?}")), json!({})).await;
        }
    }
}
