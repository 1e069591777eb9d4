-- What can be found by words. The words are made in Rust (src/search); PostgreSQL only keeps and finds them.

create type search_kind as enum ('USER', 'ITEM');

create table search_entries (
    kind search_kind not null,
    -- The row that is found.
    subject_id bigint not null,
    -- By which version of the rules the words were made; 0 for none yet.
    version smallint not null,
    -- What its score is multiplied with: less than 1 for what is over.
    boost real not null,
    words tsvector not null,
    constraint search_entries_pkey primary key (kind, subject_id)
);

create index search_entries_users_idx on search_entries using gin (words) where kind = 'USER';
create index search_entries_items_idx on search_entries using gin (words) where kind = 'ITEM';
create index search_entries_version_idx on search_entries (version, kind, subject_id);

-- The Latin words that entries have, to find those that somebody typed a part of, or mistyped.
create table search_words (
    word text not null,
    kind search_kind not null,
    constraint search_words_pkey primary key (word, kind)
);

create index search_words_word_idx on search_words using gin (word gin_trgm_ops);

-- Who is here already is indexed once the server runs.
insert into search_entries (kind, subject_id, version, boost, words)
    select 'USER', id, 0, 1, '' from users where deleted_at is null;
