//! The part of the demo data that money moves in: a store, tasks, orders, tickets.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;

use super::upload::{scope_for, upload};
use crate::app::App;
use crate::auth::Viewer;
use crate::domains::accounts::model::Role;
use crate::domains::accounts::service as accounts;
use crate::domains::orders::model::UpdateOrder;
use crate::domains::orders::service::{fulfil, place};
use crate::domains::products::model::CreateProduct;
use crate::domains::products::service as products;
use crate::domains::tasks::model::{CreateTask, Expected};
use crate::domains::tasks::service::{lifecycle, publish};
use crate::domains::tickets::service as tickets;
use crate::domains::wallet::service as wallet;
use crate::error::{AppError, AppResult};
use crate::ids::{OrderId, ProductId};
use crate::money::Money;
use crate::scope::Scope;
use crate::validation::Patch;

/// What people deal in.
#[derive(Deserialize)]
pub struct DemoTransactions {
    /// Who becomes an administrator, and keeps the store.
    pub(super) administrator: String,
    /// Amount that each of the others is given.
    welcome: String,
    products: Vec<DemoProduct>,
    tasks: Vec<DemoTask>,
    orders: Vec<DemoOrder>,
    tickets: Vec<DemoTicket>,
}

#[derive(Deserialize)]
struct DemoProduct {
    name: String,
    price: String,
    stock: i32,
    picture: String,
}

#[derive(Deserialize)]
struct DemoTask {
    publisher: String,
    title: String,
    content: String,
    price: String,
    assignee: Option<String>,
    #[serde(default)]
    submitted: Option<String>,
    #[serde(default)]
    finished: bool,
}

#[derive(Deserialize)]
struct DemoOrder {
    buyer: String,
    product: String,
    address: String,
    tracking: Option<String>,
    #[serde(default)]
    received: bool,
}

#[derive(Deserialize)]
struct DemoTicket {
    author: String,
    question: String,
    /// The product of an order of theirs.
    order: Option<String>,
    answer: Option<String>,
}

fn money(text: &str) -> AppResult<Money> {
    Money::parse(text).ok_or_else(|| AppError::internal(format!("{text} is no amount")))
}

/// Users by name.
struct People<'a>(&'a Arc<App>, &'a HashMap<&'a str, Viewer>);

impl People<'_> {
    fn scope_of(&self, username: &str) -> AppResult<Scope> {
        let viewer = self.1.get(username).ok_or_else(|| AppError::internal(format!("who is {username}?")))?;
        Ok(scope_for(self.0, *viewer))
    }
}

/// Adds it, to people who are there.
///
/// # Errors
/// When the database or the storage fails.
pub async fn add(app: &Arc<App>, people: &HashMap<&str, Viewer>, transactions: &DemoTransactions) -> AppResult<()> {
    let names = People(app, people);
    accounts::promote(app, &transactions.administrator, Role::Admin).await?;
    let welcome = money(&transactions.welcome)?;
    for (_, viewer) in people.iter().filter(|(name, _)| **name != transactions.administrator) {
        let note = "Welcome to Plaza".to_owned();
        wallet::adjust(&names.scope_of(&transactions.administrator)?, viewer.user_id, welcome, note, None).await?;
    }
    let mut stock: HashMap<&str, ProductId> = HashMap::new();
    for (n, product) in (0..).zip(&transactions.products) {
        let image = upload(&names.scope_of(&transactions.administrator)?, &product.picture, n).await?;
        let price = money(&product.price)?;
        let draft = CreateProduct { name: product.name.clone(), price, stock: product.stock, image };
        stock.insert(
            &product.name,
            products::create(&names.scope_of(&transactions.administrator)?, draft, None).await?.id,
        );
    }
    for task in &transactions.tasks {
        add_task(&names, task).await?;
    }
    let mut orders: HashMap<(&str, &str), OrderId> = HashMap::new();
    for order in &transactions.orders {
        let product = stock.get(order.product.as_str()).copied();
        let product = product.ok_or_else(|| AppError::internal(format!("what is {}?", order.product)))?;
        orders.insert(
            (&order.buyer, &order.product),
            add_order(&names, &transactions.administrator, product, order).await?,
        );
    }
    for ticket in &transactions.tickets {
        let order = ticket.order.as_deref().and_then(|product| orders.get(&(ticket.author.as_str(), product)));
        let asked = tickets::create(&names.scope_of(&ticket.author)?, &ticket.question, order.copied(), None).await?;
        if let Some(answer) = &ticket.answer {
            tickets::answer(&names.scope_of(&transactions.administrator)?, asked.id, answer).await?;
        }
    }
    Ok(())
}

async fn add_task(names: &People<'_>, task: &DemoTask) -> AppResult<()> {
    let draft = CreateTask {
        title: task.title.clone(),
        content: task.content.clone(),
        price: money(&task.price)?,
        deadline: None,
        images: Vec::new(),
    };
    let id = publish::create(&names.scope_of(&task.publisher)?, draft, None).await?.task.id;
    if let Some(assignee) = &task.assignee {
        lifecycle::accept(&names.scope_of(assignee)?, id, Expected::default()).await?;
    }
    if let (Some(assignee), Some(note)) = (&task.assignee, &task.submitted) {
        lifecycle::submit(&names.scope_of(assignee)?, id, Some(note.clone())).await?;
    }
    if task.finished {
        lifecycle::finish(&names.scope_of(&task.publisher)?, id, None).await?;
    }
    Ok(())
}

async fn add_order(
    names: &People<'_>,
    administrator: &str,
    product: ProductId,
    order: &DemoOrder,
) -> AppResult<OrderId> {
    let address = Some(order.address.clone());
    let made = place::exchange(&names.scope_of(&order.buyer)?, product, address, None, None).await?;
    let id = made.order.id;
    if let Some(tracking) = &order.tracking {
        let update = UpdateOrder {
            expected_address: Patch::Set(order.address.clone()),
            tracking_number: Patch::Set(tracking.clone()),
            ..UpdateOrder::default()
        };
        fulfil::update(&names.scope_of(administrator)?, id, update).await?;
    }
    if order.received {
        fulfil::confirm(&names.scope_of(&order.buyer)?, id).await?;
    }
    Ok(id)
}
