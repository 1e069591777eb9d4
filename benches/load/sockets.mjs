// Many subscriptions, and messages published to them at a steady rate. One argument, JSON:
//   ws, http          addresses
//   count             sockets
//   init              payloads of connection_init; socket n has the one at n modulo their number
//   subscribe         {query, variables}, or nothing: the sockets stay idle
//   publish           [{query, variables}, ...], sent in turn; ${body} becomes "t:<microseconds>;", which each delivery
//                     repeats, ${last} and ${seq} the id and seq of the message before
//   headers, rate, seconds   of what is published; a rate of 0 publishes nothing
// It says "phase NAME" at each step and waits for a line of input, so that its parent can look at the server. The last
// line is "result" and JSON.
import http from 'node:http';
import { createInterface } from 'node:readline';
import { frame, open } from './websocket.mjs';

const options = JSON.parse(process.argv[2]);
const { count, rate, seconds } = options;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const PONG = frame('{"type":"pong"}');
const SUBSCRIBE = options.subscribe && frame(JSON.stringify({ id: '1', type: 'subscribe', payload: options.subscribe }));

let acknowledged = 0;
let deliveries = 0;
let closed = 0;
let problem = '';
let lastAt = 0;
let latencies = [];
let measuredFrom = Infinity;
const reached = new Set();

async function phase(name) {
  console.log(`phase ${name}`);
  await lines.next();
}

/** A frame with a payload: counted, and timed where it has the time it was published at. */
function deliver(bytes, from, to, socket) {
  reached.add(socket);
  if (measuredFrom === Infinity) return;
  const now = performance.now();
  const at = bytes.indexOf('t:', from, 'latin1');
  if (at >= 0 && at < to && bytes[at + 2] >= 48 && bytes[at + 2] <= 57) {
    let micros = 0;
    for (let n = at + 2; n < to && bytes[n] !== 59; n += 1) micros = micros * 10 + bytes[n] - 48;
    if (micros < measuredFrom) return;
    latencies.push(now - micros / 1000);
  }
  deliveries += 1;
  lastAt = now;
}

async function connect(n) {
  const socket = await open(new URL(options.ws), Math.floor(n / 20000), (bytes, from, to) => {
    if (bytes.indexOf('"next"', from, 'latin1') >= from && bytes.indexOf('"next"', from, 'latin1') < to) {
      deliver(bytes, from, to, n);
      return;
    }
    const text = bytes.toString('utf8', from, to);
    if (text.includes('"connection_ack"')) {
      acknowledged += 1;
      if (SUBSCRIBE) socket.write(SUBSCRIBE);
    } else if (text.includes('"ping"')) socket.write(PONG);
    else if (text.includes('"error"')) problem ||= text.slice(0, 300);
  }, (reason) => { closed += 1; problem ||= reason; });
  socket.write(frame(JSON.stringify({ type: 'connection_init', payload: options.init[n % options.init.length] })));
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });
let turn = 0;
let failures = 0;
let last = '';
let seq = 0;

/** Sends the next of the documents. */
function publish() {
  const { query, variables } = options.publish[turn % options.publish.length];
  turn += 1;
  const text = JSON.stringify({ query, variables })
    .replace('${body}', `t:${Math.round(performance.now() * 1000)};`)
    .replace('${last}', last).replace('"${seq}"', String(seq));
  return post(text);
}

function post(text) {
  return new Promise((resolve) => {
    const request = http.request(options.http, {
      method: 'POST', agent, headers: { 'content-type': 'application/json', ...options.headers },
    }, (response) => {
      let answer = '';
      response.on('data', (chunk) => { answer += chunk; });
      response.on('end', () => { check(response.statusCode, answer); resolve(); });
    });
    request.on('error', (error) => {
      // Node's servers close a connection after five idle seconds: it may be reused at that moment.
      if (request.reusedSocket && error.code === 'ECONNRESET') { resolve(post(text)); return; }
      failures += 1;
      problem ||= `publishing: ${error.message}`;
      resolve();
    });
    request.end(text);
  });
}

function check(status, answer) {
  if (status !== 200 || answer.includes('"errors"') || answer.includes('"userErrors":[{')) {
    failures += 1;
    problem ||= `publishing: ${answer.slice(0, 300)}`;
  }
  const made = /"id":"([^"]+)","seq":(\d+)/.exec(answer);
  if (made) { last = made[1]; seq = Number(made[2]); }
}

/** Publishes so many at the rate; documents that need the answer of the one before wait for it. */
async function publishMany(total) {
  const begin = performance.now();
  const inTurn = options.publish.length > 1;
  const running = [];
  for (let n = 0; n < total; n += 1) {
    const wait = begin + (n * 1000) / rate - performance.now();
    if (wait > 0) await sleep(wait);
    if (inTurn) await publish(); else running.push(publish());
  }
  await Promise.all(running);
}

await phase('before');
const opening = performance.now();
for (let n = 0; n < count; n += 50) {
  await Promise.all(Array.from({ length: Math.min(50, count - n) }, (_, k) => connect(n + k)));
  // Beginning a subscription may take a statement; nothing says when it has begun.
  if (SUBSCRIBE) await sleep(50);
}
while (acknowledged < count && !problem && performance.now() - opening < 120000) await sleep(20);
const openSeconds = (performance.now() - opening) / 1000;
await phase('idle');

let total = 0;
let span = 0;
if (rate > 0) {
  for (let n = 0; n < 40 && reached.size < count; n += 1) { await publish(); await sleep(250); }
  while (turn % options.publish.length) await publish();
  await publishMany(rate * 3);
  while (turn % options.publish.length) await publish();
  await sleep(1500);
  await phase('begin');
  total = Math.ceil((rate * seconds) / options.publish.length) * options.publish.length;
  const begin = performance.now();
  measuredFrom = begin * 1000;
  await publishMany(total);
  const grace = performance.now();
  while (deliveries < total * count && performance.now() - grace < 10000) await sleep(10);
  span = Math.max((lastAt - begin) / 1000, total / rate);
  await phase('end');
}
latencies = Float64Array.from(latencies).sort();
const at = (share) => (latencies.length ? latencies[Math.floor((latencies.length - 1) * share)] : null);
console.log(`result ${JSON.stringify({
  sockets: acknowledged, closed, open_seconds: openSeconds, published: total, failures, deliveries,
  expected: total * count, lost: total * count - deliveries, per_second: span ? deliveries / span : 0,
  p50: at(0.5), p99: at(0.99), max: at(1), problem,
})}`);
process.exit(0);
