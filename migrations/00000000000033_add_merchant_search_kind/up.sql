-- Merchants can be found. New values of enums can be used only once the transaction that adds them has ended.

alter type search_kind add value if not exists 'MERCHANT';
