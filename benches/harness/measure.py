"""One run of load: its counters, and who used the cores meanwhile."""
import hashlib
import json
import re
import resource
import subprocess
import time

from .database import pgbench, psql
from .processes import cpu_seconds, machine_seconds, memory_kib, postmaster
from .questions import write_requests
from .settings import BENCHES, log

# A run is repeated where other work took more of a core than this, in per cent.
DISTURBED = 12


def around(run, pid=None):
    """Runs something, and adds the CPU that it took: of the server, of PostgreSQL, of the load, and of other work."""
    load = lambda: sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    before = machine_seconds(), load(), cpu_seconds(postmaster()), cpu_seconds(pid) if pid else 0, time.time()
    result = run()
    after = machine_seconds(), load(), cpu_seconds(postmaster()), cpu_seconds(pid) if pid else 0, time.time()
    seconds = after[4] - before[4]
    busy, idle, stolen = (100 * (now - then) / seconds for then, now in zip(before[0], after[0]))
    used = {name: 100 * (after[n] - before[n]) / seconds for n, name in ((1, 'cpu_load'), (2, 'cpu_pg'), (3, 'cpu_server'))}
    result.update(used, idle=idle, stolen=stolen, other=max(0, busy - sum(used.values())), seconds=seconds)
    result['memory_mib'] = memory_kib(pid) / 1024 if pid else 0
    for name in ('server', 'pg'):
        result[f'us_{name}'] = used[f'cpu_{name}'] / 100 * seconds / max(1, result.get('requests', 1)) * 1e6
    return result


def run_wrk(server, workload, seconds, seed, mode, connections):
    """Load over HTTP in a closed loop."""
    path = write_requests(server, workload, seed)
    sent = 'app.messages' if server.database == 'peers' else 'messages'
    last = psql(f'select max(id) from {sent}', server.database) if workload.key == 'send' else 0

    def load():
        command = ['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--timeout', '10s', '-s', BENCHES + '/load/post.lua',
                   server.url, '--', path, mode]
        done = subprocess.run(command, text=True, capture_output=True)
        found = re.search(r'RESULT (.*)', done.stdout)
        if not found:
            raise SystemExit(f'wrk: {done.stdout} {done.stderr}')
        return json.loads(found[1])

    result = around(load, server.pid)
    result['rps'] = result['requests'] / result['us'] * 1e6
    result['size'] = result['bytes'] / max(1, result['requests'])
    result['errors'] = result['status'] + result['socket'] + result['timeout'] + result['bad']
    if workload.key == 'send':
        # Every answer is a row, give or take the requests that were on their way at the end.
        made = int(psql(f'select count(*) from {sent} where id > {last}', server.database))
        if not result['requests'] <= made <= result['requests'] + connections:
            result['errors'] += abs(made - result['requests'])
    return result


def run_pgbench(script, database, seconds, seed, connections):
    """The SQL alone."""
    return around(lambda: pgbench(script, database, seconds, seed, connections))


def core_speed():
    """MB/s of SHA-256 on one core just now: a shared host slows a virtual machine without showing it as stolen time."""
    block, count, start = bytes(1 << 16), 0, time.perf_counter()
    while time.perf_counter() - start < 0.1:
        hashlib.sha256(block).digest()
        count += 1
    return count / 16 / (time.perf_counter() - start)


class Patience:
    """Seconds that may be spent, in all, on waiting for a quiet machine and on repeating disturbed runs."""

    def __init__(self, seconds):
        self.left = seconds

    def wait(self):
        """Until other work takes less than 15 % of a core."""
        while self.left > 0:
            before, start = machine_seconds()[0], time.time()
            time.sleep(0.7)
            if 100 * (machine_seconds()[0] - before) / (time.time() - start) < 15:
                return
            self.left -= time.time() - start

    def run(self, run, label):
        """The least disturbed of at most four runs."""
        best = None
        for _ in range(4):
            self.wait()
            start, speed = time.time(), core_speed()
            result = run()
            result['speed'] = (speed + core_speed()) / 2
            if best is None or result['errors'] or result['other'] < best['other']:
                best = result
            if result['errors'] or result['other'] < DISTURBED or self.left <= 0:
                return best
            self.left -= time.time() - start
            log(f"{label}: other work took {result['other']:.0f} % of a core; once more, {self.left:.0f} s of patience left")
        return best
