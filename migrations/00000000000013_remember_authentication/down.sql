alter table sessions drop authenticated_at;
