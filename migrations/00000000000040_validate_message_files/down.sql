-- What was validated stays valid.
select 1;
