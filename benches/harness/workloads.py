"""What is measured over HTTP: the questions, who asks them, and the SQL that they are compared with."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """A query or mutation of benches/queries, measured beside scripts of benches/sql run by pgbench."""
    key: str
    title: str
    # Where the SQL runs, and what is compared with it: the peers are asked where it is theirs.
    database: str
    # Scripts for pgbench.
    limits: tuple
    # The script that answers in JSON; none where the answer is checked in another way.
    answer: str | None
    # Who asks: the one viewer, one of many people, or a stranger.
    asker: str = 'viewer'
    # The peers' servers and Plaza answer the same, from the same data.
    peers: bool = False


WORKLOADS = [
    Workload('feed', 'Q1 feed: 20 items with pictures, owners, favorites', 'peers',
             ('feed_json', 'feed_loaders', 'feed_pipelined'), 'feed_json', peers=True),
    Workload('item', 'Q2 item: one item with its owner and 3 of their others', 'peers',
             ('item_rows',), 'item_json', peers=True),
    Workload('messages', 'Q3 messages: the last 50 with their senders', 'peers',
             ('messages_rows',), 'messages_json', peers=True),
    Workload('send', 'M1 send: one message, on disk', 'peers', ('send_rows',), None, peers=True),
    Workload('conversations', 'Q4 conversations: 20 with last message, peer and unread count', 'plaza',
             ('conversations_rows',), 'conversations_json', 'person'),
    Workload('search', 'Q5 search: 20 items for a Chinese word', 'plaza', ('search_rows',), 'search_json'),
    Workload('tasks', 'Q6 tasks: 20 open ones with publishers', 'plaza', ('tasks_rows',), 'tasks_json'),
    Workload('wallet', 'Q7 wallet: balance and 20 entries with tasks and orders', 'plaza',
             ('wallet_rows',), 'wallet_json', 'person'),
    Workload('sign_in', 'M2 sign-in: a password, hashed with Argon2', 'plaza', ('sign_in_rows',), None, 'stranger'),
]
BY_KEY = {workload.key: workload for workload in WORKLOADS}
