-- Groups: who is in them, as what, and who asks to join.

create type group_role as enum ('OWNER', 'MANAGER', 'GENERAL');

-- A group has the id of its conversation.
create table groups (
    id bigint not null,
    name text not null,
    intro text not null,
    announcement text,
    avatar_id bigint,
    owner_id bigint not null,
    member_count integer not null,
    disable_add_member boolean not null,
    disable_view_member boolean not null,
    disable_join_requests boolean not null,
    enable_history_for_new_members boolean not null,
    mute_all boolean not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    dissolved_at timestamptz,
    constraint groups_pkey primary key (id),
    constraint groups_id_fkey foreign key (id) references conversations (id),
    constraint groups_avatar_id_fkey foreign key (avatar_id) references media (id),
    constraint groups_owner_id_fkey foreign key (owner_id) references users (id),
    constraint groups_name_check check (octet_length(name) between 1 and 1250),
    constraint groups_intro_check check (octet_length(intro) <= 12500),
    constraint groups_announcement_check check (octet_length(announcement) <= 50000),
    constraint groups_member_count_check check (member_count between 0 and 500),
    constraint groups_dissolved_at_check check (dissolved_at is null or member_count = 0)
);

create index groups_created_at_idx on groups (created_at, id) where dissolved_at is null;
create index groups_avatar_id_idx on groups (avatar_id);
create index groups_owner_id_idx on groups (owner_id);
create index search_entries_groups_idx on search_entries using gin (words) where kind = 'GROUP';

create table group_members (
    id bigint generated always as identity,
    group_id bigint not null,
    user_id bigint not null,
    role group_role not null,
    name_card text not null default '',
    joined_at timestamptz not null,
    constraint group_members_pkey primary key (id),
    constraint group_members_group_id_fkey foreign key (group_id) references groups (id),
    constraint group_members_user_id_fkey foreign key (user_id) references users (id),
    constraint group_members_user_key unique (group_id, user_id),
    constraint group_members_name_card_check check (octet_length(name_card) <= 750)
);

create unique index group_members_owner_key on group_members (group_id) where role = 'OWNER';
create index group_members_group_id_idx on group_members (group_id, id);
create index group_members_user_id_idx on group_members (user_id, id);

create table group_join_requests (
    id bigint generated always as identity,
    group_id bigint not null,
    user_id bigint not null,
    reason text not null,
    deny_reason text,
    status friend_request_status not null default 'WAITING',
    created_at timestamptz not null,
    -- A request that waits is over then.
    expires_at timestamptz not null,
    replied_at timestamptz,
    constraint group_join_requests_pkey primary key (id),
    constraint group_join_requests_group_id_fkey foreign key (group_id) references groups (id),
    constraint group_join_requests_user_id_fkey foreign key (user_id) references users (id),
    constraint group_join_requests_reason_check check (octet_length(reason) <= 5000),
    constraint group_join_requests_deny_reason_check check (octet_length(deny_reason) <= 5000),
    constraint group_join_requests_replied_at_check check ((replied_at is null) = (status in ('WAITING', 'EXPIRED')))
);

create unique index group_join_requests_waiting_key on group_join_requests (group_id, user_id) where status = 'WAITING';
create index group_join_requests_pair_idx on group_join_requests (group_id, user_id, id);
create index group_join_requests_group_id_idx on group_join_requests (group_id, id);
create index group_join_requests_group_id_status_idx on group_join_requests (group_id, status, id);
create index group_join_requests_group_id_unanswered_idx on group_join_requests (group_id, id)
    where status in ('WAITING', 'EXPIRED');
create index group_join_requests_user_id_idx on group_join_requests (user_id, id);
create index group_join_requests_user_id_status_idx on group_join_requests (user_id, status, id);
create index group_join_requests_user_id_unanswered_idx on group_join_requests (user_id, id)
    where status in ('WAITING', 'EXPIRED');

-- The name of a group, and whether only those who run it may send.
alter table conversations
    add column title text,
    add column mute_all boolean not null default false;

-- Of a group's members: whether they run it, and until when they can't send.
alter table members
    add column is_staff boolean not null default false,
    add column muted_until timestamptz;
