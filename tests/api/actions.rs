//! `availableActions` of items and orders are exactly the actions that succeed and change something: every action of the
//! schema's enum, from every state, by every role. Tasks have the same proof in `task_states`, groups in
//! `permissions`. A new action, or a new
//! type with `availableActions`, fails here until it is handled.

use std::collections::BTreeMap;

use plaza::ids::{ItemId, OrderId};
use serde_json::{Value, json};

use crate::harness::{Person, TestApp};

/// Every enum of an `availableActions` field, with its values, sorted.
async fn action_enums(app: &TestApp) -> BTreeMap<String, Vec<String>> {
    let document = "{ __schema { types { name fields { name type { ofType { ofType { ofType { name } } } } }
        enumValues { name } } } }";
    let types = app.run(document, json!({})).await.data()["__schema"]["types"].as_array().unwrap().clone();
    let fields = types.iter().filter_map(|kind| kind["fields"].as_array()).flatten();
    let enums = fields
        .filter(|field| field["name"] == "availableActions")
        .map(|field| field["type"]["ofType"]["ofType"]["ofType"]["name"].as_str().expect("an enum").to_owned());
    let values = |name: &str| {
        let kind = types.iter().find(|kind| kind["name"] == name).expect("a type of the schema");
        let values = kind["enumValues"].as_array().expect("an enum").iter();
        let mut values: Vec<String> = values.map(|value| value["name"].as_str().expect("a name").to_owned()).collect();
        values.sort();
        values
    };
    enums.map(|name| (name.clone(), values(&name))).collect()
}

