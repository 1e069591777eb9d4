-- The points store: products, and the orders that people exchange their balance for.

create type order_status as enum ('PENDING', 'SHIPPED', 'COMPLETED', 'CANCELLED', 'REFUNDED');

create table products (
    id bigint generated always as identity,
    name text not null,
    -- In fen.
    price bigint not null,
    -- What can be had.
    stock integer not null,
    -- All that was ever put in, less what was taken out by hand: stock and what orders hold.
    supplied bigint not null,
    image_id bigint not null,
    deleted_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint products_pkey primary key (id),
    constraint products_image_id_fkey foreign key (image_id) references media (id),
    constraint products_name_check check (char_length(name) between 1 and 100),
    constraint products_price_check check (price between 1 and 9999999999),
    constraint products_stock_check check (stock >= 0)
);

create index products_created_at_idx on products (created_at, id) where deleted_at is null;
create index products_price_idx on products (price, id) where deleted_at is null;
create index products_name_idx on products (name, id) where deleted_at is null;
create index products_image_id_idx on products (image_id);

create table orders (
    id bigint generated always as identity,
    buyer_id bigint not null,
    product_id bigint not null,
    -- As they were when it was ordered.
    product_name text not null,
    price bigint not null,
    image_id bigint not null,
    address text not null,
    tracking_number text,
    status order_status not null default 'PENDING',
    -- Whether its piece is in stock again.
    restocked boolean not null default false,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint orders_pkey primary key (id),
    constraint orders_buyer_id_fkey foreign key (buyer_id) references users (id),
    constraint orders_product_id_fkey foreign key (product_id) references products (id),
    constraint orders_image_id_fkey foreign key (image_id) references media (id),
    constraint orders_price_check check (price between 1 and 9999999999),
    constraint orders_address_check check (char_length(address) <= 200 and (status in ('PENDING', 'SHIPPED')) <= (address <> '')),
    constraint orders_tracking_number_check
        check (char_length(tracking_number) between 1 and 64 and (status = 'PENDING') <= (tracking_number is null)),
    constraint orders_restocked_check
        check ((status = 'CANCELLED') <= restocked and restocked <= (status in ('CANCELLED', 'REFUNDED')))
);

create index orders_status_idx on orders (status, created_at, id);
create index orders_buyer_id_idx on orders (buyer_id, status, created_at, id);
create index orders_product_id_idx on orders (product_id);
create index orders_image_id_idx on orders (image_id);

create table order_events (
    id bigint generated always as identity,
    order_id bigint not null,
    -- Null for Plaza itself.
    actor_id bigint,
    from_status order_status,
    to_status order_status not null,
    note text,
    at timestamptz not null,
    constraint order_events_pkey primary key (id),
    constraint order_events_order_id_fkey foreign key (order_id) references orders (id),
    constraint order_events_actor_id_fkey foreign key (actor_id) references users (id),
    constraint order_events_note_check check (char_length(note) <= 200),
    -- No state is come to twice.
    constraint order_events_order_id_to_status_key unique (order_id, to_status)
);

alter table ledger_transfers add column order_id bigint;
alter table ledger_transfers
    add constraint ledger_transfers_order_id_fkey foreign key (order_id) references orders (id),
    add constraint ledger_transfers_order_check check ((reason in ('EXCHANGE', 'REFUND')) = (order_id is not null));
-- An order is paid once, and its money given back once.
create unique index ledger_transfers_order_key on ledger_transfers (order_id, reason) where order_id is not null;

create index search_entries_products_idx on search_entries using gin (words) where kind = 'PRODUCT';
