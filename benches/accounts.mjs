// What accounts tell by time, and what many sign-ins at once do to everybody else.
//
//   make release
//   ./target/release/plaza serve        # on an empty database, with an outbox in its data folder
//   node benches/accounts.mjs http://127.0.0.1:8000 ./data/outbox.jsonl
//
// With `crowd` as a third argument, the sign-ins at once alone. Prints one line a measure. Known and unknown are asked in turn, so that what else the machine does falls on both.

import { readFile } from 'node:fs/promises';
import { once } from 'node:events';
import http from 'node:http';
import { Worker, parentPort, workerData } from 'node:worker_threads';

const [base = 'http://127.0.0.1:8000', outbox = './data/outbox.jsonl', only] = process.argv.slice(2);
const TIMES = 500;
const run = Date.now().toString(36);
const agent = new http.Agent({ keepAlive: true, maxSockets: 512 });

function ask(query, variables = {}) {
  const body = JSON.stringify({ query, variables });
  return new Promise((resolve, reject) => {
    const start = process.hrtime.bigint();
    const request = http.request(`${base}/graphql`, { method: 'POST', agent, headers: { 'Content-Type': 'application/json' } }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ millis: Number(process.hrtime.bigint() - start) / 1e6, status: response.statusCode, answer: JSON.parse(text) }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const LOGIN = `mutation ($account: String!) { login(input: { credential: { password: { account: $account, password: "not the password" } } }) {
  tokens { accessToken } user { id } userErrors { code message field } } }`;
const BY_CODE = `mutation ($email: EmailAddress!, $code: String!) { login(input: { credential: { emailCode: { email: $email, code: $code } } }) {
  user { id } userErrors { code message field } } }`;
const REQUEST = `mutation ($email: EmailAddress!) { requestVerificationCode(input: { contact: { email: $email }, purpose: LOGIN }) {
  ok userErrors { code message field } } }`;
const FORGOT = `mutation ($email: EmailAddress!) { requestPasswordReset(contact: { email: $email }) { ok userErrors { code message field } } }`;
const RESET = `mutation ($email: EmailAddress!) { resetPassword(input: { contact: { email: $email }, code: "000000", newPassword: "a long password" }) {
  ok userErrors { code message field } } }`;
const REGISTER = `mutation ($name: String!, $email: EmailAddress!) { register(input: { username: $name, email: $email, password: "a long password" }) {
  user { nickname } userErrors { code message field } } }`;

const known = (n) => `known-${run}-${n}@example.com`;
const unknown = (n) => `nobody-${run}-${n}@example.com`;
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const percentile = (values, share) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))];

/** Makes accounts by code, as anybody would. */
async function makeAccounts() {
  for (let n = 0; n < TIMES; n++) await ask(REQUEST, { email: known(n) });
  const codes = new Map();
  for (let tries = 0; codes.size < TIMES && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const line of (await readFile(outbox, 'utf8')).split('\n').filter(Boolean)) {
      const { to, code } = JSON.parse(line);
      if (to.startsWith(`known-${run}-`)) codes.set(to, code);
    }
  }
  for (let n = 0; n < TIMES; n++) {
    const { answer } = await ask(BY_CODE, { email: known(n), code: codes.get(known(n)) });
    if (!answer.data.login.user) throw new Error(`no account: ${JSON.stringify(answer)}`);
  }
}

/** Asks the same of contacts that have an account and of those that have none. */
async function compare(what, query, variables, shown = (answer) => JSON.stringify(answer)) {
  const times = { known: [], unknown: [] };
  const bodies = { known: new Set(), unknown: new Set() };
  for (let n = 0; n < TIMES; n++) {
    const turns = [['known', known(n)], ['unknown', unknown(n)]];
    if (n % 2) turns.reverse();
    for (const [kind, email] of turns) {
      const { millis, answer } = await ask(query, variables(email, `${kind}${n}`));
      times[kind].push(millis);
      bodies[kind].add(shown(answer));
    }
  }
  const same = [...bodies.known].sort().join() === [...bodies.unknown].sort().join();
  const [a, b] = [mean(times.known), mean(times.unknown)];
  const apart = (Math.abs(a - b) / Math.min(a, b)) * 100;
  console.log(`${what}: known ${a.toFixed(2)} ms, unknown ${b.toFixed(2)} ms, ${apart.toFixed(1)} % apart; bodies ${same ? 'the same' : 'DIFFER'}`);
}

const LOOK = '{ userByAccountNumber(accountNumber: 10000000) { username } }';

/** Somebody who only looks, again and again, in a thread of their own: the crowd's client must not slow them down. */
async function look() {
  const times = [];
  parentPort.once('message', () => parentPort.postMessage(times) ?? parentPort.close());
  while (true) {
    times.push((await ask(LOOK)).millis);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Starts looking; call the result for the times. */
function watch() {
  const worker = new Worker(new URL(import.meta.url), { argv: [base], workerData: 'look' });
  return async () => {
    worker.postMessage('enough');
    const [times] = await once(worker, 'message');
    await worker.terminate();
    // The first opens the connection.
    return times.slice(1);
  };
}

const wait = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** How long others wait, with and without two hundred sign-ins at once. */
async function crowd() {
  const alone = watch();
  await wait(4000);
  const quiet = await alone();
  // Two hundred connections are open already: sign-ins are measured, not handshakes.
  await Promise.all(Array.from({ length: 200 }, () => ask('{ __typename }')));
  const beside = watch();
  await wait(500);
  const logins = await Promise.all(Array.from({ length: 200 }, (_, n) => ask(LOGIN, { account: known(n) })));
  const busy = await beside();
  const refused = logins.filter(({ answer }) => answer.errors?.[0].extensions.code === 'OVERLOADED');
  const served = logins.filter(({ answer }) => answer.data?.login?.userErrors[0].code === 'INVALID_CREDENTIALS');
  const slowest = Math.max(...refused.map(({ millis }) => millis), 0);
  console.log(`200 sign-ins at once: ${served.length} answered, ${refused.length} refused, the last refusal after ${slowest.toFixed(0)} ms`);
  const [before, during] = [percentile(quiet, 0.99), percentile(busy, 0.99)];
  console.log(`other queries: p99 ${before.toFixed(2)} ms alone (${quiet.length}), ${during.toFixed(2)} ms beside (${busy.length}), ${(during / before).toFixed(2)} times`);
}

/** A contact gets one code a minute. */
const nextMinute = () => wait(61_000);

if (workerData === 'look') await look();
if (only === 'crowd') {
  await crowd();
  process.exit();
}
await makeAccounts();
// A first round for caches and connections that does not count.
for (let n = 0; n < 20; n++) await ask(LOGIN, { account: unknown(n) });
await compare('signing in with a wrong password', LOGIN, (account) => ({ account }));
await compare('signing in with a wrong code', BY_CODE, (email) => ({ email, code: 'x' }));
await nextMinute();
await compare('asking for a code', REQUEST, (email) => ({ email }));
await nextMinute();
await compare('asking for a reset', FORGOT, (email) => ({ email }));
await compare('resetting with a wrong code', RESET, (email) => ({ email }));
await nextMinute();
await compare('registering with an unproven address', REGISTER, (email, name) => ({ email, name: `${name}.${run}` }),
  (answer) => JSON.stringify(answer).replace(/(un)?known\d+\.\w+/, 'name'));
await crowd();
agent.destroy();
