//! The part of large data that money moves in: tasks, products, orders, tickets, and the ledger that follows from them.

use std::collections::BTreeSet;

use tokio_postgres::Transaction;

use super::bulk::{self, BEGINNING, ENTRIES, SeedCounts, at, entry};
use super::store::{self, ExistingCounts};
use super::words::{RandomText, RandomWords};
use crate::domains::search::words::{Field, SearchDocument};
use crate::error::{AppError, AppResult};

/// Orders of one product, about.
const ORDERS_PER_PRODUCT: i64 = 50;

/// What is left of each product.
const STOCK: i64 = 1000;

/// Remaining balance of each user, in fen.
const WELCOME: i64 = 20_000;

/// Adds it, within a transaction that holds the tables.
pub async fn add(
    transaction: &Transaction<'_>,
    existing: &ExistingCounts,
    counts: SeedCounts,
    first: i64,
) -> AppResult<()> {
    let filling = MarketInsert { transaction, existing, counts, first };
    filling.add_tasks().await?;
    filling.add_products().await?;
    filling.add_orders().await?;
    filling.add_tickets().await?;
    filling.add_ledger().await
}

struct MarketInsert<'a> {
    transaction: &'a Transaction<'a>,
    existing: &'a ExistingCounts,
    counts: SeedCounts,
    first: i64,
}

