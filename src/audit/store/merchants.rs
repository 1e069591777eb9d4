//! What should hold of merchants.

use super::Rule;

/// The rules of this area.
pub const RULES: &[Rule] = &[
    (
        "a merchant has as many members as it says, its owner among them",
        "select 'merchant ' || m.id as subject, 'says ' || member_count || ', is ' || coalesce(j.n, 0) as detail
         from merchants m left join (select merchant_id, count(*) as n from merchant_members group by merchant_id) j
             on j.merchant_id = m.id
         where member_count <> coalesce(j.n, 0) or (closed_at is null and not exists (select from merchant_members o
             where o.merchant_id = m.id and o.user_id = m.owner_id))",
    ),
    (
        "a merchant's owner and contact are there",
        "select 'merchant ' || m.id as subject, 'user ' || u.id || ' left ' || u.deleted_at as detail
         from merchants m join users u on u.id in (m.owner_id, m.contact_id)
         where m.closed_at is null and u.deleted_at is not null",
    ),
    (
        "a merchant was made with a code",
        "select 'merchant ' || m.id as subject, 'no code' as detail
         from merchants m left join activation_codes c on c.merchant_id = m.id where c.id is null",
    ),
];
