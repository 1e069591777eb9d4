drop table group_positions;
