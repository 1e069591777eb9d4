-- Apart from the constraint itself, so that writers don't wait while all messages are looked at.
alter table messages validate constraint messages_gone_check;
