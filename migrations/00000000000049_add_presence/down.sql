alter table profiles drop column presence_visibility;
drop type presence_visibility;
