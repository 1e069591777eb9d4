alter table conversations drop opened_by, drop answered;
