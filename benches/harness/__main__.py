"""The one command: see benches/README.md, or --help."""
import argparse
import json
import os
import signal
import subprocess
import sys
import time

from . import http, report, sockets, startup, statements
from .database import copy_database
from .measure import Patience
from .servers import Plaza, peer
from .settings import BENCHES, PLAZA_PORT, RESULTS, log
from .workloads import BY_KEY, WORKLOADS

BINARY = os.path.join(os.path.dirname(BENCHES), 'target/release/plaza')
PARTS = [*BY_KEY, 'fan_out', 'idle', 'startup']


def parse():
    description = 'Measures Plaza beside its peers. Without options, everything.'
    parser = argparse.ArgumentParser(prog='benches/run', description=description)
    parser.add_argument('--plaza', default=BINARY, metavar='BINARY', help='default: target/release/plaza')
    parser.add_argument('--only', default=','.join(PARTS), metavar='PARTS', help=f'some of {",".join(PARTS)}')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=int, default=10, help='of each run over HTTP, and of each fan-out')
    parser.add_argument('--limit-seconds', type=int, default=5, help='of each run of pgbench')
    parser.add_argument('--warm-up', type=int, default=5, help='seconds')
    parser.add_argument('--connections', type=int, default=32)
    parser.add_argument('--workers', type=int, default=2, help='processes of the Node server, each with its own pool')
    parser.add_argument('--sockets', type=int, default=1000, help='of the fan-out; Plaza also has three times as many')
    parser.add_argument('--rate', type=int, default=20, help='messages a second of the fan-out')
    parser.add_argument('--idle-sockets', type=int, default=10000)
    parser.add_argument('--patience', type=int, default=300,
                        help='seconds, in all, to wait for a quiet machine and to repeat disturbed runs')
    parser.add_argument('--write', action='store_true', help='put the tables into benches/README.md')
    options = parser.parse_args()
    options.only = options.only.split(',')
    unknown = set(options.only) - set(PARTS)
    if unknown:
        parser.error(f'no such part: {", ".join(unknown)}')
    options.plaza = os.path.abspath(options.plaza)
    if not os.access(options.plaza, os.X_OK):
        parser.error(f'there is no {options.plaza}: run `make release`, or name another with --plaza')
    return options


def set_up(*command):
    """A script of benches/setup, which skips what is done."""
    if subprocess.run([f'{BENCHES}/setup/{command[0]}', *command[1:]]).returncode:
        raise SystemExit(f'{command[0]} failed')


def measure(options, plaza, mercurius, yoga, results):
    """Fills `results`, part by part."""
    workloads = [workload for workload in WORKLOADS if workload.key in options.only]
    patience = Patience(options.patience)
    if workloads:
        results['counts'] = http.check_and_count([mercurius, plaza], workloads)
        results['http'] = {}
        for server in (mercurius, plaza):
            server.start()
        for workload in workloads:
            results['http'][workload.key] = http.measure([mercurius, plaza], workload, options, patience)
        for server in (mercurius, plaza):
            server.stop()
    if 'fan_out' in options.only:
        results['fan_out'] = sockets.fan_out(plaza, yoga, options, patience)
    if 'idle' in options.only:
        results['idle'] = sockets.idle(plaza, yoga, options)
    if 'startup' in options.only:
        results['startup'] = startup.measure(options.plaza, min(options.rounds, 3))


def run(options):
    """Measures, and keeps the results; returns their tables."""
    set_up('peers.sh')
    set_up('plaza.sh', options.plaza)
    for database in ('peers', 'plaza'):
        copy_database(database)
    statements.prepare()
    plaza = Plaza(options.plaza)
    mercurius = peer('mercurius-jit', 'mercurius.js', PLAZA_PORT + 1, options.workers)
    yoga = peer('yoga', 'yoga.js', PLAZA_PORT + 2)
    versions = report.versions(options.plaza)
    results = {'date': time.strftime('%Y-%m-%d %H:%M'), 'options': vars(options), 'versions': versions}
    try:
        measure(options, plaza, mercurius, yoga, results)
    finally:
        # What was measured is kept, even where a later part fails.
        for server in (plaza, mercurius, yoga):
            server.stop()
        path, text = f'{RESULTS}/{time.strftime("%Y%m%d-%H%M%S")}', report.render(results)
        with open(path + '.json', 'w') as file:
            json.dump(results, file, indent=1)
        with open(path + '.md', 'w') as file:
            file.write(text)
        log(f'written: {path}.md and .json')
    return text


def main():
    options = parse()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit('stopped'))
    set_up('cluster.sh', 'start')
    try:
        text = run(options)
    finally:
        set_up('cluster.sh', 'stop')
    print(text)
    if options.write:
        report.write_readme(text)


main()
