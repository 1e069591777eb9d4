-- Friends: who is one, who asked whom, who blocks whom, and the groups in which people sort their friends.

create type friend_request_status as enum ('WAITING', 'ACCEPTED', 'DENIED', 'CANCELLED', 'EXPIRED');

-- A row for each two people who have to do with each other: all that changes between them locks it first.
create table relations (
    low_user_id bigint not null,
    high_user_id bigint not null,
    friends_since timestamptz,
    constraint relations_pkey primary key (low_user_id, high_user_id),
    constraint relations_low_user_id_fkey foreign key (low_user_id) references users (id),
    constraint relations_high_user_id_fkey foreign key (high_user_id) references users (id),
    constraint relations_order_check check (low_user_id < high_user_id)
);

create index relations_high_user_id_idx on relations (high_user_id, low_user_id);

create table blocks (
    id bigint generated always as identity,
    blocker_id bigint not null,
    blocked_id bigint not null,
    created_at timestamptz not null,
    constraint blocks_pkey primary key (id),
    constraint blocks_blocker_id_fkey foreign key (blocker_id) references users (id),
    constraint blocks_blocked_id_fkey foreign key (blocked_id) references users (id),
    constraint blocks_pair_key unique (blocker_id, blocked_id),
    constraint blocks_people_check check (blocker_id <> blocked_id)
);

create index blocks_blocker_id_idx on blocks (blocker_id, id);
create index blocks_blocked_id_idx on blocks (blocked_id);

create table friend_requests (
    id bigint generated always as identity,
    from_user_id bigint not null,
    to_user_id bigint not null,
    reason text not null,
    deny_reason text,
    status friend_request_status not null default 'WAITING',
    -- Sent by a person whom the other one blocks: the other one never sees it.
    hidden boolean not null,
    created_at timestamptz not null,
    -- A request that waits is over then.
    expires_at timestamptz not null,
    replied_at timestamptz,
    constraint friend_requests_pkey primary key (id),
    constraint friend_requests_from_user_id_fkey foreign key (from_user_id) references users (id),
    constraint friend_requests_to_user_id_fkey foreign key (to_user_id) references users (id),
    constraint friend_requests_people_check check (from_user_id <> to_user_id),
    constraint friend_requests_reason_check check (octet_length(reason) <= 5000),
    constraint friend_requests_deny_reason_check check (octet_length(deny_reason) <= 5000),
    constraint friend_requests_replied_at_check check ((replied_at is null) = (status in ('WAITING', 'EXPIRED')))
);

create unique index friend_requests_waiting_key on friend_requests (from_user_id, to_user_id) where status = 'WAITING';
create index friend_requests_pair_idx on friend_requests (from_user_id, to_user_id, id);
create index friend_requests_from_user_id_idx on friend_requests (from_user_id, id);
create index friend_requests_from_user_id_status_idx on friend_requests (from_user_id, status, id);
create index friend_requests_from_user_id_unanswered_idx on friend_requests (from_user_id, id)
    where status in ('WAITING', 'EXPIRED');
create index friend_requests_to_user_id_idx on friend_requests (to_user_id, id) where not hidden;
create index friend_requests_to_user_id_status_idx on friend_requests (to_user_id, status, id) where not hidden;
create index friend_requests_to_user_id_unanswered_idx on friend_requests (to_user_id, id)
    where status in ('WAITING', 'EXPIRED') and not hidden;

-- A friendship as one of the two has it.
create table friendships (
    id bigint generated always as identity,
    owner_id bigint not null,
    friend_id bigint not null,
    -- What the owner calls the friend; empty for their nickname.
    remark text not null default '',
    labels text[] not null default '{}',
    -- What it is sorted by: the remark or the nickname, with pinyin for Chinese characters.
    sort_key text collate "C" not null,
    -- The owner blocks the friend.
    hidden boolean not null default false,
    created_at timestamptz not null,
    constraint friendships_pkey primary key (id),
    constraint friendships_owner_id_fkey foreign key (owner_id) references users (id),
    constraint friendships_friend_id_fkey foreign key (friend_id) references users (id),
    constraint friendships_pair_key unique (owner_id, friend_id),
    constraint friendships_people_check check (owner_id <> friend_id),
    constraint friendships_remark_check check (octet_length(remark) <= 750),
    constraint friendships_labels_check check (cardinality(labels) <= 20)
);

create index friendships_owner_id_idx on friendships (owner_id, sort_key, id) where not hidden;
create index friendships_friend_id_idx on friendships (friend_id);

-- How many friends a person has.
create table friend_counts (
    user_id bigint not null,
    friends integer not null,
    constraint friend_counts_pkey primary key (user_id),
    constraint friend_counts_user_id_fkey foreign key (user_id) references users (id),
    constraint friend_counts_friends_check check (friends between 0 and 5000)
);

create table friend_groups (
    id bigint generated always as identity,
    owner_id bigint not null,
    name text not null,
    created_at timestamptz not null,
    constraint friend_groups_pkey primary key (id),
    constraint friend_groups_owner_id_fkey foreign key (owner_id) references users (id),
    constraint friend_groups_name_key unique (owner_id, name),
    constraint friend_groups_name_check check (octet_length(name) between 1 and 750)
);

create table friend_group_members (
    group_id bigint not null,
    friendship_id bigint not null,
    constraint friend_group_members_pkey primary key (group_id, friendship_id),
    constraint friend_group_members_group_id_fkey foreign key (group_id) references friend_groups (id) on delete cascade,
    constraint friend_group_members_friendship_id_fkey foreign key (friendship_id) references friendships (id) on delete cascade
);

create index friend_group_members_friendship_id_idx on friend_group_members (friendship_id);

-- One of the two people of a direct conversation blocks the other one: neither can send. Kept beside `blocks`, so that a
-- send looks at one row.
alter table conversations
    add column low_blocks boolean not null default false,
    add column high_blocks boolean not null default false;
