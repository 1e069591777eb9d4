//! What tests do with items again and again.

use serde_json::{Value, json};

use super::Person;

/// All of an item, as a market shows it.
pub const ITEM: &str = "fragment I on Item { id title category price condition note direction status favoriteCount
    isFavorite closedAt availableActions owner { id } counterparty { id } images { id url } }";

impl Person {
    /// Runs a mutation of one field whose document ends with the item's fragment, and returns its payload.
    pub async fn market(&self, field: &str, variables: Value) -> Value {
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

    /// Puts up an item with some of its fields, and returns it.
    pub async fn offer(&self, fields: Value) -> Value {
        let mut input =
            json!({ "title": "小米充电宝", "category": 1, "price": "99.90", "condition": 95, "direction": "SELL" });
        input.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        let payload = self.market("createItem", json!({ "input": input })).await;
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
        payload["item"].clone()
    }

    /// Changes an item.
    pub async fn change(&self, item: &Value, input: Value) -> Value {
        self.market("updateItem", json!({ "id": item["id"], "input": input })).await
    }

    /// Takes an item.
    pub async fn trade(&self, item: &Value, price: Option<&str>) -> Value {
        self.market("tradeItem", json!({ "id": item["id"], "price": price })).await
    }

    /// An item as they see it.
    pub async fn look(&self, item: &Value) -> Value {
        let document = format!("query ($id: ID!) {{ item(id: $id) {{ ...I }} }} {ITEM}");
        self.data(&document, json!({ "id": item["id"] })).await["item"].clone()
    }

    /// The titles of a list of items, with the arguments as GraphQL has them.
    pub async fn titles(&self, arguments: &str) -> Vec<String> {
        let arguments = if arguments.is_empty() { String::new() } else { format!("({arguments})") };
        let data = self.data(&format!("{{ items{arguments} {{ nodes {{ title }} }} }}"), json!({})).await;
        titles(&data["items"]["nodes"])
    }

    /// Adds or removes favorites.
    pub async fn favor(&self, field: &str, items: &[&Value]) -> Value {
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
