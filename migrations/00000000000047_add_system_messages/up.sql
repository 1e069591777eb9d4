-- Messages that tell of a group's members, in the name of the user who acted. New values of enums can be used only once the
-- transaction that adds them has ended.
alter type message_type add value if not exists 'SYSTEM';
