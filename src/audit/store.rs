//! The rules as SQL. Each gives what breaks it: what it is, and how.

use diesel::QueryResult;
use diesel::prelude::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::Finding;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    detail: String,
}

/// What should hold, and what breaks it.
pub const RULES: &[(&str, &str)] = &[
    (
        "a transfer sums to zero",
        "select 'transfer ' || t.id as subject, 'sums to ' || coalesce(sum(e.amount)::text, 'nothing, without entries') as detail
         from ledger_transfers t left join ledger_entries e on e.transfer_id = t.id
         group by t.id having coalesce(sum(e.amount), 1) <> 0",
    ),
    (
        "a balance is the sum of its entries",
        "select 'user ' || user_id as subject, 'balance ' || coalesce(balance, 0) || ', entries ' || coalesce(total, 0) as detail
         from wallets full join (select user_id, sum(amount) as total from ledger_entries where account = 'USER' group by user_id) e
         using (user_id) where coalesce(balance, 0) <> coalesce(total, 0)",
    ),
    (
        "an entry says the balance after it",
        "select 'entry ' || id as subject, 'says ' || balance_after || ' after ' || before || ' and ' || amount as detail
         from (select id, amount, balance_after, lag(balance_after, 1, 0::bigint) over (partition by user_id order by id) as before
             from ledger_entries where account = 'USER') e where balance_after <> before + amount",
    ),
    (
        "what is held is the reward of tasks that are not over",
        "select 'user ' || user_id as subject, 'held ' || coalesce(held, 0) || ', rewards ' || coalesce(total, 0) as detail
         from wallets full join (select publisher_id as user_id, sum(price) as total from tasks
             where status not in ('FINISHED', 'CANCELLED') group by publisher_id) t using (user_id)
         where coalesce(held, 0) <> coalesce(total, 0)",
    ),
    (
        "a task holds its reward until it is over, and nothing after that",
        "select 'task ' || id as subject, status || ' of ' || price || ', holds ' || coalesce(held, 0) as detail
         from tasks left join (select task_id, sum(amount) as held from ledger_entries
             join ledger_transfers t on t.id = transfer_id where account = 'TASK' group by task_id) e on task_id = tasks.id
         where coalesce(held, 0) <> case when status not in ('FINISHED', 'CANCELLED') then price else 0 end",
    ),
    (
        "a task that is over was paid or given back, as its state says",
        "select 'task ' || tasks.id as subject, tasks.status || ', settled by ' || coalesce(t.reason::text, 'nothing') as detail
         from tasks left join ledger_transfers t on t.task_id = tasks.id and t.settles
         where t.reason is distinct from (case when price = 0 then null
             when status = 'FINISHED' then 'TASK_PAYOUT' when status = 'CANCELLED' then 'TASK_RELEASE' end)::ledger_reason",
    ),
    (
        "a reward goes to the task's assignee, as far as they were paid, or back to its publisher",
        "select 'entry ' || e.id as subject, 'user ' || e.user_id || ' for ' || t.reason || ' of task ' || t.task_id as detail
         from ledger_entries e join ledger_transfers t on t.id = e.transfer_id join tasks on tasks.id = t.task_id
         where e.account = 'USER' and (
             e.user_id <> case when t.reason = 'TASK_PAYOUT' then tasks.assignee_id else tasks.publisher_id end
             or (t.reason = 'TASK_HOLD') <> (e.amount < 0) or (t.reason = 'TASK_PAYOUT' and e.amount is distinct from tasks.paid))",
    ),
    (
        "a submitted task, and no other, has a job that finishes it at its time",
        "select 'task ' || coalesce(tasks.id, subject_id) as subject, coalesce(tasks.status::text, 'none') || ', finishes '
             || coalesce(finishes_at::text, 'never') || ', job due ' || coalesce(due_at::text, 'never') as detail
         from (select * from tasks where status = 'SUBMITTED') tasks
             full join (select * from jobs where kind = 'FINISH_TASK') jobs on subject_id = tasks.id
         where finishes_at is distinct from due_at",
    ),
    (
        "a job is done within ten minutes of its time",
        "select 'job ' || id as subject, kind || ' ' || subject_id || ', due ' || due_at || ', failed ' || failures || ' times' as detail
         from jobs where due_at < now() - interval '10 minutes'",
    ),
    (
        "a disputed task, and no other, has an open dispute, and a decision says what was paid",
        "select 'task ' || tasks.id as subject, status || ', paid ' || coalesce(tasks.paid, 0) || ', last dispute '
             || coalesce('of ' || d.assignee_id || ', paid ' || coalesce(d.paid::text, 'open'), 'none') as detail
         from tasks left join lateral (select * from task_disputes where task_id = tasks.id order by id desc limit 1) d on true
         where (status = 'DISPUTED') <> (d.id is not null and d.resolved_at is null)
             or (status = 'FINISHED' and d.assignee_id = tasks.assignee_id and d.resolved_at >= tasks.finished_at
                 and d.paid <> tasks.paid)",
    ),
    (
        "an order was paid by its buyer, once, and its money came back if it was cancelled or refunded",
        "select 'order ' || o.id as subject, o.status || ' of ' || o.price || ', paid ' || coalesce(paid, 0) || ' in '
             || coalesce(times, 0) || ', given back ' || coalesce(back, 0) as detail
         from orders o left join (select t.order_id, e.user_id, count(*) filter (where t.reason = 'EXCHANGE') as times,
                 -sum(e.amount) filter (where t.reason = 'EXCHANGE') as paid,
                 sum(e.amount) filter (where t.reason = 'REFUND') as back
             from ledger_transfers t join ledger_entries e on e.transfer_id = t.id and e.account = 'USER'
             where t.order_id is not null group by t.order_id, e.user_id) m on m.order_id = o.id and m.user_id = o.buyer_id
         where coalesce(paid, 0) <> o.price or times <> 1
             or coalesce(back, 0) <> case when o.status in ('CANCELLED', 'REFUNDED') then o.price else 0 end",
    ),
    (
        "money for orders is between buyers and the store, for tasks between people and the task, else with the world outside",
        "select 'entry ' || e.id as subject, e.account || ' for ' || t.reason as detail
         from ledger_entries e join ledger_transfers t on t.id = e.transfer_id
         where e.account not in ('USER', (case when t.order_id is not null then 'STORE' when t.task_id is not null then 'TASK'
             else 'OUTSIDE' end)::ledger_account)",
    ),
    (
        "a stock is what was put in, less what orders hold",
        "select 'product ' || p.id as subject, 'stock ' || stock || ', put in ' || supplied || ', in orders ' || coalesce(held, 0) as detail
         from products p left join (select product_id, count(*) as held from orders where not restocked group by product_id) o
             on o.product_id = p.id where stock <> supplied - coalesce(held, 0)",
    ),
    (
        "an order's history leads to its state, step by step",
        "select 'order ' || o.id as subject, 'is ' || o.status || ', history ' || coalesce(string_agg(
             coalesce(from_status::text, '-') || ' to ' || to_status, ', ' order by h.id), 'empty') as detail
         from orders o left join (select *, lag(to_status) over (partition by order_id order by id) as before,
                 lead(id) over (partition by order_id order by id) is null as is_last from order_events
                 where to_address is null) h on h.order_id = o.id
         group by o.id having bool_or(h.from_status is distinct from h.before) is distinct from false
             or bool_and(not h.is_last or h.to_status = o.status) is distinct from true
             or bool_and((coalesce(h.from_status::text, '') || '>' || h.to_status) in ('>PENDING', 'PENDING>SHIPPED',
                 'PENDING>CANCELLED', 'SHIPPED>COMPLETED', 'SHIPPED>REFUNDED', 'COMPLETED>REFUNDED')) is distinct from true",
    ),
    (
        "a key's mutation is known by what came of it",
        "select 'key ' || key || ' of user ' || user_id as subject, operation || ' without a result' as detail
         from idempotency_keys where result_id is null",
    ),
    (
        "nobody leaves with tasks or orders that are not over",
        "select 'user ' || u.id as subject, what as detail from users u join (
             select publisher_id as id, 'task ' || id as what from tasks where status not in ('FINISHED', 'CANCELLED')
             union all select assignee_id, 'task ' || id from tasks where status in ('ACCEPTED', 'SUBMITTED', 'DISPUTED')
             union all select buyer_id, 'order ' || id from orders where status in ('PENDING', 'SHIPPED')) open on open.id = u.id
         where u.deleted_at is not null",
    ),
    (
        "an item is liked as often as it says",
        "select 'item ' || i.id as subject, 'says ' || favorite_count || ', is ' || count(f.id) as detail
         from items i left join favorites f on f.item_id = i.id group by i.id having favorite_count <> count(f.id)",
    ),
    (
        "a conversation's messages have every number once, from 1 on",
        "select 'conversation ' || c.id as subject, 'last ' || last_seq || ', messages ' || count(m.seq) || ' up to '
             || coalesce(max(m.seq), 0) as detail
         from conversations c left join messages m on m.conversation_id = c.id group by c.id
         having last_seq <> count(distinct m.seq) or last_seq <> coalesce(max(m.seq), 0)",
    ),
    (
        "somebody's files are as many as they say",
        "select 'user ' || owner_id as subject, 'says ' || coalesce(files, 0) || ', is ' || coalesce(n, 0) as detail
         from file_usage full join (select owner_id, count(*) as n from media group by owner_id) m using (owner_id)
         where coalesce(files, 0) <> coalesce(n, 0)",
    ),
    (
        "what can be found is there, and can be seen",
        "select e.kind || ' ' || e.subject_id as subject, 'is gone, or hidden' as detail from search_entries e where case e.kind
             when 'USER' then not exists (select from users where id = subject_id and deleted_at is null)
             when 'ITEM' then not exists (select from items where id = subject_id and status <> 'DELETED')
             when 'TASK' then not exists (select from tasks where id = subject_id and status <> 'CANCELLED')
             when 'PRODUCT' then not exists (select from products where id = subject_id and deleted_at is null) end",
    ),
];

/// What breaks the rules, as far as it is shown.
pub async fn find_all(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Finding>> {
    // Somebody asks for this, and waits.
    diesel::sql_query("set local statement_timeout = 0").execute(conn).await?;
    let mut findings = Vec::new();
    for (rule, sql) in RULES {
        let rows: Vec<Row> = diesel::sql_query(format!("select * from ({sql}) broken limit 20")).load(conn).await?;
        findings.extend(rows.into_iter().map(|Row { subject, detail }| Finding { rule, subject, detail }));
    }
    Ok(findings)
}
