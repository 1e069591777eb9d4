drop table tickets;
drop type ticket_status;
