\set person random(50001, 50064)
select json_build_object('balance', (balance / 100.0)::text, 'held', (held / 100.0)::text, 'entries', (
    select json_agg(json_build_object('id', e.id, 'amount', (e.amount / 100.0)::text,
        'balanceAfter', (e.balance_after / 100.0)::text, 'reason', t.reason, 'createdAt', t.created_at,
        'task', case when k.id is not null then json_build_object('id', k.id, 'title', k.title, 'status', k.status) end,
        'order', case when o.id is not null
            then json_build_object('id', o.id, 'productName', o.product_name, 'status', o.status) end) order by e.id desc)
    from (select * from ledger_entries where user_id = wallets.user_id order by id desc limit 20) e
        join ledger_transfers t on t.id = e.transfer_id
        left join tasks k on k.id = t.task_id left join orders o on o.id = t.order_id))
from wallets where user_id = :person::bigint;
