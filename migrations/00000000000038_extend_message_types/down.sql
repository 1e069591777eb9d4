-- What PostgreSQL cannot take back stays.
select 1;
