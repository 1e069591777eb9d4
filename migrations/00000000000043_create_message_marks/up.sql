-- What is known of messages beside their content: mentions, reactions, that they were forwarded; messages that show something of
-- Plaza's own; and what members deleted or hid for themselves.

alter type message_type add value if not exists 'CARD';

alter table messages
    -- Members mentioned by name, in the order given; null for none.
    add column mentions bigint[],
    -- It mentions all members.
    add column mentions_all boolean not null default false,
    -- Its content was taken over from another message.
    add column is_forwarded boolean not null default false,
    -- Rows of `reactions`.
    add column reaction_count integer not null default 0,
    -- The user who took it back.
    add column revoked_by bigint constraint messages_revoked_by_fkey references users (id),
    add constraint messages_gone_check check (content is not null
        or (mentions is null and not mentions_all and reaction_count = 0)) not valid;

create index messages_mentions_all_idx on messages (conversation_id, seq) where mentions_all;

-- Members mentioned by name, for counting.
create table message_mentions (
    conversation_id bigint not null references conversations (id),
    user_id bigint not null references users (id),
    seq integer not null,
    primary key (conversation_id, user_id, seq)
);

create table reactions (
    message_id bigint not null references messages (id),
    emoji text collate "C" not null constraint reactions_emoji_check check (octet_length(emoji) between 1 and 64),
    user_id bigint not null references users (id),
    created_at timestamptz not null,
    primary key (message_id, emoji, user_id)
);

create index reactions_user_id_idx on reactions (user_id);

-- Messages that a member deleted for themselves.
create table hidden_messages (
    conversation_id bigint not null references conversations (id),
    user_id bigint not null references users (id),
    seq integer not null,
    primary key (conversation_id, user_id, seq)
);

alter table members
    -- Rows of `hidden_messages`.
    add column hidden_count integer not null default 0,
    -- Not in the member's list while nothing newer was said.
    add column hidden_through integer;
