-- Messages that show a file or a place. New values of enums can be used only once the transaction that adds them has ended.

alter type message_type add value if not exists 'PICTURE';
alter type message_type add value if not exists 'VOICE';
alter type message_type add value if not exists 'VIDEO';
alter type message_type add value if not exists 'LOCATION';
alter type message_type add value if not exists 'FILE';
