// What every paged query takes on a small and on a large community, and reads of the market at a steady rate.
//
//   make release
//   for n in 20000 200000; do
//     export PLAZA_DATA_DIR=/tmp/market-$n PLAZA_BIND=127.0.0.1:$((8000 + n / 20000))
//     ./target/release/plaza seed --users $((n / 4)) --items $n --favorites $((n * 5 / 2)) \
//       --conversations $((n / 10)) --messages $((n * 5)) --tasks $((n / 2)) --orders $((n / 4)) --tickets $((n / 10))
//     ./target/release/plaza promote user7 ADMIN
//     ./target/release/plaza serve &
//   done
//   node benches/market.mjs pages 127.0.0.1:8001 "$(PLAZA_DATA_DIR=/tmp/market-20000 ./target/release/plaza token user7)" \
//     127.0.0.1:8010 "$(PLAZA_DATA_DIR=/tmp/market-200000 ./target/release/plaza token user7)"
//   node benches/market.mjs rate 127.0.0.1:8010 "$(… token user7)" 500
//
// Prints one line a query: p50 in milliseconds on both, and the ratio; for the rate, the percentiles.

import http from 'node:http';

const [mode, ...rest] = process.argv.slice(2);
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

/** Sends an operation; gives the milliseconds it took, and the data. */
function ask(host, token, query, variables = {}) {
  const body = JSON.stringify({ query, variables });
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const request = http.request(`http://${host}/graphql`, {
      agent, method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, 'content-length': Buffer.byteLength(body) },
    }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => { text += chunk; }).on('end', () => {
        const took = performance.now() - started;
        const { data, errors } = JSON.parse(text);
        if (errors) reject(new Error(`${query}: ${JSON.stringify(errors)}`)); else resolve({ took, data });
      });
    });
    request.on('error', reject).end(body);
  });
}

const CARD = 'nodes { id title price owner { nickname } images { url } favoriteCount isFavorite } pageInfo { endCursor }';
const items = (filter, order) => ({
  query: `query ($after: String) { list: items(first: 20, after: $after, filter: { ${filter} }${order ? `, orderBy: { field: ${order} }` : ''}) { ${CARD} } }`,
});
const TASK = 'nodes { title publisher { nickname } } pageInfo { endCursor }';
const root = (list) => ({ query: `query ($after: String) { list: ${list} }` });
const viewer = (list) => ({ query: `query ($after: String) { viewer { ${list} } }` });
const LISTS = {
  'feed, newest': items('status: [OPEN]'),
  'feed, open and closed': items(''),
  'feed by price': items('status: [OPEN]', 'PRICE'),
  'feed by favorites': items('status: [OPEN]', 'FAVORITES'),
  'one category': items('status: [OPEN], category: [7]'),
  'three categories by price': items('status: [OPEN], category: [7, 8, 9]', 'PRICE'),
  'direction, condition': items('status: [OPEN], direction: WANT, minCondition: 80'),
  'price range, newest': items('status: [OPEN], price: { min: "500", max: "600" }'),
  'price range by price': items('status: [OPEN], price: { min: "500", max: "600" }', 'PRICE'),
  "an owner's items": { query: `query ($after: String) { viewer { user { list: items(first: 20, after: $after) { ${CARD} } } } }` },
  'my favorites': { query: `query ($after: String) { viewer { list: favorites(first: 20, after: $after) { nodes { item { title } } pageInfo { endCursor } } } }` },
  'finished items': { query: `query ($after: String) { viewer { list: finishedItems(first: 20, after: $after) { ${CARD} } } }` },
  'conversations': { query: 'query ($after: String) { viewer { list: conversations(first: 20, after: $after) { nodes { title unreadCount lastMessage { seq } } pageInfo { endCursor } } } }' },
  'found: 手机 (a frequent word)': items('query: "手机"'),
  'found: 机 (one character)': items('query: "机"'),
  'found: 小米充电宝': items('query: "小米充电宝"'),
  'found: 索尼 镜头, by price': items('query: "索尼 镜头"', 'PRICE'),
  'found: guitar (Latin)': items('query: "guitar"'),
  'found: guittar (a slip)': items('query: "guittar"'),
  'search: 篮球鞋, all kinds': { query: 'query ($after: String) { list: search(query: "篮球鞋", first: 20, after: $after) { edges { score node { __typename ... on Item { title } } } pageInfo { endCursor } } }' },
  "an owner's open items by price": {
    query: `query ($after: String) { viewer { user { list: items(first: 20, after: $after, filter: { status: [OPEN] }, orderBy: { field: PRICE }) { ${CARD} } } } }`,
  },
  'messages of a conversation': {
    query: 'query ($after: String) { viewer { conversations(first: 1) { nodes { list: messages(first: 20, after: $after) { nodes { seq sender { username } } pageInfo { endCursor } } } } } }',
  },
  'wallet entries': viewer('wallet { list: entries(first: 20, after: $after) { nodes { amount balanceAfter } pageInfo { endCursor } } }'),
  'my files': viewer('list: files(first: 20, after: $after) { nodes { url } pageInfo { endCursor } }'),
  'my published tasks': viewer(`list: publishedTasks(first: 20, after: $after) { ${TASK} }`),
  'my accepted tasks': viewer(`list: acceptedTasks(first: 20, after: $after) { ${TASK} }`),
  'my orders': viewer('list: orders(first: 20, after: $after) { nodes { number } pageInfo { endCursor } }'),
  'my tickets': viewer('list: tickets(first: 20, after: $after) { nodes { question } pageInfo { endCursor } }'),
  'tasks, open': root(`tasks(first: 20, after: $after, filter: { status: [OPEN] }) { ${TASK} }`),
  'tasks found: 搬家': root(`tasks(first: 20, after: $after, filter: { query: "搬家" }) { ${TASK} }`),
  'products by price': root('products(first: 20, after: $after, orderBy: { field: PRICE }) { nodes { name } pageInfo { endCursor } }'),
  'all orders, to be shipped': root('orders(first: 20, after: $after, filter: { status: [PENDING] }) { nodes { number buyer { nickname } } pageInfo { endCursor } }'),
  'all tickets, open': root('tickets(first: 20, after: $after, filter: { status: [OPEN] }) { nodes { question } pageInfo { endCursor } }'),
  'all users': root('users(first: 20, after: $after) { nodes { username } pageInfo { endCursor } }'),
  'search people: 王伟': { query: 'query ($after: String) { list: searchUsers(query: "王伟", first: 20, after: $after) { nodes { nickname } pageInfo { endCursor } } }' },
};

