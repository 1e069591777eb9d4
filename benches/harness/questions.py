"""Requests, made of the templates of benches/queries with values drawn at random from a seed."""
import base64
import json
import random
import re

from .database import tsquery
from .settings import BENCHES, CONVERSATIONS, ITEMS, PASSWORD, PEOPLE, RUN, TASKS, VIEWER, WORDS

REQUESTS = 4096
FEED_START, TASKS_START = 1735689600, 1767225540     # created_at is a function of the id: see the seeds

# Names of lists in Plaza's cursors, by their placeholders: learnt from a cursor of each.
LISTS = {}
LEARN = {
    'items_list': 'query { list: items(first: 1, filter: { status: [OPEN] }) { pageInfo { endCursor } } }',
    'tasks_list': 'query { list: tasks(first: 1, filter: { status: [OPEN] }) { pageInfo { endCursor } } }',
}


def learn_lists(plaza):
    """Cursors name their list; the names are the server's own."""
    for name, query in LEARN.items():
        cursor = plaza.ask(query, {}, VIEWER)['list']['pageInfo']['endCursor']
        LISTS[name] = json.loads(base64.urlsafe_b64decode(cursor + '=='))[0]


def draw(rng):
    """Values of all placeholders."""
    item, task, word = rng.randint(1000, ITEMS), rng.randint(1000, TASKS), rng.choice(WORDS)
    return {
        'id': item, 'ms': (FEED_START + item // 3 * 450) * 1000, 'item': rng.randint(1, ITEMS),
        'conv': rng.randint(1, CONVERSATIONS), 'task': task, 'task_at': TASKS_START + task * 60,
        'word': word, 'query': tsquery(word), 'person': rng.choice(PEOPLE), 'password': PASSWORD, **LISTS,
    }


def fill(template, values):
    """Replaces ${name}, then ${base64:...} around such."""
    text = re.sub(r'\$\{([a-z_]+)\}', lambda found: str(values.get(found[1], found[0])), template)
    encode = lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')
    return re.sub(r'\$\{base64:(.*?)\}', lambda found: encode(found[1]), text)


def read(server, name):
    with open(f'{BENCHES}/queries/{server.queries}/{name}') as file:
        return file.read().strip()


def query(server, key):
    return re.sub(r'\s+', ' ', read(server, key + '.graphql'))


def asker(workload, values):
    """The id of the user who asks; none for a stranger."""
    return {'viewer': VIEWER, 'person': values['person'], 'stranger': None}[workload.asker]


def variables(server, key, values):
    return json.loads(fill(read(server, key + '.json'), values))


def write_requests(server, workload, seed):
    """A file of requests for load/post.lua, each line a header, a tab, and a body: the same for all servers by seed."""
    rng, path = random.Random(seed), f'{RUN}/requests'
    text, template = query(server, workload.key), read(server, workload.key + '.json')
    with open(path, 'w') as file:
        for _ in range(REQUESTS):
            values = draw(rng)
            body = {'query': text, 'variables': json.loads(fill(template, values))}
            headers = server.headers(asker(workload, values)) or {'x-asker': 'none'}
            header = ''.join(f'{name}: {value}' for name, value in headers.items())
            file.write(f'{header}\t{json.dumps(body, ensure_ascii=False)}\n')
    return path
