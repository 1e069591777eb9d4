\set person random(50001, 50064)
select balance, held from wallets where user_id = :person::bigint;
select e.id, e.amount, e.balance_after, t.reason, t.created_at, k.id, k.title, k.status, o.id, o.product_name, o.status
from (select * from ledger_entries where user_id = :person::bigint order by id desc limit 20) e
    join ledger_transfers t on t.id = e.transfer_id
    left join tasks k on k.id = t.task_id left join orders o on o.id = t.order_id
order by e.id desc;
