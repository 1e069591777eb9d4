alter table wallets
    drop constraint wallets_total_check,
    add constraint wallets_total_check check (balance + held <= 9999999999999) not valid;

update tickets set status = 'ANSWERED' where status = 'OPEN' and answer is not null;
alter table tickets
    drop constraint tickets_status_check,
    add constraint tickets_status_check check ((status = 'OPEN') <= (answer is null) and (status = 'ANSWERED') <= (answer is not null)),
    drop column closed_by;
drop table ticket_lines;
