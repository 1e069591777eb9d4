-- A value of an enum can't be dropped. Versions that don't know it show such messages as unsupported.
select 1;
