alter table members
    -- Up to here the member's devices have fetched messages, as they said or by pulling: what they send themselves does not count,
    -- as it does for `delivered_seq`. Null where it is that one, for members who have sent nothing since this was added.
    add column fetched_seq integer;

-- What administrators read of other users' messages.
create table message_views (
    id bigint generated always as identity primary key,
    admin_id bigint not null references users (id),
    -- The filter and the page, as they were asked for.
    asked jsonb not null,
    messages integer not null,
    viewed_at timestamptz not null
);

create index message_views_admin_id_idx on message_views (admin_id);
