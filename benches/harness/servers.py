"""The servers under test: started with the same settings, found ready, stopped."""
import json
import os
import signal
import socket
import subprocess
import time
import urllib.request

from .processes import tree
from .settings import JWT_SECRET, NODE, PEERS, PG_PORT, PLAZA_PORT, POOL, RUN, WORK


class Server:
    """A server on a port of its own, with its queries in benches/queries/<queries>."""

    def __init__(self, name, port, command, queries, database, settings, folder='/'):
        self.name, self.port, self.command = name, port, command
        self.queries, self.database, self.settings, self.folder = queries, database, settings, folder
        self.url, self.ws = f'http://127.0.0.1:{port}/graphql', f'ws://127.0.0.1:{port}/graphql'
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    def start(self, **settings):
        """Starts it and waits until it answers; returns the seconds that took."""
        log = open(f'{RUN}/{self.name}.log', 'w')
        environment = {**os.environ, **self.settings, **settings}
        started = time.perf_counter()
        self.process = subprocess.Popen(self.command, env=environment, cwd=self.folder, stdout=log, stderr=log,
                                        start_new_session=True)
        while not self.is_ready():
            if self.process.poll() is not None or time.perf_counter() - started > 300:
                raise SystemExit(f'{self.name} did not start: see {RUN}/{self.name}.log')
            time.sleep(0.005)
        return time.perf_counter() - started

    def is_ready(self):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.port)) == 0

    def stop(self):
        if self.process is None:
            return
        processes = tree(self.pid)
        for pid in processes if self.database == 'peers' else [self.pid]:
            try:
                os.kill(pid, signal.SIGTERM)
            except OSError:
                pass
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        time.sleep(0.3)

    def headers(self, user):
        """What says who asks."""
        return {'x-account-id': str(user)}

    def socket_init(self, user):
        """The payload of a socket's connection_init."""
        return {'accountId': str(user)}

    def ask(self, query, variables, user):
        """The data of an answer; an exception where it has errors."""
        body = json.dumps({'query': query, 'variables': variables}).encode()
        headers = {'content-type': 'application/json', 'accept': 'application/json', **self.headers(user)}
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=10) as response:
            answer = json.load(response)
        if answer.get('errors'):
            raise SystemExit(f'{self.name}: {query}: {answer["errors"]}')
        return answer['data']


class Plaza(Server):
    """Plaza, on the benchmark's cluster."""

    def __init__(self, binary):
        settings = {
            'DATABASE_URL': f"host='{RUN}' port={PG_PORT} user=postgres dbname=plaza", 'PLAZA_JWT_SECRET': JWT_SECRET,
            'PLAZA_DATA_DIR': WORK + '/plaza', 'PLAZA_BIND': f'127.0.0.1:{PLAZA_PORT}', 'PLAZA_LOG': 'text,warn',
            'PLAZA_LIMIT_DB_CONNECTIONS': str(POOL),
        }
        super().__init__('plaza', PLAZA_PORT, [binary, 'serve'], 'plaza', 'plaza', settings)
        self.binary, self.tokens = binary, {}

    def is_ready(self):
        try:
            with urllib.request.urlopen(f'http://127.0.0.1:{self.port}/readyz', timeout=1) as response:
                return response.status == 200
        except OSError:
            return False

    def renew_tokens(self, users):
        """Access tokens last for 15 minutes: those of these users are renewed after five."""
        for user in users:
            token, at = self.tokens.get(user, (None, 0))
            if time.time() - at > 300:
                command = [self.binary, 'token', f'user{user}']
                environment = {**os.environ, **self.settings}
                done = subprocess.run(command, env=environment, text=True, capture_output=True, check=True)
                self.tokens[user] = (done.stdout.strip(), time.time())

    def authorization(self, user):
        self.renew_tokens([user])
        return 'Bearer ' + self.tokens[user][0]

    def headers(self, user):
        return {'authorization': self.authorization(user)} if user else {}

    def socket_init(self, user):
        return {'authorization': self.authorization(user)}


def peer(name, script, port, workers=1):
    """A server of benches/servers."""
    settings = {'NODE_ENV': 'production', 'PORT': str(port), 'WORKERS': str(workers), 'POOL_SIZE': str(POOL),
                'PGDATABASE': 'peers'}
    return Server(name, port, [NODE, script], 'peers', 'peers', settings, PEERS)
