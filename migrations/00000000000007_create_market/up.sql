-- The market: what people sell and want, its pictures, and who likes what.

create type item_direction as enum ('SELL', 'WANT');
create type item_status as enum ('OPEN', 'CLOSED', 'DELETED');

create table items (
    id bigint generated always as identity,
    owner_id bigint not null,
    title text not null,
    category integer not null,
    -- In fen.
    price bigint not null,
    -- Per cent of new.
    condition smallint not null,
    note text not null,
    direction item_direction not null,
    status item_status not null default 'OPEN',
    -- Who took it, while it is closed; stays when it is deleted after that.
    counterparty_id bigint,
    -- Rows of favorites.
    favorite_count integer not null default 0,
    closed_at timestamptz,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint items_pkey primary key (id),
    constraint items_owner_id_fkey foreign key (owner_id) references users (id),
    constraint items_counterparty_id_fkey foreign key (counterparty_id) references users (id),
    constraint items_title_check check (char_length(title) between 1 and 100),
    constraint items_category_check check (category >= 0),
    constraint items_price_check check (price between 0 and 9999999999),
    constraint items_condition_check check (condition between 0 and 100),
    constraint items_note_check check (char_length(note) <= 2000),
    constraint items_counterparty_check check (counterparty_id <> owner_id and (counterparty_id is null or status <> 'OPEN')),
    constraint items_closed_at_check check ((status = 'OPEN') <= (closed_at is null) and (status = 'CLOSED') <= (closed_at is not null)),
    constraint items_favorite_count_check check (favorite_count >= 0)
);

-- One for each order of the feed, led by what nearly every list is restricted to.
create index items_status_created_at_idx on items (status, created_at, id);
create index items_status_price_idx on items (status, price, id);
create index items_status_favorite_count_idx on items (status, favorite_count, id);
create index items_category_created_at_idx on items (category, status, created_at, id);
create index items_category_price_idx on items (category, status, price, id);
create index items_category_favorite_count_idx on items (category, status, favorite_count, id);
-- What is sold, or wanted, newest first; the condition is looked at in the index, before any row is.
create index items_status_direction_created_at_idx on items (status, direction, created_at, id, condition);
create index items_owner_id_idx on items (owner_id, created_at, id);
-- What both parties of a trade look back on.
create index items_owner_id_closed_at_idx on items (owner_id, closed_at, id) where status = 'CLOSED';
create index items_counterparty_id_closed_at_idx on items (counterparty_id, closed_at, id) where status = 'CLOSED';

create table item_images (
    item_id bigint not null,
    position smallint not null,
    media_id bigint not null,
    constraint item_images_pkey primary key (item_id, position),
    constraint item_images_item_id_media_id_key unique (item_id, media_id),
    constraint item_images_item_id_fkey foreign key (item_id) references items (id),
    constraint item_images_media_id_fkey foreign key (media_id) references media (id),
    constraint item_images_position_check check (position between 0 and 8)
);

create index item_images_media_id_idx on item_images (media_id);

create table favorites (
    id bigint generated always as identity,
    user_id bigint not null,
    item_id bigint not null,
    created_at timestamptz not null,
    constraint favorites_pkey primary key (id),
    constraint favorites_user_id_item_id_key unique (user_id, item_id),
    constraint favorites_user_id_fkey foreign key (user_id) references users (id),
    constraint favorites_item_id_fkey foreign key (item_id) references items (id)
);

create index favorites_user_id_id_idx on favorites (user_id, id);

alter type event_kind add value if not exists 'ITEM_TRADED';