/// The values of one of them.
pub async fn actions(app: &TestApp, name: &str) -> Vec<String> {
    action_enums(app).await.remove(name).unwrap_or_else(|| panic!("{name} is no enum of availableActions"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_with_available_actions_has_its_proof() {
    let app = TestApp::start().await;
    let enums: Vec<String> = action_enums(&app).await.into_keys().collect();
    assert_eq!(enums, ["GroupAction", "ItemAction", "OrderAction", "TaskAction"]);
}

/// What the API says that a person may do, sorted; nothing with what they do not see.
async fn shown(person: &Person, field: &str, of: &Value) -> Vec<String> {
    let document = format!("query ($id: ID!) {{ {field}(id: $id) {{ availableActions }} }}");
    let data = person.data(&document, json!({ "id": of["id"] })).await;
    let actions = data[field]["availableActions"].as_array().cloned().unwrap_or_default();
    let mut actions: Vec<String> = actions.iter().map(|action| action.as_str().unwrap().to_owned()).collect();
    actions.sort();
    actions
}

struct Market {
    app: TestApp,
    owner: Person,
    counterparty: Person,
    admin: Person,
}

impl Market {
    /// A new item in a state.
    async fn item(&self, state: &str) -> Value {
        let item = self.owner.create_item(json!({})).await;
        match state {
            "OPEN" => {}
            "CLOSED" => drop(self.owner.update_item(&item, json!({ "status": "CLOSED" })).await),
            "TRADED" => drop(self.counterparty.trade_item(&item, None).await),
            "DELETED" => drop(self.owner.mutate_item("deleteItem", json!({ "id": item["id"] })).await),
            _ => panic!("{state} is no state of items"),
        }
        item
    }

    /// The row of an item and how many favorites it has.
    async fn row(&self, item: &Value) -> (String, i64) {
        let id = ItemId::parse(item["id"].as_str().unwrap()).unwrap().0;
        let statement =
            "select items::text, (select count(*) from favorites where item_id = id) from items where id = $1";
        let row = self.app.sql().await.query_one(statement, &[&id]).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// Whether an action succeeds and changes something.
    async fn succeeds(&self, person: &Person, action: &str, item: &Value) -> bool {
        let before = self.row(item).await;
        let payload = match action {
            "EDIT" => person.update_item(item, json!({ "title": "changed" })).await,
            "CLOSE" => person.update_item(item, json!({ "status": "CLOSED" })).await,
            "REOPEN" => person.update_item(item, json!({ "status": "OPEN" })).await,
            "DELETE" => person.mutate_item("deleteItem", json!({ "id": item["id"] })).await,
            "TRADE" => person.trade_item(item, None).await,
            "FAVORITE" => person.set_favorites("addFavorites", &[item]).await,
            _ => panic!("the test knows no mutation of {action}"),
        };
        let is_changed = self.row(item).await != before;
        assert!(!is_changed || payload["userErrors"] == json!([]), "{action} changes nothing where it is refused");
        is_changed
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn available_actions_of_items_are_those_that_succeed() {
    let app = TestApp::start().await;
    let (owner, counterparty) = (app.as_user("ada").await, app.as_user("bo").await);
    let (stranger, admin) = (app.as_user("lan").await, app.as_role("admin", "ADMIN").await);
    let market = Market { app, owner, counterparty, admin };
    let all = actions(&market.app, "ItemAction").await;
    let roles = [
        ("owner", &market.owner),
        ("counterparty", &market.counterparty),
        ("stranger", &stranger),
        ("administrator", &market.admin),
    ];
    for state in ["OPEN", "CLOSED", "TRADED", "DELETED"] {
        for (role, person) in roles {
            let mut item = market.item(state).await;
            let shown = shown(person, "item", &item).await;
            let mut succeeded = Vec::new();
            for action in &all {
                if market.succeeds(person, action, &item).await {
                    succeeded.push(action.clone());
                    item = market.item(state).await;
                }
            }
            assert_eq!(shown, succeeded, "{state}, {role}");
        }
    }
}

struct Store {
    app: TestApp,
    product: Value,
    buyer: Person,
    admin: Person,
}

impl Store {
    /// A new order in a state, of the buyer's.
    async fn order(&self, state: &str) -> Value {
        let order =
            self.buyer.mutate_ok("exchangeProduct", json!({ "id": self.product["id"], "address": "here" })).await;
        if state == "CANCELLED" {
            self.buyer.mutate_by_id("cancelOrder", &order).await;
        } else if state != "PENDING" {
            let input = json!({ "trackingNumber": "SF1", "expectedAddress": "here" });
            self.admin.mutate_ok("updateOrder", json!({ "id": order["id"], "input": input })).await;
        }
        match state {
            "PENDING" | "SHIPPED" | "CANCELLED" => {}
            "COMPLETED" => drop(self.buyer.mutate_by_id("confirmOrder", &order).await),
            "REFUNDED" => drop(self.admin.mutate_by_id("refundOrder", &order).await),
            _ => panic!("{state} is no state of orders"),
        }
        order
    }

    async fn row(&self, order: &Value) -> (String, String) {
        let id = OrderId::parse(order["id"].as_str().unwrap()).unwrap().0;
        let statement = "select status::text, address from orders where id = $1";
        let row = self.app.sql().await.query_one(statement, &[&id]).await.unwrap();
        (row.get(0), row.get(1))
    }

    /// Whether an action succeeds and changes the state or the address. A corrected tracking number is no shipping.
    async fn succeeds(&self, person: &Person, action: &str, order: &Value) -> bool {
        let before = self.row(order).await;
        let update = |input: Value| json!({ "id": order["id"], "input": input });
        let (field, variables) = match action {
            "EDIT_ADDRESS" => ("updateOrder", update(json!({ "address": "there" }))),
            "SHIP" => ("updateOrder", update(json!({ "trackingNumber": "SF1", "expectedAddress": "here" }))),
            "CANCEL" => ("cancelOrder", json!({ "id": order["id"] })),
            "CONFIRM" => ("confirmOrder", json!({ "id": order["id"] })),
            "REFUND" => ("refundOrder", json!({ "id": order["id"] })),
            _ => panic!("the test knows no mutation of {action}"),
        };
        let payload = person.mutate(field, variables).await;
        let is_changed = self.row(order).await != before;
        assert!(!is_changed || payload["userErrors"] == json!([]), "{action} changes nothing where it is refused");
        is_changed
    }
}

/// An administrator who bought something is its buyer, and another administrator ships it.
#[tokio::test(flavor = "multi_thread")]
async fn available_actions_of_orders_are_those_that_succeed() {
    let app = TestApp::start().await;
    let (admin, second) = (app.as_role("admin", "ADMIN").await, app.as_role("second", "ADMIN").await);
    let (ada, stranger, support) =
        (app.as_user("ada").await, app.as_user("lan").await, app.as_role("support", "SUPPORT").await);
    let product = app.create_product(&admin, "1", 1000).await;
    let all = actions(&app, "OrderAction").await;
    let mut store = Store { app, product, buyer: ada.clone(), admin: second.clone() };
    for buyer in [&ada, &admin] {
        buyer.recharge("1000").await;
        store.buyer = buyer.clone();
        for state in ["PENDING", "SHIPPED", "COMPLETED", "CANCELLED", "REFUNDED"] {
            for (role, person) in
                [("buyer", buyer), ("administrator", &second), ("stranger", &stranger), ("support", &support)]
            {
                let mut order = store.order(state).await;
                let shown = shown(person, "order", &order).await;
                let mut succeeded = Vec::new();
                for action in &all {
                    if store.succeeds(person, action, &order).await {
                        succeeded.push(action.clone());
                        order = store.order(state).await;
                    }
                }
                assert_eq!(shown, succeeded, "{state}, {role}");
            }
        }
    }
}
