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
