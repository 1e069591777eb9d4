-- All that was said in a ticket, and wallets that take what is owed.

-- All that was asked and answered in a ticket, in its order. The ticket's row keeps the first question and the last answer.
create table ticket_lines (
    id bigint generated always as identity,
    ticket_id bigint not null,
    author_id bigint not null,
    -- By support; otherwise the ticket's author asks.
    is_answer boolean not null,
    content text not null,
    created_at timestamptz not null,
    constraint ticket_lines_pkey primary key (id),
    constraint ticket_lines_ticket_id_fkey foreign key (ticket_id) references tickets (id),
    constraint ticket_lines_author_id_fkey foreign key (author_id) references users (id),
    constraint ticket_lines_content_check check (char_length(content) between 1 and 2000)
);
create index ticket_lines_ticket_id_idx on ticket_lines (ticket_id, id);

-- Nobody asks or answers beside the copy.
lock table tickets in share row exclusive mode;
insert into ticket_lines (ticket_id, author_id, is_answer, content, created_at)
    select id, author_id, is_answer, content, at from (
        select id, author_id, false as is_answer, question as content, created_at as at from tickets
        union all select id, agent_id, true, answer, updated_at from tickets where answer is not null
    ) lines order by id, is_answer;

-- A ticket that is asked again is open, and keeps its last answer.
alter table tickets
    add column closed_by bigint,
    add constraint tickets_closed_by_fkey foreign key (closed_by) references users (id) not valid,
    add constraint tickets_closed_by_check check (closed_by is null or status = 'CLOSED') not valid,
    drop constraint tickets_status_check,
    add constraint tickets_status_check check (status <> 'ANSWERED' or answer is not null) not valid;

-- Recharging and adjusting are bounded where they are asked for; what is owed (refunds, rewards) goes over that bound. What
-- is held can always be given back.
alter table wallets
    drop constraint wallets_total_check,
    add constraint wallets_total_check check (balance <= 9223372036854775807 - held) not valid;
