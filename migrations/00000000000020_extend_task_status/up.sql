-- New values of enums can be used only once the transaction that adds them has ended; so they come first.

alter type task_status add value if not exists 'SUBMITTED' after 'ACCEPTED';
alter type task_status add value if not exists 'DISPUTED' after 'SUBMITTED';
