drop table search_words;
drop table search_entries;
drop type search_kind;
