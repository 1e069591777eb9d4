"""The tables of benches/README.md, from the results of a run."""
import json
import os
import re
import subprocess
from statistics import median

from .measure import DISTURBED
from .settings import BENCHES, NODE, PEERS, PG_BIN
from .workloads import BY_KEY

BEGIN, END = '<!-- results -->', '<!-- end of results -->'
PACKAGES = ('mercurius', 'fastify', 'graphql', 'graphql-yoga', 'graphql-ws', 'ws', 'pg', 'dataloader')


def _first_line(*command):
    done = subprocess.run(command, text=True, capture_output=True)
    return (done.stdout or done.stderr).strip().split('\n')[0]


def versions(binary):
    """Of everything that took part."""
    with open('/proc/cpuinfo') as file:
        model = re.search(r'model name\s*: (.*)', file.read())
    with open(PEERS + '/package-lock.json') as file:
        packages = json.load(file)['packages']
    git = subprocess.run(['git', '-C', BENCHES, 'rev-parse', '--short', 'HEAD'], text=True, capture_output=True)
    commit = git.stdout.strip()
    return {
        'machine': f'{os.cpu_count()} cores, {model[1] if model else os.uname().machine}, Linux {os.uname().release}',
        'software': ', '.join([
            f'{_first_line(binary, "--version")}{f" (tree at {commit})" if commit else ""}',
            'PostgreSQL ' + _first_line(PG_BIN + '/postgres', '--version').split()[2],
            f'Node {_first_line(NODE, "--version")}', _first_line('wrk', '-v').split(' Copyright')[0].split(' [')[0],
            *(f'{name} {packages["node_modules/" + name]["version"]}' for name in PACKAGES),
        ]),
    }


def _spread(values, form='{:,.0f}'):
    texts = [form.format(value) for value in (median(values), min(values), max(values))]
    return texts[0] if len(values) == 1 else f'{texts[0]} ({texts[1]}–{texts[2]})'


def _other(runs):
    """What other work took of a core, run by run."""
    return [run['other'] for results in runs.values() for run in results]


def _workload(key, runs, counts):
    pg_alone = [name for name in runs if name.startswith('pgbench ')]
    rounds = len(next(iter(runs.values())))
    # The share is taken within each round, since rounds differ with the machine's mood.
    best = [max(runs[name][n]['rps'] for name in pg_alone) for n in range(rounds)]
    lines = [f'### {BY_KEY[key].title}', '',
             '| target | requests/s (min–max) | of PostgreSQL alone | p50 ms | p99 ms (min–max) '
             '| CPU % server / PostgreSQL / load | CPU µs a request, server / PostgreSQL | statements + begin, commit '
             '| memory MiB |',
             '|---|---:|---:|---:|---:|---:|---:|---:|---:|']
    for name in sorted(runs, key=lambda name: -median(run['rps'] for run in runs[name])):
        of = lambda field: [run[field] for run in runs[name]]
        mid = lambda field: median(of(field))
        share = median(100 * rate / limit for rate, limit in zip(of('rps'), best))
        count, alone = counts.get(key, {}).get(name), name in pg_alone
        lines.append(
            f"| {name} | {_spread(of('rps'))} | {share:.0f} % | {mid('p50'):.1f} | {_spread(of('p99'), '{:,.1f}')} "
            f"| {'–' if alone else format(mid('cpu_server'), '.0f')} / {mid('cpu_pg'):.0f} / {mid('cpu_load'):.0f} "
            f"| {'–' if alone else format(mid('us_server'), ',.0f')} / {mid('us_pg'):,.0f} "
            f"| {'%g + %g' % (count['statements'], count['control']) if count else '–'} "
            f"| {'–' if alone else format(mid('memory_mib'), '.0f')} |")
    errors, other = sum(run['errors'] for results in runs.values() for run in results), max(_other(runs))
    speeds = [run['speed'] for results in runs.values() for run in results]
    return lines + ['', f'Errors: {errors}. Other work on the machine: at most {other:.0f} % of a core. '
                    f'One core hashed {min(speeds):,.0f} to {max(speeds):,.0f} MB/s.', '']


