//! The owner's money, and what it is for.

use plaza::ids::{OrderId, ProductId, TaskId, TicketId};
use serde_json::json;
use tokio_postgres::Client;

use super::SECRET;
use crate::harness::Person;

/// What belongs to an owner, by global ids.
pub struct MoneyFixture {
    /// Open.
    pub task: String,
    /// Accepted by the friend.
    pub accepted_task: String,
    /// Submitted by the friend.
    pub submitted_task: String,
    /// Disputed by the owner.
    pub disputed_task: String,
    /// Cancelled, with the secret as its title.
    pub cancelled_task: String,
    /// The store's.
    pub product: String,
    /// Pending, with the secret as its address.
    pub order: String,
    /// Shipped.
    pub shipped_order: String,
    /// With the secret as its question.
    pub ticket: String,
}

async fn insert(sql: &Client, statement: &str, parameters: &[&(dyn tokio_postgres::types::ToSql + Sync)]) -> i64 {
    sql.query_one(statement, parameters).await.unwrap_or_else(|error| panic!("{statement}: {error}")).get(0)
}

async fn order_of(sql: &Client, person: &Person, product: i64, (status, address): (&str, &str)) -> String {
    let statement = format!(
        "insert into orders (buyer_id, product_id, product_name, price, image_id, address, tracking_number, status, created_at, updated_at)
         select $1, id, name, price, image_id, $3, case when '{status}' = 'PENDING' then null else 'x' end, '{status}', now(), now()
         from products where id = $2 returning id"
    );
    OrderId(insert(sql, &statement, &[&person.key(), &product, &address]).await).global().0
}

impl MoneyFixture {
    /// The owner's.
    pub async fn of(owner: &Person, friend: &Person, image: i64, sql: &Client) -> Self {
        let task = async |status: &str, title: &str| {
            let statement = format!(
                "insert into tasks (publisher_id, assignee_id, accepted_at, submitted_at, finishes_at, title, content, price, status, created_at, updated_at)
                 select $1, case when has_assignee then $2::bigint end, case when has_assignee then now() - interval '8 days' end,
                 case when status in ('SUBMITTED', 'DISPUTED') then now() end, case when status = 'SUBMITTED' then now() + interval '1 day' end,
                 $3, 'c', 0, status, now(), now()
                 from (select '{status}'::task_status as status, '{status}' in ('ACCEPTED', 'SUBMITTED', 'DISPUTED') as has_assignee) s returning id"
            );
            let id = insert(sql, &statement, &[&owner.key(), &friend.key(), &title]).await;
            if status == "DISPUTED" {
                let statement = "insert into task_disputes (task_id, assignee_id, opened_by, reason, opened_at) values ($1, $2, $3, 'r', now()) returning id";
                insert(sql, statement, &[&id, &friend.key(), &owner.key()]).await;
            }
            TaskId(id).global().0
        };
        let statement = "insert into products (name, price, stock, supplied, image_id, created_at, updated_at)
            values ('p', 1, 9, 9, $1, now(), now()) returning id";
        let product = insert(sql, statement, &[&image]).await;
        let statement = "insert into tickets (author_id, question, words, created_at, updated_at) values ($1, $2, '', now(), now()) returning id";
        let ticket = insert(sql, statement, &[&owner.key(), &SECRET]).await;
        let statement = "with w as (insert into wallets (user_id, balance) values ($1, 100)),
            t as (insert into ledger_transfers (reason, note, created_at) values ('ADMIN_ADJUSTMENT', $2, now()) returning id),
            o as (insert into ledger_entries (transfer_id, account, amount) select id, 'OUTSIDE', -100 from t)
            insert into ledger_entries (transfer_id, account, user_id, amount, balance_after) select id, 'USER', $1, 100, 100 from t returning id";
        insert(sql, statement, &[&owner.key(), &SECRET]).await;
        Self {
            task: task("OPEN", "open").await,
            accepted_task: task("ACCEPTED", "accepted").await,
            submitted_task: task("SUBMITTED", "submitted").await,
            disputed_task: task("DISPUTED", "disputed").await,
            cancelled_task: task("CANCELLED", SECRET).await,
            product: ProductId(product).global().0,
            order: order_of(sql, owner, product, ("PENDING", SECRET)).await,
            shipped_order: order_of(sql, owner, product, ("SHIPPED", "x")).await,
            ticket: TicketId(ticket).global().0,
        }
    }

    /// Makes a change that a subscription delivers: to an object of the owner's, which holds the secret then, and to one
    /// of the subscriber's.
    pub async fn trigger_update(&self, field: &str, owner: &Person, subscriber: &Person, sql: &Client) {
        match field {
            "Subscription.taskUpdated" => {
                owner.mutate_ok("updateTask", json!({ "id": self.task, "input": { "title": SECRET } })).await;
                subscriber.create_task("0").await;
            }
            "Subscription.orderUpdated" => {
                owner
                    .mutate_ok(
                        "updateOrder",
                        json!({ "id": self.order, "input": { "address": format!("{SECRET}, at the back") } }),
                    )
                    .await;
                let product = ProductId::parse(&self.product).unwrap().0;
                let own = order_of(sql, subscriber, product, ("PENDING", "x")).await;
                subscriber.mutate_ok("updateOrder", json!({ "id": own, "input": { "address": "a note" } })).await;
            }
            _ => {
                owner.mutate_ok("createTicket", json!({ "question": SECRET })).await;
                subscriber.mutate_ok("createTicket", json!({ "question": "a note" })).await;
            }
        }
    }
}
