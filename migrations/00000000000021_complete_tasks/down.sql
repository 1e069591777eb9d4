-- A submitted or disputed task is an accepted one again.
drop table jobs;
drop table task_disputes;
alter table tasks
    drop constraint tasks_finishes_at_check,
    drop constraint tasks_submission_note_check,
    drop constraint tasks_submitted_at_check,
    drop constraint tasks_paid_check,
    drop constraint tasks_reopened_by_check,
    drop constraint tasks_assignee_check;
update tasks set status = 'ACCEPTED' where status in ('SUBMITTED', 'DISPUTED');
alter table tasks
    drop deadline,
    drop submitted_at,
    drop submission_note,
    drop finishes_at,
    drop paid,
    drop former_assignee_id,
    drop reopened_by,
    drop refused_ids,
    add constraint tasks_assignee_check check (
        (status = 'OPEN') <= (assignee_id is null)
        and (status in ('ACCEPTED', 'FINISHED')) <= (assignee_id is not null)
        and (assignee_id is null) = (accepted_at is null)
    );
