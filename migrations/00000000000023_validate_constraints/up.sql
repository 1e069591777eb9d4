-- Constraints that were added to large tables without a look at what is there: this look holds up no writer.
alter table tasks
    validate constraint tasks_former_assignee_id_fkey,
    validate constraint tasks_reopened_by_fkey,
    validate constraint tasks_assignee_check,
    validate constraint tasks_submitted_at_check,
    validate constraint tasks_submission_note_check,
    validate constraint tasks_finishes_at_check,
    validate constraint tasks_paid_check,
    validate constraint tasks_reopened_by_check;
alter table conversations validate constraint conversations_opened_by_fkey;
alter table tickets
    validate constraint tickets_closed_by_fkey,
    validate constraint tickets_closed_by_check,
    validate constraint tickets_status_check;
alter table wallets validate constraint wallets_total_check;

-- What a task says beyond its title can be found only while it is open: the others are indexed anew at the next start.
update search_entries set version = 0 from tasks
where search_entries.kind = 'TASK' and search_entries.subject_id = tasks.id and tasks.status <> 'OPEN';