const middle = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];

/** The list of an answer, wherever it is. */
function list(data) {
  if (data === null || typeof data !== 'object') return undefined;
  return data.list ?? Object.values(data).map(list).find((found) => found !== undefined);
}

/** The middle of how long the first and the fifth page take. */
async function pages(host, token, { query }) {
  let after = null;
  const cursors = [null];
  for (let page = 0; page < 4; page += 1) {
    after = list((await ask(host, token, query, { after })).data).pageInfo.endCursor ?? after;
    cursors.push(after);
  }
  const times = [];
  for (let turn = 0; turn < 60; turn += 1) {
    const { took } = await ask(host, token, query, { after: turn % 2 ? cursors[4] : null });
    if (turn >= 12) times.push(took);
  }
  return middle(times);
}

if (mode === 'pages') {
  const [small, smallToken, large, largeToken] = rest;
  for (const [name, one] of Object.entries(LISTS)) {
    // In turn, so that whatever else the machine does strikes both; the better of three.
    const ratios = [];
    for (let round = 0; round < 3; round += 1) {
      ratios.push([await pages(small, smallToken, one), await pages(large, largeToken, one)]);
    }
    const least = (n) => Math.min(...ratios.map((pair) => pair[n]));
    console.log(`| ${name} | ${least(0).toFixed(2)} | ${least(1).toFixed(2)} | ${(least(1) / least(0)).toFixed(2)} |`);
  }
} else {
  const [host, token, rate] = rest;
  const names = Object.keys(LISTS).filter((name) => !name.includes('found') && !name.includes('search'));
  const every = 1000 / Number(rate);
  for (const [what, chosen] of [['lists', names], ['lists and searches', Object.keys(LISTS)]]) {
    const times = [];
    const running = [];
    const begin = performance.now();
    const total = Number(rate) * 20;
    for (let n = 0; n < total; n += 1) {
      const due = begin + n * every;
      while (performance.now() < due) await new Promise((resolve) => { setTimeout(resolve, Math.max(0, due - performance.now())); });
      // Counted from when it was due: waiting to be sent is waiting too.
      const { query } = LISTS[chosen[n % chosen.length]];
      running.push(ask(host, token, query).then(() => times.push(performance.now() - due)));
    }
    await Promise.all(running);
    times.sort((a, b) => a - b);
    const at = (share) => times[Math.floor((times.length - 1) * share)].toFixed(1);
    console.log(`${what} at ${rate}/s: p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, worst ${at(1)} ms`);
  }
}
agent.destroy();
