-- Conversations, who is in them, and their messages.

create type conversation_kind as enum ('DIRECT', 'GROUP');
create type message_type as enum ('TEXT');
create type message_status as enum ('NORMAL', 'REVOKED', 'DELETED');

create table conversations (
    id bigint generated always as identity,
    kind conversation_kind not null,
    -- The two people of a direct conversation, the smaller id first; the same twice for notes to oneself.
    low_user_id bigint,
    high_user_id bigint,
    -- The seq of the newest message; seqs have no gaps.
    last_seq integer not null default 0,
    -- Counts everything that happened here: messages, edits, markers, memberships.
    version bigint not null default 0,
    -- Counts the changes of who may send here; a sender that looked at an older one looks again.
    membership_version integer not null default 0,
    last_activity_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    constraint conversations_pkey primary key (id),
    constraint conversations_direct_key unique (low_user_id, high_user_id),
    constraint conversations_low_user_fkey foreign key (low_user_id) references users (id),
    constraint conversations_high_user_fkey foreign key (high_user_id) references users (id),
    constraint conversations_direct_check check (
        case kind
            when 'DIRECT' then low_user_id is not null and high_user_id is not null and low_user_id <= high_user_id
            else low_user_id is null and high_user_id is null
        end
    ),
    constraint conversations_last_seq_check check (last_seq >= 0)
);

-- Room on each page for the next version of a busy row.
alter table conversations set (fillfactor = 70);

-- A row stays when somebody leaves: its window says what the person may still see.
create table members (
    conversation_id bigint not null,
    user_id bigint not null,
    -- Messages by seq, everything else by version; an open end means "still here".
    from_seq integer not null default 1,
    until_seq integer,
    from_version bigint not null default 0,
    until_version bigint,
    read_seq integer not null default 0,
    read_at timestamptz,
    delivered_seq integer not null default 0,
    -- Own messages behind read_seq: unread is what came since, less these.
    own_since_read integer not null default 0,
    joined_at timestamptz not null default now(),
    constraint members_pkey primary key (conversation_id, user_id),
    constraint members_conversation_fkey foreign key (conversation_id) references conversations (id),
    constraint members_user_fkey foreign key (user_id) references users (id),
    constraint members_window_check check ((until_seq is null) = (until_version is null)),
    constraint members_markers_check check (read_seq >= 0 and delivered_seq >= read_seq and own_since_read >= 0)
);

create index members_user_idx on members (user_id, conversation_id);
alter table members set (fillfactor = 80);

create table messages (
    id bigint generated always as identity,
    conversation_id bigint not null,
    seq integer not null,
    sender_id bigint not null,
    type message_type not null,
    -- Null once revoked or deleted.
    content jsonb,
    is_private boolean not null,
    status message_status not null default 'NORMAL',
    client_message_id text,
    -- What was sent with the client's id, so that the id can't be used for something else.
    input_hash bytea,
    edited_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint messages_pkey primary key (id),
    constraint messages_seq_key unique (conversation_id, seq),
    constraint messages_client_id_key unique (sender_id, client_message_id),
    constraint messages_conversation_fkey foreign key (conversation_id) references conversations (id),
    constraint messages_sender_fkey foreign key (sender_id) references users (id),
    constraint messages_content_check check ((status = 'NORMAL') = (content is not null)),
    constraint messages_seq_check check (seq >= 1)
);
