"""How long Plaza takes to start with its embedded PostgreSQL: on a new folder with demo data, and once all that is there."""
import os
import shutil

from .processes import tree
from .servers import Plaza
from .settings import PLAZA_PORT, WORK, log

FOLDER = WORK + '/startup'


def _cluster_folder(pid):
    """Where the embedded cluster lies, which is not in the data folder where the user postgres can't reach that."""
    for child in tree(pid):
        try:
            folder = os.readlink(f'/proc/{child}/cwd')
        except OSError:
            continue
        if os.path.exists(folder + '/PG_VERSION'):
            return os.path.dirname(folder)
    return None


def measure(binary, rounds):
    """Seconds until /readyz says yes, by kind of start."""
    seconds = {'new folder, with demo data': [], 'existing cluster': []}
    for _ in range(rounds):
        shutil.rmtree(FOLDER, ignore_errors=True)
        server = Plaza(binary)
        for name in ('DATABASE_URL', 'PLAZA_JWT_SECRET', 'PLAZA_LIMIT_DB_CONNECTIONS'):
            del server.settings[name]
        server.settings.update(PLAZA_DATA_DIR=FOLDER, PLAZA_BIND=f'127.0.0.1:{PLAZA_PORT}')
        for kind, command in zip(seconds, ([binary, 'serve', '--demo'], [binary, 'serve'])):
            server.command = command
            try:
                seconds[kind].append(server.start())
                cluster = _cluster_folder(server.pid)
            finally:
                server.stop()
        if cluster and cluster.startswith('/var/lib/plaza/'):
            shutil.rmtree(os.path.dirname(cluster), ignore_errors=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    log('start-up:', seconds)
    return seconds
