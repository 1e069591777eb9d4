-- How often somebody tried something lately, for all instances: wrong passwords, new accounts.

create table rate_counts (
    -- Hash of what is counted and for whom.
    key bytea not null,
    used integer not null,
    ends_at timestamptz not null,
    constraint rate_counts_pkey primary key (key),
    constraint rate_counts_used_check check (used >= 0)
);

create index rate_counts_ends_at_idx on rate_counts (ends_at);
