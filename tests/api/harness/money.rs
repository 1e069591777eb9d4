//! Operations on money, tasks, products, orders and tickets.

use serde_json::{Value, json};

use super::files::{file_part, rgb_png};
use super::{Person, TestApp};

const TASK: &str =
    "task { id title content price status deadline acceptedAt submittedAt submissionNote finishesAt finishedAt paid
    updatedAt availableActions publisher { id } assignee { id } images { id }
    dispute { openedBy { id } reason resolution paidToAssignee openedAt resolvedAt } }";
const ORDER: &str = "order { id number productName price address trackingNumber status availableActions buyer { id }
    product { id } image { id } history { from to note actor { id } } }";
const PRODUCT: &str = "product { id name price stock image { id } }";
const WALLET: &str = "wallet { id balance held }";
const ENTRY: &str = "entry { id amount balanceAfter reason note task { id } order { id } }";
const TICKET: &str = "ticket { id question answer status author { id } agent { id } order { id } }";
const ERRORS: &str = "userErrors { code message field ... on IllegalTransitionError { from to allowed }
    ... on InsufficientBalanceError { balance required } ... on OutOfStockError { available }
    ... on ConflictError { current } }";

/// The document of a mutation of these domains, all of its arguments as variables of the same names.
pub fn document(field: &str) -> String {
    let (parameters, selection) = match field {
        "createTask" => ("$input: CreateTaskInput!, $idempotencyKey: String", TASK.to_owned()),
        "updateTask" => ("$id: ID!, $input: UpdateTaskInput!, $idempotencyKey: String", TASK.to_owned()),
        "cancelTask" | "finishTask" => ("$id: ID!, $idempotencyKey: String", TASK.to_owned()),
        "acceptTask" => ("$id: ID!, $expectedPrice: Decimal, $expectedUpdatedAt: DateTime", TASK.to_owned()),
        "submitTask" => ("$id: ID!, $note: String", TASK.to_owned()),
        "disputeTask" => ("$id: ID!, $reason: String!", TASK.to_owned()),
        "resolveTask" => {
            ("$id: ID!, $payToAssignee: Decimal!, $note: String!, $idempotencyKey: String", TASK.to_owned())
        }
        "releaseTask" | "abandonTask" => ("$id: ID!", TASK.to_owned()),
        "createProduct" => ("$input: CreateProductInput!, $idempotencyKey: String", PRODUCT.to_owned()),
        "updateProduct" => ("$id: ID!, $input: UpdateProductInput!", PRODUCT.to_owned()),
        "deleteProduct" => ("$id: ID!", "deletedId".to_owned()),
        "exchangeProduct" => (
            "$id: ID!, $address: String, $expectedPrice: Decimal, $idempotencyKey: String",
            format!("{ORDER} {PRODUCT} {WALLET}"),
        ),
        "rechargeWallet" => ("$amount: Decimal!, $idempotencyKey: String", format!("{WALLET} {ENTRY}")),
        "adjustBalance" => {
            ("$userId: ID!, $amount: Decimal!, $note: String!, $idempotencyKey: String", format!("{WALLET} {ENTRY}"))
        }
        "updateOrder" => ("$id: ID!, $input: UpdateOrderInput!", ORDER.to_owned()),
        "confirmOrder" => ("$id: ID!", ORDER.to_owned()),
        "cancelOrder" => ("$id: ID!, $reason: String, $idempotencyKey: String", ORDER.to_owned()),
        "refundOrder" => {
            ("$id: ID!, $reason: String, $restock: Boolean! = false, $idempotencyKey: String", ORDER.to_owned())
        }
        "createTicket" => ("$question: String!, $orderId: ID, $idempotencyKey: String", TICKET.to_owned()),
        "answerTicket" => ("$id: ID!, $answer: String!", TICKET.to_owned()),
        "reopenTicket" => ("$id: ID!, $content: String!", TICKET.to_owned()),
        "closeTicket" => ("$id: ID!", TICKET.to_owned()),
        _ => panic!("no such mutation: {field}"),
    };
    let names: Vec<&str> = parameters.split('$').skip(1).map(|part| part.split(':').next().expect("a name")).collect();
    let arguments: Vec<String> = names.iter().map(|name| format!("{name}: ${name}")).collect();
    format!("mutation ({parameters}) {{ {field}({}) {{ {selection} {ERRORS} }} }}", arguments.join(", "))
}

