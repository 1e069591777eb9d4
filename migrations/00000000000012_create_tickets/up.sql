-- Questions that people ask the community's support, and the answers.

create type ticket_status as enum ('OPEN', 'ANSWERED', 'CLOSED');

create table tickets (
    id bigint generated always as identity,
    author_id bigint not null,
    -- Who answered last.
    agent_id bigint,
    order_id bigint,
    question text not null,
    answer text,
    status ticket_status not null default 'OPEN',
    -- The words of question and answer, made in Rust as search makes its own.
    words tsvector not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    constraint tickets_pkey primary key (id),
    constraint tickets_author_id_fkey foreign key (author_id) references users (id),
    constraint tickets_agent_id_fkey foreign key (agent_id) references users (id),
    constraint tickets_order_id_fkey foreign key (order_id) references orders (id),
    constraint tickets_question_check check (char_length(question) between 1 and 2000),
    constraint tickets_answer_check check (char_length(answer) between 1 and 2000 and (answer is null) = (agent_id is null)),
    constraint tickets_status_check check ((status = 'OPEN') <= (answer is null) and (status = 'ANSWERED') <= (answer is not null))
);

create index tickets_status_idx on tickets (status, created_at, id);
create index tickets_author_id_idx on tickets (author_id, status, created_at, id);
create index tickets_order_id_idx on tickets (order_id) where order_id is not null;
create index tickets_words_idx on tickets using gin (words);
