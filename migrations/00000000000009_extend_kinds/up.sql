-- New values of enums can be used only once the transaction that adds them has ended; so they come first.

alter type event_kind add value if not exists 'TASK_CHANGED';
alter type event_kind add value if not exists 'ORDER_CHANGED';
alter type event_kind add value if not exists 'TICKET_CHANGED';
alter type search_kind add value if not exists 'TASK';
alter type search_kind add value if not exists 'PRODUCT';
