//! What should hold of people, items, files, and of what is found.

use super::Rule;

/// The rules of this area.
pub const RULES: &[Rule] = &[
    (
        "an item is liked as often as it says",
        "select 'item ' || i.id as subject, 'says ' || favorite_count || ', is ' || count(f.id) as detail
         from items i left join favorites f on f.item_id = i.id group by i.id having favorite_count <> count(f.id)",
    ),
    (
        "a user's files are as many as they say",
        "select 'user ' || owner_id as subject, 'says ' || coalesce(files, 0) || ' of ' || coalesce(bytes, 0) || ' bytes, is '
             || coalesce(n, 0) || ' of ' || coalesce(size, 0) as detail
         from file_usage full join (select owner_id, count(*) as n, sum(size_bytes) as size from (
                 select owner_id, size_bytes from media join blobs on blobs.id = blob_id
                 union all select owner_id, size_bytes from uploads where state = 'OPEN' and pending) held group by owner_id) h
             using (owner_id) where coalesce(files, 0) <> coalesce(n, 0) or coalesce(bytes, 0) <> coalesce(size, 0)",
    ),
    (
        "what can be found is there, and can be seen",
        "select e.kind || ' ' || e.subject_id as subject, 'is gone, or hidden' as detail from search_entries e where case e.kind
             when 'USER' then not exists (select from users where id = subject_id and deleted_at is null)
             when 'ITEM' then not exists (select from items where id = subject_id and status <> 'DELETED')
             when 'TASK' then not exists (select from tasks where id = subject_id and status <> 'CANCELLED')
             when 'PRODUCT' then not exists (select from products where id = subject_id and deleted_at is null)
             when 'GROUP' then not exists (select from groups where id = subject_id and dissolved_at is null)
             when 'MERCHANT' then not exists (select from merchants where id = subject_id and closed_at is null) end",
    ),
    (
        "no user leaves with tasks or orders that are not over",
        "select 'user ' || u.id as subject, what as detail from users u join (
             select publisher_id as id, 'task ' || id as what from tasks where status not in ('FINISHED', 'CANCELLED')
             union all select assignee_id, 'task ' || id from tasks where status in ('ACCEPTED', 'SUBMITTED', 'DISPUTED')
             union all select buyer_id, 'order ' || id from orders where status in ('PENDING', 'SHIPPED')) open on open.id = u.id
         where u.deleted_at is not null",
    ),
    (
        "what can be seen can be found, at its place",
        "select s.kind || ' ' || s.id as subject, case when e.subject_id is null then 'can''t be found'
             when e.version not between 0 and {search_version} then 'words of version ' || e.version
             else 'boost ' || e.boost || ' in place of ' || s.boost end as detail
         from (select 'USER'::search_kind as kind, id, 1::real as boost from users where deleted_at is null
             union all select 'ITEM', id, case status when 'OPEN' then 1 else 0.5 end from items where status <> 'DELETED'
             union all select 'TASK', id, case status when 'OPEN' then 1 else 0.5 end from tasks where status <> 'CANCELLED'
             union all select 'PRODUCT', id, 1 from products where deleted_at is null
             union all select 'GROUP', id, 1 from groups where dissolved_at is null
             union all select 'MERCHANT', id, 1 from merchants where closed_at is null) s
             left join search_entries e on e.kind = s.kind and e.subject_id = s.id
         where e.subject_id is null or e.boost <> s.boost or e.version not between 0 and {search_version}",
    ),
    (
        "contents are used as often as they say",
        "select 'content ' || b.id as subject, 'says ' || uses || ', is ' || count(u.id) as detail
         from blobs b left join (select blob_id as id from media
             union all select thumbnail_id from media where thumbnail_id is not null) u on u.id = b.id
         group by b.id having uses <> count(u.id)",
    ),
];
