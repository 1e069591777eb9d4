-- Whoever starts a direct conversation sends a bounded number of messages until the other one answers.
alter table conversations
    -- Who sent the first message of a direct conversation; null for groups, and for conversations older than this column.
    add opened_by bigint,
    -- Whether anybody else has sent one; true where nobody is to be bound.
    add answered boolean not null default true,
    add constraint conversations_opened_by_fkey foreign key (opened_by) references users (id) not valid;