impl Person {
    /// Runs a mutation and returns its payload.
    pub async fn mutate(&self, field: &str, variables: Value) -> Value {
        self.data(&document(field), variables).await[field].clone()
    }

    /// Runs a mutation that has to succeed, and returns the object it created or changed.
    #[track_caller]
    pub fn mutate_ok(&self, field: &'static str, variables: Value) -> impl Future<Output = Value> {
        let caller = std::panic::Location::caller();
        let person = self.clone();
        async move {
            let payload = person.mutate(field, variables).await;
            assert_eq!(payload["userErrors"], json!([]), "{field} at {caller}: {payload}");
            let first = ["task", "order", "product", "entry", "ticket"].iter().find(|name| payload[**name].is_object());
            first.map_or(payload.clone(), |name| payload[*name].clone())
        }
    }

    /// Adds play money to their balance.
    pub async fn recharge(&self, amount: &str) -> Value {
        self.mutate_ok("rechargeWallet", json!({ "amount": amount })).await
    }

    /// Creates a task with this reward and returns it.
    pub async fn create_task(&self, price: &str) -> Value {
        let input = json!({ "title": "搬沙发", "content": "三楼，没有电梯", "price": price });
        self.mutate_ok("createTask", json!({ "input": input })).await
    }

    /// Runs a mutation whose only argument is an id, which has to succeed.
    #[track_caller]
    pub fn mutate_by_id(&self, field: &'static str, thing: &Value) -> impl Future<Output = Value> {
        self.mutate_ok(field, json!({ "id": thing["id"] }))
    }

    /// The balance and the held amount of the wallet, as one text.
    pub async fn balances(&self) -> String {
        let data = self.data("{ viewer { wallet { balance held } } }", json!({})).await;
        let wallet = &data["viewer"]["wallet"];
        format!("{} {}", wallet["balance"].as_str().expect("an amount"), wallet["held"].as_str().expect("an amount"))
    }

    /// The entries of the wallet, newest first: reason, amount, balance after it.
    pub async fn ledger_entries(&self) -> Vec<String> {
        let document = "{ viewer { wallet { entries(first: 100) { nodes { reason amount balanceAfter } } } } }";
        let data = self.data(document, json!({})).await;
        let nodes = data["viewer"]["wallet"]["entries"]["nodes"].as_array().expect("a list").clone();
        let text = |node: &Value, name: &str| node[name].as_str().expect("a text").to_owned();
        nodes
            .iter()
            .map(|node| format!("{} {} {}", text(node, "reason"), text(node, "amount"), text(node, "balanceAfter")))
            .collect()
    }
}

impl TestApp {
    /// Creates a product of this price and stock, and returns it.
    pub async fn create_product(&self, admin: &Person, price: &str, stock: i32) -> Value {
        let image = admin.upload_picture().await;
        let input = json!({ "name": "保温杯", "price": price, "stock": stock, "imageId": image });
        admin.mutate_ok("createProduct", json!({ "input": input })).await
    }

    /// The findings of `plaza audit`.
    pub async fn audit(&self) -> Vec<String> {
        plaza::audit::run(&self.url).await.expect("the database answers").iter().map(ToString::to_string).collect()
    }
}

impl Person {
    /// Uploads a picture and returns its id.
    pub async fn upload_picture(&self) -> String {
        let media = self.upload(file_part("a.png", rgb_png(9, 9))).await["media"].clone();
        media["id"].as_str().unwrap_or_else(|| panic!("no file: {media}")).to_owned()
    }
}