impl MarketInsert<'_> {
    fn key(&self, table: &str) -> i64 {
        bulk::key(self.existing, table)
    }

    fn person(&self, n: i64) -> i64 {
        self.first + n % self.counts.users
    }

    async fn add_tasks(&self) -> AppResult<()> {
        let columns = "id, publisher_id, assignee_id, title, content, price, status, accepted_at, finished_at, created_at, \
                       updated_at";
        let mut rows = store::copy(self.transaction, "tasks", columns).await?;
        let first = self.key("tasks") + 1;
        for n in 0..self.counts.tasks {
            let RandomText { title, note, noise } = RandomWords::new(n ^ 0x7a5c).text();
            let (status, done) = task_status(n);
            let at = at(60 * n);
            let taken = matches!(status, "ACCEPTED" | "FINISHED");
            let assignee = if taken { self.person(n + 1).to_string() } else { "\\N".into() };
            let (accepted, finished) =
                (if taken { at.as_str() } else { "\\N" }, if done { at.as_str() } else { "\\N" });
            let (id, publisher, price) = (first + n, self.person(n), 100 + noise % 20_000);
            rows.add(&format!(
                "{id}\t{publisher}\t{assignee}\t{title}\t{note}\t{price}\t{status}\t{accepted}\t{finished}\t{at}\t{at}"
            ))
            .await?;
        }
        rows.finish().await?;
        let found = (0..self.counts.tasks).filter(|n| task_status(*n).0 != "CANCELLED").map(|n| {
            let RandomText { title, note, .. } = RandomWords::new(n ^ 0x7a5c).text();
            // What it says beyond its title is found while it is open.
            let (boost, note) = if task_status(n).0 == "OPEN" { (1.0, note.as_str()) } else { (0.5, "") };
            (first + n, boost, SearchDocument::new(&[(&title, Field::Title), (note, Field::Text)]))
        });
        self.add_entries("TASK", found).await
    }

    async fn add_entries(&self, kind: &str, found: impl Iterator<Item = (i64, f32, SearchDocument)>) -> AppResult<()> {
        let mut rows = store::copy(self.transaction, ENTRIES.0, ENTRIES.1).await?;
        let mut spelled = BTreeSet::new();
        for (id, boost, document) in found {
            spelled.extend(document.spelled().map(ToOwned::to_owned));
            rows.add(&entry(kind, id, boost, &document)).await?;
        }
        rows.finish().await?;
        bulk::add_words(self.transaction, kind, &spelled).await
    }

    fn products(&self) -> i64 {
        (self.counts.orders + ORDERS_PER_PRODUCT - 1) / ORDERS_PER_PRODUCT
    }

    async fn add_products(&self) -> AppResult<()> {
        if self.products() == 0 {
            return Ok(());
        }
        let pictures = store::list_pictures(self.transaction, self.first).await?;
        let image = pictures.first().ok_or_else(|| AppError::internal("no picture was painted"))?;
        let columns = "id, name, price, stock, supplied, image_id, created_at, updated_at";
        let mut rows = store::copy(self.transaction, "products", columns).await?;
        let first = self.key("products") + 1;
        let name = |n: i64| RandomWords::new(n ^ 0x90d5).text();
        for n in 0..self.products() {
            let RandomText { title, noise, .. } = name(n);
            let (id, price, at) = (first + n, 100 + noise % 5000, at(n));
            rows.add(&format!("{id}\t{title}\t{price}\t{STOCK}\t{STOCK}\t{image}\t{at}\t{at}")).await?;
        }
        rows.finish().await?;
        let found =
            (0..self.products()).map(|n| (first + n, 1.0, SearchDocument::new(&[(&name(n).title, Field::Title)])));
        self.add_entries("PRODUCT", found).await
    }

    /// Orders in all states, with their histories, and the products' supply that follows from them.
    async fn add_orders(&self) -> AppResult<()> {
        let SeedCounts { orders, users, .. } = self.counts;
        let (base, product, products, first) = (self.key("orders"), self.key("products"), self.products(), self.first);
        if orders == 0 {
            return Ok(());
        }
        let sql = format!(
            "insert into orders (id, buyer_id, product_id, product_name, price, image_id, address, tracking_number, status, \
               restocked, created_at, updated_at) overriding system value \
             select {base} + 1 + n, {first} + (n * 7919) % {users}, p.id, p.name, p.price, p.image_id, 'Number ' || n, \
               case when status in ('PENDING', 'CANCELLED') then null else 'SF' || n end, status::order_status, \
               status = 'CANCELLED', at, at \
             from (select n, to_timestamp({BEGINNING} + 60 * n) as at, (array['PENDING', 'PENDING', 'SHIPPED', 'SHIPPED', \
               'COMPLETED', 'COMPLETED', 'COMPLETED', 'COMPLETED', 'CANCELLED', 'REFUNDED'])[1 + n % 10] as status \
               from generate_series(0, {orders}::bigint - 1) n) made \
             join products p on p.id = {product} + 1 + n % {products} order by n; \
             insert into order_events (order_id, actor_id, from_status, to_status, at) \
             select o.id, case to_status when 'SHIPPED' then {first} when 'REFUNDED' then {first} else buyer_id end, \
               from_status::order_status, to_status::order_status, created_at \
             from orders o join (values (1, null, 'PENDING', '{{PENDING,SHIPPED,COMPLETED,CANCELLED,REFUNDED}}'), \
               (2, 'PENDING', 'CANCELLED', '{{CANCELLED}}'), (3, 'PENDING', 'SHIPPED', '{{SHIPPED,COMPLETED,REFUNDED}}'), \
               (4, 'SHIPPED', 'COMPLETED', '{{COMPLETED}}'), (5, 'SHIPPED', 'REFUNDED', '{{REFUNDED}}')) \
               step (place, from_status, to_status, of) on o.status::text = any(of::text[]) \
             where o.id > {base} order by o.id, place; \
             update products set supplied = stock + held from (select product_id, count(*) as held from orders \
               where not restocked group by product_id) sold where product_id = products.id and products.id > {product}"
        );
        store::derive(self.transaction, &sql).await
    }

    /// Tickets in all states, answered by the first person.
    async fn add_tickets(&self) -> AppResult<()> {
        let columns = "id, author_id, agent_id, question, answer, status, words, created_at, updated_at";
        let mut rows = store::copy(self.transaction, "tickets", columns).await?;
        let base = self.key("tickets");
        for n in 0..self.counts.tickets {
            let RandomText { title, note, .. } = RandomWords::new(n ^ 0x71c7).text();
            let (status, answered) = match n % 3 {
                0 => ("OPEN", false),
                1 => ("ANSWERED", true),
                _ => ("CLOSED", true),
            };
            let agent = if answered { self.first.to_string() } else { "\\N".into() };
            let answer = if answered { note.as_str() } else { "\\N" };
            let said = [(title.as_str(), Field::Title), (if answered { &note } else { "" }, Field::Text)];
            let (id, author, at, words) =
                (base + 1 + n, self.person(n), at(60 * n), SearchDocument::new(&said).tsvector());
            rows.add(&format!("{id}\t{author}\t{agent}\t{title}\t{answer}\t{status}\t{words}\t{at}\t{at}")).await?;
        }
        rows.finish().await?;
        let sql = format!(
            "insert into ticket_lines (ticket_id, author_id, is_answer, content, created_at) \
             select id, who, is_answer, content, created_at from tickets, lateral (values (author_id, false, question), \
               (agent_id, true, answer)) said (who, is_answer, content) \
             where id > {base} and content is not null order by id, is_answer"
        );
        store::derive(self.transaction, &sql).await
    }

    /// What was paid for tasks and orders, what everybody recharged before, and their wallets after it.
    async fn add_ledger(&self) -> AppResult<()> {
        let (tasks, orders, base) = (self.key("tasks"), self.key("orders"), self.key("ledger_transfers"));
        let (first, last) = (self.first, self.first + self.counts.users - 1);
        if self.counts.tasks + self.counts.orders == 0 {
            return Ok(());
        }
        // Amounts are those of a person's balance; the other side of each transfer is the account.
        let sql = format!(
            "create temp table spent on commit drop as \
             select 1 as phase, created_at as at, 'TASK_HOLD' as reason, publisher_id as owner, publisher_id as actor, \
               -price as amount, 'TASK' as account, id as task, null::bigint as order_id, false as settles \
               from tasks where id > {tasks} \
             union all select 2, created_at, 'TASK_PAYOUT', assignee_id, publisher_id, price, 'TASK', id, null, true \
               from tasks where id > {tasks} and status = 'FINISHED' \
             union all select 2, created_at, 'TASK_RELEASE', publisher_id, publisher_id, price, 'TASK', id, null, true \
               from tasks where id > {tasks} and status = 'CANCELLED' \
             union all select 1, created_at, 'EXCHANGE', buyer_id, buyer_id, -price, 'STORE', null, id, false \
               from orders where id > {orders} \
             union all select 2, created_at, 'REFUND', buyer_id, {first}, price, 'STORE', null, id, false \
               from orders where id > {orders} and status in ('CANCELLED', 'REFUNDED'); \
             create temp table moves on commit drop as select {base} + row_number() over (order by phase, at, reason, task, order_id, owner) \
               as transfer, all_of.* from (select * from spent union all \
               select 0, to_timestamp({BEGINNING}), 'RECHARGE', people.id, people.id, {WELCOME} + coalesce(total, 0), 'OUTSIDE', \
                 null, null, false from generate_series({first}::bigint, {last}) people (id) \
               left join (select owner, -sum(amount) as total from spent where amount < 0 group by owner) s on owner = people.id \
             ) all_of; \
             insert into ledger_transfers (id, reason, task_id, order_id, actor_id, settles, created_at) overriding system value \
               select transfer, reason::ledger_reason, task, order_id, actor, settles, at from moves order by transfer; \
             insert into ledger_entries (transfer_id, account, user_id, amount, balance_after) \
               select transfer, 'USER', owner, amount, sum(amount) over (partition by owner order by transfer) from moves \
               order by transfer; \
             insert into ledger_entries (transfer_id, account, amount) \
               select transfer, account::ledger_account, -amount from moves order by transfer; \
             insert into wallets (user_id, balance, held) select owner, sum(amount), coalesce(max(held), 0) from moves \
               left join (select publisher_id, sum(price) as held from tasks where id > {tasks} \
                 and status in ('OPEN', 'ACCEPTED') group by publisher_id) t on publisher_id = owner group by owner order by owner"
        );
        store::derive(self.transaction, &sql).await
    }
}

/// What became of a task, by its number, and whether it was done.
fn task_status(n: i64) -> (&'static str, bool) {
    match n % 10 {
        5 | 6 => ("ACCEPTED", false),
        7 | 8 => ("FINISHED", true),
        9 => ("CANCELLED", false),
        _ => ("OPEN", false),
    }
}
