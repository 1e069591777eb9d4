//! Operations on items.

use serde_json::{Value, json};

use super::Person;

/// All of an item, as a market shows it.
pub const ITEM: &str = "fragment I on Item { id title category price condition note direction status favoriteCount
    isFavorite closedAt availableActions owner { id } counterparty { id } images { id url } }";

impl Person {
    /// Runs a mutation of items and returns its payload, the item with all its fields.
    pub async fn mutate_item(&self, field: &str, variables: Value) -> Value {
        let arguments = match field {
            "createItem" => ("$input: CreateItemInput!", "input: $input"),
            "updateItem" => ("$id: ID!, $input: UpdateItemInput!", "id: $id, input: $input"),
            "tradeItem" => ("$id: ID!, $price: Decimal", "id: $id, expectedPrice: $price"),
            _ => ("$id: ID!", "id: $id"),
        };
        let document = format!(
            "mutation ({}) {{ {field}({}) {{ item {{ ...I }} userErrors {{ code message field
                ... on IllegalTransitionError {{ from to allowed }} }} }} }} {ITEM}",
            arguments.0, arguments.1
        );
        self.data(&document, variables).await[field].clone()
    }

    /// Creates an item, these fields in place of the defaults, and returns it.
    pub async fn create_item(&self, fields: Value) -> Value {
        let mut input =
            json!({ "title": "小米充电宝", "category": 1, "price": "99.90", "condition": 95, "direction": "SELL" });
        input.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        let payload = self.mutate_item("createItem", json!({ "input": input })).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
        payload["item"].clone()
    }

    /// Updates an item and returns the payload.
    pub async fn update_item(&self, item: &Value, input: Value) -> Value {
        self.mutate_item("updateItem", json!({ "id": item["id"], "input": input })).await
    }

    /// Trades an item and returns the payload.
    pub async fn trade_item(&self, item: &Value, price: Option<&str>) -> Value {
        self.mutate_item("tradeItem", json!({ "id": item["id"], "price": price })).await
    }

    /// The item as this user sees it, null if they do not.
    pub async fn get_item(&self, item: &Value) -> Value {
        let document = format!("query ($id: ID!) {{ item(id: $id) {{ ...I }} }} {ITEM}");
        self.data(&document, json!({ "id": item["id"] })).await["item"].clone()
    }

    /// The titles of a list of items, with the arguments as GraphQL has them.
    pub async fn titles(&self, arguments: &str) -> Vec<String> {
        let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
        let data = self.data(&format!("{{ items{arguments} {{ nodes {{ title }} }} }}"), json!({})).await;
        titles(&data["items"]["nodes"])
    }

    /// Runs `addFavorites` or `removeFavorites` and returns the payload.
    pub async fn set_favorites(&self, field: &str, items: &[&Value]) -> Value {
        let ids: Vec<&Value> = items.iter().map(|item| &item["id"]).collect();
        let document = format!(
            "mutation ($ids: [ID!]!) {{ {field}(itemIds: $ids) {{ changedCount favorites {{ id item {{ id isFavorite favoriteCount }} }}
                userErrors {{ code field }} }} }}"
        );
        self.data(&document, json!({ "ids": ids })).await[field].clone()
    }
}

/// The titles of some items.
pub fn titles(nodes: &Value) -> Vec<String> {
    let nodes = nodes.as_array().unwrap_or_else(|| panic!("no list: {nodes}"));
    nodes.iter().map(|node| node["title"].as_str().expect("a title").to_owned()).collect()
}