def _fan_out(runs):
    lines = ['### S1 fan-out: subscriptions to one conversation, and to all events of a user', '',
             '| target | deliveries/s (min–max) | expected | lost | p50 ms | p99 ms (min–max) '
             '| CPU % server / PostgreSQL / client | CPU µs a delivery, server | memory MiB before / idle / load |',
             '|---|---:|---:|---:|---:|---:|---:|---:|---:|']
    for name, results in runs.items():
        of = lambda field: [run[field] for run in results]
        memory = ' / '.join(f'{median(sizes):.0f}' for sizes in zip(*of('memory_mib')))
        expected = median(run['expected'] / run['published'] * run['rate'] for run in results)
        lines.append(
            f"| {name} | {_spread(of('per_second'))} | {expected:,.0f} | {sum(of('lost'))} | {median(of('p50')):.1f} "
            f"| {_spread(of('p99'), '{:,.1f}')} | {median(of('cpu_server')):.0f} / {median(of('cpu_pg')):.0f} / "
            f"{median(of('cpu_client')):.0f} | {median(of('us_server')):.1f} | {memory} |")
    return lines + ['', f'Other work on the machine: at most {max(_other(runs)):.0f} % of a core.', '']


def _idle(results):
    lines = ['### Memory of idle sockets', '',
             '| each has | sockets | KiB each | all together, MiB | opened in s | 50,000 would take, MiB |',
             '|---|---:|---:|---:|---:|---:|']
    for name, run in results.items():
        before, idle = run['memory_mib'][:2]
        more = before + run['memory_kib'] * 50000 / 1024
        lines.append(f"| {name} | {run['sockets']:,} | {run['memory_kib']:.1f} | {idle - before:.0f} "
                     f"| {run['open_seconds']:.1f} | {more:,.0f} |")
    return lines + ['', 'The last column is extrapolated from the one before it: 50,000 were not opened.', '']


def _startup(seconds):
    lines = ['### Start-up', '', '| plaza with its embedded PostgreSQL | seconds until ready (min–max) |', '|---|---:|']
    return lines + [f"| {kind} | {_spread(values, '{:.2f}')} |" for kind, values in seconds.items()] + ['']


def render(results):
    """The tables as Markdown."""
    options = results['options']
    lines = [f"Run of {results['date']}: {options['connections']} connections, {options['warm_up']} s of warm-up, "
             f"rounds of {options['seconds']} s (pgbench {options['limit_seconds']} s): {options['rounds']}; "
             'medians, with the range of the rounds.', '',
             f"Machine: {results['versions']['machine']}; database, servers and load share them.", '',
             f"Software: {results['versions']['software']}.", '']
    other = [share for runs in [*results.get('http', {}).values(), results.get('fan_out', {})] for share in _other(runs)]
    if options['rounds'] < 3:
        lines += ['A short run, not to be cited.', '']
    if max(other, default=0) > DISTURBED:
        lines += [f'A disturbed run, not to be cited: other work took up to {max(other):.0f} % of a core.', '']
    for key, runs in results.get('http', {}).items():
        lines += _workload(key, runs, results.get('counts', {}))
    for name, table in (('fan_out', _fan_out), ('idle', _idle), ('startup', _startup)):
        if results.get(name):
            lines += table(results[name])
    return '\n'.join(lines)


def write_readme(text):
    """Replaces what stands between the markers of benches/README.md."""
    path = BENCHES + '/README.md'
    with open(path) as file:
        before, _, rest = file.read().partition(BEGIN)
    after = rest.partition(END)[2]
    with open(path, 'w') as file:
        file.write(f'{before}{BEGIN}\n\n{text}\n{END}{after}')
