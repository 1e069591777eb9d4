"""Statements per request, counted by pg_stat_statements while requests come one after the other."""
import random
import time

from .database import psql
from .questions import asker, draw, query, variables

REQUESTS = 100
# Statements that only begin, end or mark transactions.
CONTROL = "query ~* '^(begin|commit|rollback|start transaction|end|savepoint|release)'"


def prepare():
    psql('create extension if not exists pg_stat_statements;', 'postgres')


def track(database, how):
    """For connections made from now on."""
    psql(f"alter database {database} set pg_stat_statements.track = '{how}';", 'postgres')


def _calls(database, run):
    """Calls by statement, and whether it is transaction control, while something runs; and the seconds that took."""
    psql('select pg_stat_statements_reset();', 'postgres')
    start = time.time()
    run()
    seconds = time.time() - start
    rows = psql(f"""select queryid, {CONTROL}, sum(calls) from pg_stat_statements s join pg_database d on d.oid = s.dbid
        where datname = '{database}' group by 1, 2""", 'postgres').splitlines()
    return {(row.split('|')[0], row.split('|')[1] == 't'): int(row.split('|')[2]) for row in rows}, seconds


def idle(server):
    """Calls a second of what the server does by itself."""
    time.sleep(1)
    calls, seconds = _calls(server.database, lambda: time.sleep(4))
    return {statement: count / seconds for statement, count in calls.items()}


def count(server, workload, rates):
    """Statements and transaction control per request, less what the server does by itself in as much time."""
    rng = random.Random(11)
    warm_up, draws = ([draw(rng) for _ in range(count)] for count in (20, REQUESTS))
    text = query(server, workload.key)

    def ask(some):
        for values in some:
            server.ask(text, variables(server, workload.key, values), asker(workload, values))

    ask(warm_up)
    calls, seconds = _calls(server.database, lambda: ask(draws))
    totals = {False: 0, True: 0}
    for (statement, is_control), made in calls.items():
        totals[is_control] += max(0, made - rates.get((statement, is_control), 0) * seconds)
    return {'statements': round(totals[False] / REQUESTS, 1), 'control': round(totals[True] / REQUESTS, 1)}
