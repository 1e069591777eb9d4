"""Subscriptions: fan-out to many sockets, and what an idle socket or subscription takes."""
import json
import resource
import subprocess
import time

from .processes import cpu_seconds, machine_seconds, memory_kib, postmaster
from .questions import query, variables
from .settings import BENCHES, NODE, PEOPLE, VIEWER, log

# The members of conversation 1: one publishes, the other listens.
LISTENER = 2
BODY = {'body': '${body}', 'last': '${last}', 'seq': '${seq}'}


def _sample(server):
    return {'memory': memory_kib(server.pid), 'server': cpu_seconds(server.pid), 'pg': cpu_seconds(postmaster()),
            'busy': machine_seconds()[0], 'at': time.time()}


def _settle(server):
    """Waits until the server has nothing more to do, such as beginning subscriptions; a minute at most."""
    for _ in range(60):
        before = cpu_seconds(server.pid)
        time.sleep(1)
        if cpu_seconds(server.pid) - before < 0.05:
            return


def run_client(server, options):
    """Runs load/sockets.mjs; the server is looked at in each of its phases."""
    command = [NODE, BENCHES + '/load/sockets.mjs', json.dumps({'ws': server.ws, 'http': server.url, **options})]
    client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    phases, result = {}, None
    for line in client.stdout:
        kind, _, rest = line.strip().partition(' ')
        if kind == 'phase':
            if rest == 'idle':
                _settle(server)
            phases[rest] = {**_sample(server), 'client': cpu_seconds(client.pid)}
            client.stdin.write('\n')
            client.stdin.flush()
        elif kind == 'result':
            result = json.loads(rest)
    if client.wait() or result is None:
        raise SystemExit(f'{server.name}: the client of the sockets failed')
    if result['problem'] or result['failures'] or result['sockets'] != options['count']:
        raise SystemExit(f"{server.name}: {result['sockets']} of {options['count']} sockets: {result['problem']}")
    before, idle = phases['before'], phases['idle']
    result['rate'] = options['rate']
    result['memory_kib'] = (idle['memory'] - before['memory']) / options['count']
    result['memory_mib'] = [before['memory'] / 1024, idle['memory'] / 1024]
    if 'end' in phases:
        begin, end = phases['begin'], phases['end']
        result['memory_mib'].append(end['memory'] / 1024)
        for name in ('server', 'pg', 'client', 'busy'):
            result[f'cpu_{name}'] = 100 * (end[name] - begin[name]) / (end['at'] - begin['at'])
            result[f'us_{name}'] = 1e6 * (end[name] - begin[name]) / max(1, result['deliveries'])
        used = sum(result[f'cpu_{name}'] for name in ('server', 'pg', 'client'))
        result['other'] = max(0, result['cpu_busy'] - used)
    return result


def _operation(server, key, values=BODY):
    return {'query': query(server, key), 'variables': variables(server, key, values)}


def _fan_out(server, count, rate, seconds, kinds):
    if kinds == 'events':
        publish = [_operation(server, f'publish_events_{n}') for n in (1, 2, 3)]
        subscribe = _operation(server, 'subscribe_events')
    else:
        publish, subscribe = [_operation(server, 'publish')], _operation(server, 'subscribe')
    return run_client(server, {
        'count': count, 'rate': rate, 'seconds': seconds, 'init': [server.socket_init(LISTENER)], 'subscribe': subscribe,
        'publish': publish, 'headers': server.headers(VIEWER),
    })


def fan_out(plaza, yoga, options, patience):
    """Runs by target, in rounds; each on a fresh process, so that memory is not hidden in memory already taken."""
    few, many, rate = options.sockets, 3 * options.sockets, options.rate
    targets = [
        (f'yoga, {few:,} sockets', yoga, few, 'messages'), (f'plaza, {few:,} sockets', plaza, few, 'messages'),
        (f'plaza, {many:,} sockets', plaza, many, 'messages'),
        (f'plaza, {few:,} sockets, events of 3 kinds', plaza, few, 'events'),
    ]
    runs = {}
    for turn in range(options.rounds):
        for name, server, count, kinds in targets:
            patience.wait()
            server.start()
            try:
                result = _fan_out(server, count, rate, options.seconds, kinds)
            finally:
                server.stop()
            runs.setdefault(name, []).append(result)
            log(f"fan-out {turn + 1} {name}: {result['per_second']:.0f}/s, p99 {result['p99']:.1f} ms, lost {result['lost']}, "
                f"CPU {result['cpu_server']:.0f} / {result['cpu_pg']:.0f} / {result['cpu_client']:.0f}")
    return runs


def idle(plaza, yoga, options):
    """What an idle socket and an idle subscription take, in KiB of the server. The sockets are many users'; those for the
    messages of one conversation are one user's."""
    targets = [(yoga, 'a socket', None, [VIEWER]), (yoga, 'a subscription to messages', 'subscribe', [VIEWER]),
               (plaza, 'a socket', None, PEOPLE), (plaza, 'a subscription to messages', 'subscribe', [LISTENER]),
               (plaza, 'a subscription to events', 'subscribe_events', PEOPLE)]
    # Open files of the client and of the server, which keeps some for itself.
    count, results = min(options.idle_sockets, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1200), {}
    for server, what, key, users in targets:
        server.start()
        try:
            # What the first requests take belongs to no socket.
            for _ in range(200):
                server.ask('query { __typename }', {}, VIEWER)
            result = run_client(server, {
                'count': count, 'rate': 0, 'seconds': 0, 'init': [server.socket_init(user) for user in users],
                'subscribe': _operation(server, key) if key else None, 'publish': [], 'headers': {},
            })
        finally:
            server.stop()
        results[f'{server.name}: {what}'] = result
        log(f"idle: {server.name}: {what}: {result['memory_kib']:.1f} KiB, open in {result['open_seconds']:.1f} s")
    return results
