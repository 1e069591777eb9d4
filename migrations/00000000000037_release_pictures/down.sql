-- What was released stays so.
select 1;
