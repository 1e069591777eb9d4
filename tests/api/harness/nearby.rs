//! Positions, and who is near.

use plaza::ids::{SessionId, UserId};
use serde_json::{Value, json};

use super::accounts::{UPDATE, codes};
use super::{Answer, Person, TestApp};

const NEARBY: &str = "query ($at: CoordinatesInput!, $within: Int, $first: Int, $after: String) {
    nearbyUsers(at: $at, withinMeters: $within, first: $first, after: $after) {
        nodes { user { username } distanceMeters } totalCount pageInfo { hasNextPage hasPreviousPage endCursor } } }";

const NEARBY_GROUPS: &str = "query ($at: CoordinatesInput, $query: String, $within: Int, $first: Int, $after: String) {
    nearbyGroups(at: $at, query: $query, withinMeters: $within, first: $first, after: $after) {
        nodes { group { name } distanceMeters } totalCount pageInfo { hasNextPage hasPreviousPage endCursor } } }";

impl Person {
    /// Says where they are, and who may see it.
    pub async fn locate(&self, longitude: f64, latitude: f64, visibility: &str) {
        let at = json!({ "longitude": longitude, "latitude": latitude });
        let input = json!({ "coordinates": at, "positionVisibility": visibility });
        let payload = self.payload(UPDATE, json!({ "input": input })).await;
        assert_eq!(codes(&payload), Vec::<&str>::new(), "{payload}");
    }

    /// Suspends a user, or ends that, or deletes them.
    pub async fn settle(&self, field: &str, person: &Person) {
        let document = format!("mutation ($id: ID!) {{ {field}(id: $id) {{ userErrors {{ code }} }} }}");
        let data = self.data(&document, json!({ "id": person.id })).await;
        assert_eq!(data[field]["userErrors"], json!([]));
    }

    /// Asks who is near.
    pub async fn ask_nearby(&self, longitude: f64, latitude: f64, further: Value) -> Answer {
        let mut variables = further;
        variables["at"] = json!({ "longitude": longitude, "latitude": latitude });
        self.run(NEARBY, variables).await
    }

    /// Asks which groups are near, with these arguments.
    pub async fn ask_near_groups(&self, arguments: Value) -> Answer {
        self.run(NEARBY_GROUPS, arguments).await
    }

    /// The same person, once the clock has moved past the end of their token.
    pub fn again(&self, app: &TestApp) -> Self {
        let id = UserId(self.key());
        // A session that was not ended.
        let session = SessionId(1_000_000 + id.0);
        let (token, _) = app.app.tokens.issue(id, session, app.app.clock.now()).expect("a token");
        Self::with_token(app.address, id, token)
    }

    /// Who is near: names with distances.
    pub async fn nearby(&self, longitude: f64, latitude: f64) -> Vec<(String, f64)> {
        let answer = self.ask_nearby(longitude, latitude, json!({ "first": 100 })).await;
        let list = &answer.data()["nearbyUsers"];
        assert_eq!(list["totalCount"], list["nodes"].as_array().unwrap().len());
        names(list)
    }
}

/// Names of a list of users or groups, with distances.
pub fn names(list: &Value) -> Vec<(String, f64)> {
    let name = |node: &Value| {
        let name = node["user"]["username"].as_str().or(node["group"]["name"].as_str());
        (name.unwrap().to_owned(), node["distanceMeters"].as_f64().unwrap())
    };
    list["nodes"].as_array().unwrap().iter().map(name).collect()
}
