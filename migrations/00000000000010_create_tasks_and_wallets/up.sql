-- Paid mutual help, and the double-entry ledger that all money moves in.

create type task_status as enum ('OPEN', 'ACCEPTED', 'FINISHED', 'CANCELLED');

create table tasks (
    id bigint generated always as identity,
    publisher_id bigint not null,
    -- Who does it; of a cancelled one, who was about to.
    assignee_id bigint,
    title text not null,
    content text not null,
    -- The reward, in fen; held from the publisher's balance while the task is open or accepted.
    price bigint not null,
    status task_status not null default 'OPEN',
    accepted_at timestamptz,
    finished_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint tasks_pkey primary key (id),
    constraint tasks_publisher_id_fkey foreign key (publisher_id) references users (id),
    constraint tasks_assignee_id_fkey foreign key (assignee_id) references users (id),
    constraint tasks_title_check check (char_length(title) between 1 and 100),
    constraint tasks_content_check check (char_length(content) between 1 and 5000),
    constraint tasks_price_check check (price between 0 and 9999999999),
    constraint tasks_own_check check (assignee_id <> publisher_id),
    constraint tasks_assignee_check check (
        (status = 'OPEN') <= (assignee_id is null)
        and (status in ('ACCEPTED', 'FINISHED')) <= (assignee_id is not null)
        and (assignee_id is null) = (accepted_at is null)
    ),
    constraint tasks_finished_at_check check ((status = 'FINISHED') = (finished_at is not null))
);

-- One for each order of each list; all of them are led by the state.
create index tasks_status_created_at_idx on tasks (status, created_at, id);
create index tasks_status_price_idx on tasks (status, price, id);
create index tasks_publisher_id_idx on tasks (publisher_id, status, created_at, id);
create index tasks_assignee_id_idx on tasks (assignee_id, status, created_at, id) where assignee_id is not null;

create table task_images (
    task_id bigint not null,
    position smallint not null,
    media_id bigint not null,
    constraint task_images_pkey primary key (task_id, position),
    constraint task_images_task_id_media_id_key unique (task_id, media_id),
    constraint task_images_task_id_fkey foreign key (task_id) references tasks (id),
    constraint task_images_media_id_fkey foreign key (media_id) references media (id),
    constraint task_images_position_check check (position between 0 and 8)
);

create index task_images_media_id_idx on task_images (media_id);

create type ledger_reason as enum (
    'RECHARGE', 'EXCHANGE', 'REFUND', 'TASK_HOLD', 'TASK_RELEASE', 'TASK_PAYOUT', 'ADMIN_ADJUSTMENT'
);
-- A user's balance, a task's held reward, the store, the world outside.
create type ledger_account as enum ('USER', 'TASK', 'STORE', 'OUTSIDE');

-- What somebody has, in fen. Both are sums of the ledger, kept in the same transactions: the balance of the user's own
-- entries, what is held of the entries of their open and accepted tasks.
create table wallets (
    user_id bigint not null,
    balance bigint not null default 0,
    held bigint not null default 0,
    constraint wallets_pkey primary key (user_id),
    constraint wallets_user_id_fkey foreign key (user_id) references users (id),
    constraint wallets_balance_check check (balance >= 0),
    constraint wallets_held_check check (held >= 0),
    -- What is held can always be given back.
    constraint wallets_total_check check (balance + held <= 9999999999999)
);

create table ledger_transfers (
    id bigint generated always as identity,
    reason ledger_reason not null,
    task_id bigint,
    -- Who moved the money; null for Plaza itself.
    actor_id bigint,
    note text,
    -- Gives all of a task's reward back, or pays it.
    settles boolean not null default false,
    created_at timestamptz not null,
    constraint ledger_transfers_pkey primary key (id),
    constraint ledger_transfers_task_id_fkey foreign key (task_id) references tasks (id),
    constraint ledger_transfers_actor_id_fkey foreign key (actor_id) references users (id),
    constraint ledger_transfers_task_check
        check ((reason in ('TASK_HOLD', 'TASK_RELEASE', 'TASK_PAYOUT')) = (task_id is not null)),
    constraint ledger_transfers_settles_check
        check (settles <= (reason in ('TASK_RELEASE', 'TASK_PAYOUT')) and (reason = 'TASK_PAYOUT') <= settles),
    constraint ledger_transfers_note_check
        check (char_length(note) <= 200 and (reason = 'ADMIN_ADJUSTMENT') <= (note is not null))
);

-- A reward is given back or paid once.
create unique index ledger_transfers_settled_key on ledger_transfers (task_id) where settles;
create index ledger_transfers_task_id_idx on ledger_transfers (task_id) where task_id is not null;

create table ledger_entries (
    id bigint generated always as identity,
    transfer_id bigint not null,
    account ledger_account not null,
    user_id bigint,
    amount bigint not null,
    -- The user's balance after it.
    balance_after bigint,
    constraint ledger_entries_pkey primary key (id),
    constraint ledger_entries_transfer_id_fkey foreign key (transfer_id) references ledger_transfers (id),
    constraint ledger_entries_user_id_fkey foreign key (user_id) references users (id),
    constraint ledger_entries_user_check
        check ((account = 'USER') = (user_id is not null) and (account = 'USER') = (balance_after is not null)),
    constraint ledger_entries_amount_check check (amount <> 0),
    constraint ledger_entries_balance_check check (balance_after >= 0)
);

create index ledger_entries_transfer_id_idx on ledger_entries (transfer_id);
create index ledger_entries_user_id_idx on ledger_entries (user_id, id) where user_id is not null;

-- What has moved has moved: a mistake is put right by another transfer. By privilege for the role that Plaza signs in
-- with, and by a trigger for whoever owns or rules the database.
create function ledger_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is only ever added to' using errcode = 'restrict_violation';
end
$$;
create trigger ledger_entries_append_only before update or delete on ledger_entries
    for each row execute function ledger_is_append_only();
create trigger ledger_entries_keep before truncate on ledger_entries
    for each statement execute function ledger_is_append_only();
create trigger ledger_transfers_append_only before update or delete on ledger_transfers
    for each row execute function ledger_is_append_only();
revoke update, delete, truncate on ledger_entries from current_user;

-- Looked at when the transaction ends.
create function ledger_transfer_sums_to_zero() returns trigger language plpgsql as $$
begin
    if (select sum(amount) from ledger_entries where transfer_id = new.transfer_id) <> 0 then
        raise exception 'a transfer has to sum to zero'
            using errcode = 'check_violation', constraint = 'ledger_transfers_sum_check', table = 'ledger_entries';
    end if;
    return null;
end
$$;
create constraint trigger ledger_transfers_sum_check after insert on ledger_entries
    deferrable initially deferred for each row execute function ledger_transfer_sums_to_zero();

-- Mutations that were sent with a key: what a repeat is answered with.
create table idempotency_keys (
    user_id bigint not null,
    operation text not null,
    key text not null,
    -- SHA-256 of the arguments.
    input_hash bytea not null,
    -- The row that was made or changed; null only inside the transaction that does so.
    result_id bigint,
    created_at timestamptz not null,
    constraint idempotency_keys_pkey primary key (user_id, operation, key),
    constraint idempotency_keys_user_id_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint idempotency_keys_input_hash_check check (octet_length(input_hash) = 32)
);

create index idempotency_keys_created_at_idx on idempotency_keys (created_at);

create index search_entries_tasks_idx on search_entries using gin (words) where kind = 'TASK';
