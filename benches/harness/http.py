"""The workloads over HTTP: answers checked, statements counted, then interleaved runs."""
from . import answers, statements
from .database import psql
from .measure import run_pgbench, run_wrk
from .questions import learn_lists
from .settings import PASSWORD, PEOPLE, log


def prepare(plaza):
    """What questions need in Plaza's database: names of lists, passwords."""
    learn_lists(plaza)
    # One account registers; the others get its password.
    register = 'mutation ($input: RegisterInput!) { register(input: $input) { user { id } } }'
    if not psql("select 1 from users where username = 'benchmark'", 'plaza'):
        plaza.ask(register, {'input': {'username': 'benchmark', 'password': PASSWORD}}, None)
    psql(f"""update users set password_hash = (select password_hash from users where username = 'benchmark')
         where id between {PEOPLE[0]} and {PEOPLE[-1]}; vacuum analyze users;""", 'plaza')
    plaza.renew_tokens([1, 2, *PEOPLE])


def check_and_count(servers, workloads):
    """Answers and statements, by workload and server. What is written comes last: answers are then no longer the same."""
    counts, rates = {}, {}
    for server in servers:
        statements.track(server.database, 'top')
        server.start()
        if server.database == 'plaza':
            prepare(server)
        rates[server.name] = statements.idle(server)
    for workload in workloads:
        for server in compared(servers, workload):
            answers.check(server, workload)
            counts.setdefault(workload.key, {})[server.name] = statements.count(server, workload, rates[server.name])
    for server in servers:
        server.stop()
        statements.track(server.database, 'none')
    return counts


def compared(servers, workload):
    """The servers that answer it."""
    return [server for server in servers if workload.peers or server.database == 'plaza']


def _warm_up(server, workload, options):
    result = run_wrk(server, workload, options.warm_up, 11, 'check', options.connections)
    if result['errors']:
        raise SystemExit(f'{server.name} {workload.key}: errors in the warm-up: {result}')
    return result['size']


def measure(servers, workload, options, patience):
    """Runs by target, in rounds: A B C A B C. All targets of a round get the same random requests."""
    runs, sizes = {}, {}
    for script in workload.limits:
        run_pgbench(script, workload.database, min(2, options.warm_up), 1, options.connections)
    for server in compared(servers, workload):
        sizes[server.name] = _warm_up(server, workload, options)
    for turn in range(options.rounds):
        seed = 100 + turn
        for script in workload.limits:
            run = lambda: run_pgbench(script, workload.database, options.limit_seconds, seed, options.connections)
            runs.setdefault(f'pgbench {script}', []).append(patience.run(run, script))
        for server in compared(servers, workload):
            run = lambda: run_wrk(server, workload, options.seconds, seed, 'run', options.connections)
            result = patience.run(run, server.name)
            if abs(result['size'] / sizes[server.name] - 1) > 0.05:
                sizes_differ = f'answers of {result["size"]} bytes, not {sizes[server.name]}'
                raise SystemExit(f'{server.name} {workload.key}: {sizes_differ}')
            runs.setdefault(server.name, []).append(result)
        for name, results in runs.items():
            last = results[-1]
            cpu = ' / '.join(f"{last['cpu_' + of]:.0f}" for of in ('server', 'pg', 'load'))
            log(f"{workload.key} {turn + 1} {name}: {last['rps']:.0f}/s, p99 {last['p99']:.1f} ms, CPU {cpu}, "
                f"other {last['other']:.0f}, errors {last['errors']}")
    return runs
