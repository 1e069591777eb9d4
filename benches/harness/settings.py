"""Where everything is: folders, addresses, programs. The shell scripts of benches/setup have the same."""
import os
import platform
import time

BENCHES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WORK = os.environ['BENCH_DIR']
RUN = WORK + '/run'
RESULTS = WORK + '/results'
PEERS = WORK + '/servers'
PG_BIN = os.environ['PGBIN']
PG_PORT = os.environ['PGPORT']
PLAZA_PORT = int(os.environ.get('BENCH_PORT', '4300'))
ARCH = {'x86_64': 'x64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine())
NODE = f'{PEERS}/node_modules/node-linux-{ARCH}/bin/node'
JWT_SECRET = 'bench-' * 8

# Connections to PostgreSQL of each process of a server.
POOL = 10
# Who asks: the peers' viewer, and for Plaza's own lists these of its generated users.
VIEWER = 1
PEOPLE = range(50001, 50065)
PASSWORD = 'correct horse battery staple'
# Rows of the seeds, which questions are drawn from.
ITEMS, CONVERSATIONS, TASKS = 200_000, 20_000, 100_000
WORDS = '相机 键盘 耳机 吉他 手机 茶具 帐篷 毛衣 音箱 滑板 画册 书桌 教材 台灯 背包 手表'.split()


def log(*parts):
    """A line of progress."""
    print(time.strftime('%H:%M:%S'), *parts, flush=True)
