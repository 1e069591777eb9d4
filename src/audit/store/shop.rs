//! What should hold of the store and of support: stock, orders, tickets.

use super::Rule;

/// The rules of this area.
pub const RULES: &[Rule] = &[
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
        "an order goes where its last change of address says",
        "select 'order ' || o.id as subject, 'goes elsewhere' as detail
         from orders o join (select distinct on (order_id) order_id, to_address from order_events
             where to_address is not null order by order_id, id desc) h on h.order_id = o.id where o.address <> h.to_address",
    ),
    (
        "a ticket shows its first question and its last answer",
        "select 'ticket ' || t.id as subject, case when q.content is distinct from t.question or q.author_id is distinct from t.author_id
             then 'another question' else 'another answer' end as detail
         from tickets t left join lateral (select author_id, content from ticket_lines
                 where ticket_id = t.id and not is_answer order by id limit 1) q on true
             left join lateral (select author_id, content from ticket_lines
                 where ticket_id = t.id and is_answer order by id desc limit 1) a on true
         where (q.content, q.author_id) is distinct from (t.question, t.author_id)
             or (a.content, a.author_id) is distinct from (t.answer, t.agent_id)",
    ),
];
