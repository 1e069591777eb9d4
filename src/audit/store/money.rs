//! What should hold of money: balances, transfers, rewards, payments.

use super::Rule;

/// The rules of this area.
pub const RULES: &[Rule] = &[
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
             or (t.reason = 'TASK_HOLD') <> (e.amount < 0) or (t.reason = 'TASK_PAYOUT' and e.amount <> coalesce(tasks.paid, tasks.price)))",
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
        "select 'task ' || tasks.id as subject, status || ', paid ' || coalesce(tasks.paid, tasks.price) || ', last dispute '
             || coalesce('of ' || d.assignee_id || ', paid ' || coalesce(d.paid::text, 'open'), 'none') as detail
         from tasks left join lateral (select * from task_disputes where task_id = tasks.id order by id desc limit 1) d on true
         where (status = 'DISPUTED') <> (d.id is not null and d.resolved_at is null)
             or (status = 'FINISHED' and d.assignee_id = tasks.assignee_id and d.resolved_at >= tasks.finished_at
                 and d.paid <> coalesce(tasks.paid, tasks.price))",
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
        "a key's mutation is known by what came of it",
        "select 'key ' || key || ' of user ' || user_id as subject, operation || ' without a result' as detail
         from idempotency_keys where result_id is null",
    ),
    (
        "money is moved by who may",
        "select 'transfer ' || t.id as subject, t.reason || ' by ' || coalesce('user ' || t.actor_id, 'no user') as detail
         from ledger_transfers t left join ledger_entries e on e.transfer_id = t.id and e.account = 'USER'
         where case when t.reason in ('RECHARGE', 'EXCHANGE') then t.actor_id is distinct from e.user_id
             when t.reason in ('REFUND', 'ADMIN_ADJUSTMENT') then t.actor_id is null else false end",
    ),
];
