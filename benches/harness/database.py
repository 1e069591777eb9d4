"""SQL on the benchmark's cluster, through psql and pgbench. Address and user come from the environment (setup/common.sh)."""
import glob
import os
import re
import subprocess

from .settings import BENCHES, PG_BIN, RUN, WORDS

SQL = BENCHES + '/sql/'


def psql(sql, database, **variables):
    """What a statement answers, as text; the variables are written as :name in it."""
    command = [PG_BIN + '/psql', '-qAtX', '-d', database, '-v', 'ON_ERROR_STOP=1']
    for name, value in variables.items():
        command += ['-v', f'{name}={value}']
    done = subprocess.run(command, input=sql, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f'{sql[:300]}\n{done.stderr}')
    return done.stdout.strip()


def statement(name):
    """A file of benches/sql without the lines that draw pgbench's variables."""
    with open(f'{SQL}{name}.sql') as file:
        return ''.join(line for line in file if not line.startswith(('\\set', '--')))


def tsquery(word):
    """A literal that looks for one word."""
    return f"'''{word}'''::tsquery"


def copy_database(source):
    """A fresh `source` from `source`_seeded, so that every run starts from the same rows."""
    psql(f'drop database if exists {source} with (force);', 'postgres')
    psql(f'create database {source} template {source}_seeded strategy file_copy;', 'postgres')


def _scripts(name):
    """A script as pgbench's arguments: one with a :query becomes several, each with a word to look for."""
    with open(f'{SQL}{name}.sql') as file:
        text = file.read()
    if ':query' not in text:
        return ['-f', f'{SQL}{name}.sql']
    arguments = []
    for n, word in enumerate(WORDS):
        path = f'{RUN}/{name}.{n}.sql'
        with open(path, 'w') as file:
            file.write(text.replace(':query', tsquery(word)))
        arguments += ['-f', path]
    return arguments


def pgbench(script, database, seconds, seed, connections):
    """Transactions a second, failures, and a sample of latencies in ms."""
    for old in glob.glob(RUN + '/latency.*'):
        os.unlink(old)
    command = [PG_BIN + '/pgbench', '-n', '-M', 'prepared', '-c', str(connections), '-j', '1', '-T', str(seconds),
               f'--random-seed={seed}', '-l', f'--log-prefix={RUN}/latency', '--sampling-rate=0.2',
               *_scripts(script), database]
    done = subprocess.run(command, text=True, capture_output=True)
    rate = re.search(r'tps = ([\d.]+)', done.stdout)
    if done.returncode or not rate:
        raise SystemExit(done.stdout + done.stderr)
    failed = re.search(r'failed transactions: (\d+)', done.stdout)
    latencies = sorted(int(line.split()[2]) / 1000 for log in glob.glob(RUN + '/latency.*') for line in open(log))
    at = lambda share: latencies[int(share * (len(latencies) - 1))] if latencies else 0
    return {'rps': float(rate[1]), 'requests': float(rate[1]) * seconds, 'errors': int(failed[1]) if failed else 0,
            'p50': at(0.5), 'p99': at(0.99)}
