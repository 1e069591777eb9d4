// Messages over server-sent events through the real graphql-sse client, while the line is cut in the middle of events:
// every message once and in order.
//
// usage: node sse.mjs <address> <messages> [seconds to wait for a heartbeat of the server's]
//
// One sends over HTTP; the other subscribes through a proxy that passes on half of what it read and hangs up, and
// resumes with the header Last-Event-ID alone: `after` stays what it was. Before that: a query, and what becomes of
// documents and subscriptions that are refused. Prints a summary as JSON.
import { createClient } from 'graphql-sse';
import { connect, createServer } from 'node:net';
import { deadline, finish, pause, plaza, subscription } from './plaza.mjs';

const [address, count, patience] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4] ?? 0)];
const { run, register, send } = plaza(address);
const CUTS = 7;

const mediaTypes = new Set();
let planned = 0;
let cuts = 0;
const proxy = createServer((near) => {
  const far = connect(Number(address.split(':')[1]), address.split(':')[0]);
  near.on('error', () => far.destroy()).on('close', () => far.destroy());
  far.on('error', () => near.destroy()).on('end', () => near.end());
  near.pipe(far);
  far.on('data', (chunk) => {
    if (!planned) return near.write(chunk);
    planned -= 1;
    cuts += 1;
    far.destroy();
    near.write(chunk.subarray(0, chunk.length >> 1), () => near.destroy());
  });
});
await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve));

// A client, and what it saw. graphql-sse drops the events' ids, so they are read here as the body passes by.
function open(token, retryAttempts) {
  const seen = { lastEventId: '', ids: 0, requests: 0, resumed: 0, heartbeats: 0 };
  let passed = [];

  async function* watched(body) {
    const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
    const heartbeat = encoder.encode(':\n\n');
    let rest = '';
    passed = [];
    yield heartbeat;
    for await (const chunk of body) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) {
        if (/^:/m.test(block)) seen.heartbeats += 1;
        if (/^(event|data)/m.test(block)) passed.push(block.match(/^id: ?(.*)$/m)?.[1]);
      }
      yield chunk;
      // Between two events the client is shown a heartbeat, whether or not the server sent one.
      if (!rest) yield heartbeat;
    }
  }

  const client = createClient({
    url: `http://127.0.0.1:${proxy.address().port}/graphql`,
    singleConnection: false,
    retryAttempts,
    retry: () => pause(20 + Math.random() * 60),
    on: {
      // An id counts from here: the parser holds whole events back until a chunk ends with a line, and loses them with
      // the connection.
      message: () => {
        const id = passed.shift();
        if (id !== undefined) [seen.lastEventId, seen.ids] = [id, seen.ids + 1];
      },
    },
    // A function is asked anew for every attempt.
    headers: () => {
      seen.requests += 1;
      if (seen.lastEventId) seen.resumed += 1;
      return {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(seen.lastEventId && { 'last-event-id': seen.lastEventId }),
      };
    },
    fetchFn: async (url, init) => {
      const response = await fetch(url, init);
      if (!response.ok) return response;
      mediaTypes.add(response.headers.get('content-type')?.split(';')[0]);
      return { ok: true, status: response.status, statusText: response.statusText, body: watched(response.body) };
    },
  });
  return { client, seen };
}

// Runs an operation to its end, without a second try: its results, and the error that the client ended it with, if any.
function whole(token, request) {
  const results = [];
  return new Promise((resolve) => {
    open(token, 0).client.subscribe(request, {
      next: (result) => results.push(result),
      error: (error) => resolve({ results, error: String(error) }),
      complete: () => resolve({ results }),
    });
  });
}

const received = [];
const summary = { query: false, refused: {}, received: 0, inOrder: false };
deadline(120 + patience, () => ({ ...summary, received: received.length, cuts }));

const sender = await register('ssesender');
const receiver = await register('ssereceiver');
const start = await run('{ viewer { eventCursor } }', {}, receiver.token);
const after = start.viewer.eventCursor;

const { results, error } = await whole(receiver.token, { query: '{ viewer { user { id } } }' });
summary.query = !error && results.length === 1 && results[0].data?.viewer.user.id === receiver.id;
if (!summary.query) {
  console.error(`the query gave ${JSON.stringify({ results, error })}`);
  finish(summary, { query: false });
}

// Where each ends: in the client's error sink, with a status, or in one result with errors.
const refused = {
  syntax: [receiver.token, { query: '{' }],
  validation: [receiver.token, { query: '{ nothing }' }],
  setup: [receiver.token, { query: subscription, variables: { after: 'nonsense' } }],
  anonymous: [undefined, { query: subscription }],
  token: ['nonsense', { query: subscription }],
};
for (const [name, [token, request]] of Object.entries(refused)) {
  const { results, error } = await whole(token, request);
  const errors = results.length === 1 && results[0].errors;
  if (error) summary.refused[name] = error;
  else if (errors?.length) summary.refused[name] = `result: ${errors.map((e) => e.extensions?.code ?? e.message)}`;
  else summary.refused[name] = `unexpected: ${JSON.stringify(results)}`;
}

const live = open(receiver.token, Infinity);
const done = new Promise((resolve, reject) => {
  live.client.subscribe(
    { query: subscription, variables: { after } },
    {
      next: ({ data, errors }) => {
        if (errors) return reject(new Error(JSON.stringify(errors)));
        received.push(data.messageReceived.message.seq);
        if (received.length === count) resolve();
      },
      error: reject,
      complete: () => reject(new Error('completed by the server')),
    },
  );
});
// Awaited only below.
let failure;
done.catch((error) => (failure = error));

const every = Math.max(1, Math.floor(count / (CUTS + 1)));
let idle = 0;
for (let n = 1; n <= count; n += 1) {
  if (n > 1 && n % every === 0 && cuts + planned < CUTS) {
    // What went before has come through, so that each cut leaves something to resume from.
    while (received.length < n - 1 && !failure) await pause(5);
    planned += 1;
  }
  if (n === count && patience) {
    // The last one comes behind the server's own heartbeat.
    const had = live.seen.heartbeats;
    for (const end = Date.now() + patience * 1000; live.seen.heartbeats === had && Date.now() < end; ) await pause(50);
    idle = live.seen.heartbeats - had;
  }
  await send(sender.token, receiver.id, `message ${n}`);
}
await done;
// Whatever came twice would come now.
await pause(300);
live.client.dispose();

const { ids, requests, resumed, heartbeats } = live.seen;
summary.received = received.length;
summary.inOrder = received.every((seq, index) => seq === index + 1);
finish(
  { ...summary, cuts, requests, resumed, ids, heartbeats, mediaTypes: [...mediaTypes] },
  {
    refusals: Object.values(summary.refused).every((text) => !text.startsWith('unexpected')),
    'each once': received.length === count,
    'in order': summary.inOrder,
    'cut several times': cuts > 1 && resumed >= cuts,
    'an id on each event': ids >= count,
    'the media type': [...mediaTypes].join() === 'text/event-stream',
    'a heartbeat while idle': !patience || idle > 0,
  },
);
