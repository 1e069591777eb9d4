-- A constraint stays valid.
select;
