"""Whether a server's answers are right: the same data as the SQL, whatever shape its schema gives them."""
import base64
import datetime
import decimal
import json
import random
import re

from .database import psql, statement
from .questions import asker, draw, query, variables
from .settings import log

CATEGORIES = ['电子', '服饰', '图书', '家居', '运动', '乐器', '母婴', '其他']
AMOUNTS = ('price', 'balance', 'held', 'amount', 'balanceAfter')


def _instant(text):
    text = re.sub(r'(\.\d{3})\d*', r'\1', text).replace('Z', '+00:00')
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def _id(value):
    try:
        return base64.urlsafe_b64decode(str(value) + '==').decode().split(':')[1]
    except (ValueError, IndexError):
        return str(value)


def _scalar(value, key):
    if value is None:
        return None
    if key == 'id':
        return _id(value)
    if key in ('url', 'avatarUrl'):
        return (re.search(r'[0-9a-f]{32}', value) or [value])[0]
    if key == 'category' and isinstance(value, int):
        return CATEGORIES[value]
    if key in AMOUNTS:
        return str(decimal.Decimal(str(value)).quantize(decimal.Decimal('0.01')))
    if key in ('createdAt', 'updatedAt'):
        return _instant(value)
    return value


def _plain(node):
    """Plaza's shapes as the peers have them."""
    if 'avatar' in node:
        node = {**node, 'avatarUrl': (node['avatar'] or {}).get('url')}
        del node['avatar']
    if 'verification' in node:
        node = {**node, 'verified': node['verification'] == 'VERIFIED'}
        del node['verification']
    if 'items' in (node.get('seller') or {}):
        others = [item for item in node['seller']['items']['nodes'] if item['id'] != node['id']]
        seller = {name: value for name, value in node['seller'].items() if name != 'items'}
        node = {**node, 'seller': seller, 'moreFromSeller': others[:3]}
    return node


def canonical(value, key=''):
    """Connections become lists, ids and amounts texts, times milliseconds, urls the names in them."""
    if isinstance(value, list):
        return [canonical(one, key) for one in value]
    if not isinstance(value, dict):
        return _scalar(value, key)
    if set(value) == {'text'}:
        return value['text']
    value = _plain(value)
    if set(value) == {'nodes'}:
        return canonical(value['nodes'], key)
    return {name: canonical(one, name) for name, one in value.items()}


def unwrap(value):
    """What a root field holds, below fields that stand alone."""
    while isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
    return value


def _expected(server, workload, values, got):
    if workload.key == 'send':
        script = {'peers': 'send_json', 'plaza': 'send_plaza_json'}[server.database]
        values = {'id': got['id'], 'conv': values['conv']}
        return canonical(json.loads(psql(statement(script), server.database, **values) or 'null'))
    row = psql("set timezone = 'UTC';" + statement(workload.answer), workload.database, **values)
    return canonical(json.loads(row))


def check(server, workload, count=25):
    """Stops with both answers where one of some random requests differs from the SQL."""
    rng = random.Random(7)
    for _ in range(count):
        values = draw(rng)
        data = server.ask(query(server, workload.key), variables(server, workload.key, values), asker(workload, values))
        if workload.key == 'sign_in':
            got, expected = data['login']['user'], {'id': str(values['person']), 'username': f'user{values["person"]}'}
            got = canonical(got) if data['login']['tokens'] else data
        else:
            got = unwrap(canonical(data))
            if workload.key == 'messages':
                got = sorted(got, key=lambda message: -int(message['id']))
            expected = _expected(server, workload, values, got)
        if got != expected:
            show = lambda answer: json.dumps(answer, ensure_ascii=False)[:1500]
            asked = f'{server.name} {workload.key} {values}'
            raise SystemExit(f'{asked}: not the answer of the SQL\n{show(got)}\n{show(expected)}')
    log(f'{server.name}: {workload.key}: {count} answers are those of the SQL')
