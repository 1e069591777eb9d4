-- The second half of a task: submission, dispute, resolution; and work that is done when its time comes.

alter table tasks
    -- The publisher's; nobody can accept it after this.
    add deadline timestamptz,
    add submitted_at timestamptz,
    add submission_note text,
    -- A submitted task is finished then, unless somebody does something with it before.
    add finishes_at timestamptz,
    -- What its assignee was paid of the reward; null where that is all of it, and for tasks that are not finished.
    add paid bigint,
    -- Whose acceptance ended last, and who ended it: the assignee, the publisher or an administrator.
    add former_assignee_id bigint,
    add reopened_by bigint,
    -- Those who had it before: they can't accept it again.
    add refused_ids bigint[] not null default '{}';

-- What is there is checked by migration 23, which lets others work meanwhile.
alter table tasks
    drop constraint tasks_assignee_check,
    add constraint tasks_former_assignee_id_fkey foreign key (former_assignee_id) references users (id) not valid,
    add constraint tasks_reopened_by_fkey foreign key (reopened_by) references users (id) not valid,
    add constraint tasks_assignee_check check (
        (status = 'OPEN') <= (assignee_id is null)
        and (status in ('ACCEPTED', 'SUBMITTED', 'DISPUTED', 'FINISHED')) <= (assignee_id is not null)
        and (assignee_id is null) = (accepted_at is null)
    ) not valid,
    add constraint tasks_submitted_at_check check (
        (status in ('SUBMITTED', 'DISPUTED')) <= (submitted_at is not null)
        and (status in ('OPEN', 'ACCEPTED')) <= (submitted_at is null)
    ) not valid,
    add constraint tasks_submission_note_check check (
        char_length(submission_note) between 1 and 1000 and (submission_note is not null) <= (submitted_at is not null)
    ) not valid,
    add constraint tasks_finishes_at_check check ((status = 'SUBMITTED') = (finishes_at is not null)) not valid,
    add constraint tasks_paid_check check ((paid is not null) <= (status = 'FINISHED') and paid between 0 and price) not valid,
    add constraint tasks_reopened_by_check check ((former_assignee_id is null) = (reopened_by is null)) not valid;

create table task_disputes (
    id bigint generated always as identity,
    task_id bigint not null,
    assignee_id bigint not null,
    opened_by bigint not null,
    reason text not null,
    opened_at timestamptz not null,
    -- An administrator, or the side that gave in; null while it is open.
    resolved_by bigint,
    -- What the assignee gets of the reward.
    paid bigint,
    -- An administrator's.
    note text,
    resolved_at timestamptz,
    constraint task_disputes_pkey primary key (id),
    constraint task_disputes_task_id_fkey foreign key (task_id) references tasks (id),
    constraint task_disputes_assignee_id_fkey foreign key (assignee_id) references users (id),
    constraint task_disputes_opened_by_fkey foreign key (opened_by) references users (id),
    constraint task_disputes_resolved_by_fkey foreign key (resolved_by) references users (id),
    constraint task_disputes_reason_check check (char_length(reason) between 1 and 1000),
    constraint task_disputes_note_check check (char_length(note) between 1 and 1000),
    constraint task_disputes_paid_check check (paid >= 0),
    constraint task_disputes_resolved_check check (
        (resolved_at is null) = (resolved_by is null) and (resolved_at is null) = (paid is null)
        and (note is not null) <= (resolved_at is not null)
    )
);

-- One at a time.
create unique index task_disputes_open_key on task_disputes (task_id) where resolved_at is null;
create index task_disputes_task_id_idx on task_disputes (task_id, id);
create index task_disputes_opened_by_idx on task_disputes (opened_by);

-- Scheduled work: a row for what is to be done once its time has come. It is made in the transaction that makes it
-- necessary, and deleted in the one that does it or makes it needless.
create table jobs (
    id bigint generated always as identity,
    kind text not null,
    -- The key of what it is about, by kind.
    subject_id bigint not null,
    due_at timestamptz not null,
    -- Later than due_at once it has failed.
    next_try_at timestamptz not null,
    failures integer not null default 0,
    constraint jobs_pkey primary key (id),
    constraint jobs_kind_subject_id_key unique (kind, subject_id),
    constraint jobs_failures_check check (failures >= 0)
);

create index jobs_next_try_at_idx on jobs (next_try_at, id);
