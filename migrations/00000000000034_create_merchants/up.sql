-- Merchants: who has joined them, the codes that they are made with, and their groups.

create table merchants (
    id bigint generated always as identity,
    name text not null,
    icon_id bigint,
    owner_id bigint not null,
    -- Who answers customers.
    contact_id bigint not null,
    member_count integer not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    closed_at timestamptz,
    constraint merchants_pkey primary key (id),
    constraint merchants_icon_id_fkey foreign key (icon_id) references media (id),
    constraint merchants_owner_id_fkey foreign key (owner_id) references users (id),
    constraint merchants_contact_id_fkey foreign key (contact_id) references users (id),
    constraint merchants_name_check check (octet_length(name) between 1 and 1250),
    constraint merchants_member_count_check check (member_count >= 0),
    constraint merchants_closed_at_check check (closed_at is null or member_count = 0),
    constraint merchants_icon_id_check check ((closed_at is null) = (icon_id is not null))
);

create index merchants_created_at_idx on merchants (created_at, id) where closed_at is null;
create index merchants_icon_id_idx on merchants (icon_id);
create index merchants_owner_id_idx on merchants (owner_id);
create index merchants_contact_id_idx on merchants (contact_id);
create index search_entries_merchants_idx on search_entries using gin (words) where kind = 'MERCHANT';

create table merchant_members (
    id bigint generated always as identity,
    merchant_id bigint not null,
    user_id bigint not null,
    created_at timestamptz not null,
    constraint merchant_members_pkey primary key (id),
    constraint merchant_members_merchant_id_fkey foreign key (merchant_id) references merchants (id),
    constraint merchant_members_user_id_fkey foreign key (user_id) references users (id),
    -- All columns, so that a membership is found in the index alone.
    constraint merchant_members_user_key unique (merchant_id, user_id) include (id, created_at)
);

create index merchant_members_merchant_id_idx on merchant_members (merchant_id, id) include (user_id, created_at);
create index merchant_members_user_id_idx on merchant_members (user_id, id);

create table activation_codes (
    id bigint generated always as identity,
    -- 32 hexadecimal digits, in lower case.
    code text not null,
    created_at timestamptz not null,
    expires_at timestamptz,
    -- The merchant that was made with it.
    merchant_id bigint,
    constraint activation_codes_pkey primary key (id),
    constraint activation_codes_code_key unique (code),
    constraint activation_codes_merchant_id_key unique (merchant_id),
    constraint activation_codes_merchant_id_fkey foreign key (merchant_id) references merchants (id),
    constraint activation_codes_code_check check (code ~ '^[0-9a-f]{32}$')
);

create index activation_codes_unused_idx on activation_codes (id) where merchant_id is null;

-- Groups of a merchant.
alter table groups add column merchant_id bigint;
alter table groups
    add constraint groups_merchant_id_fkey foreign key (merchant_id) references merchants (id) not valid;
create index groups_merchant_id_idx on groups (merchant_id, created_at, id) where dissolved_at is null;
