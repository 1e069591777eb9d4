// The real graphql-ws client: operations over one socket, request errors in the sink, and a token that ends meanwhile.
//
// usage: node ws.mjs <address> [<token that ends within seconds> <fresh token of the same user's>]
//
// With tokens, the first socket brings the one that ends; the server closes it with 4403 `token-expired`, the client
// comes back by itself and asks for the token anew, and what was sent before, meanwhile and afterwards comes once and
// in order. Prints a summary as JSON.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { deadline, finish, pause, plaza, subscription } from './plaza.mjs';

const [address, ending, fresh] = process.argv.slice(2);
const { run, register, send } = plaza(address);

const summary = {};
deadline(90, () => summary);

// A client, and what became of its sockets.
function open(authorization, options) {
  const seen = { opened: 0, closed: [] };
  const client = createClient({
    url: `ws://${address}/graphql/ws`,
    connectionParams: () => ({ authorization: authorization() }),
    webSocketImpl: WebSocket,
    retryWait: () => pause(300),
    on: {
      opened: () => (seen.opened += 1),
      closed: ({ code, reason }) => seen.closed.push({ code, reason }),
    },
    ...options,
  });
  return { client, seen };
}

const sender = await register('wssender');
const checks = {};

// Not lazy: one socket for all of it.
const { client, seen } = open(() => `Bearer ${sender.token}`, { lazy: false, retryAttempts: 0 });

// Runs an operation to its end: its results, and what the sink's `error` was given, if anything.
function whole(request) {
  const results = [];
  return new Promise((resolve) => {
    client.subscribe(request, {
      next: (result) => results.push(result),
      error: (error) => resolve({ results, error }),
      complete: () => resolve({ results }),
    });
  });
}

const query = await whole({ query: '{ viewer { eventCursor user { id } } }' });
const viewer = query.results[0]?.data?.viewer;
checks['a query'] = !query.error && query.results.length === 1 && viewer?.user.id === sender.id;

const messages = client.iterate({ query: subscription, variables: { after: viewer?.eventCursor } });
const mutation = await whole({
  query: 'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { seq } userErrors { code } } }',
  variables: { input: { to: { userId: sender.id }, content: { text: { text: 'to myself' } }, clientMessageId: '0' } },
});
checks['a mutation'] =
  !mutation.error && mutation.results.length === 1 && mutation.results[0].data?.sendMessage.message?.seq === 1;
const first = await messages.next();
checks['a subscription'] = first.value?.data?.messageReceived.message.content.text === 'to myself';
await messages.return();

const refused = {
  syntax: { query: '{' },
  validation: { query: '{ nothing }' },
  variables: { query: 'query ($id: ID!) { node(id: $id) { id } }' },
  operation: { query: 'query A { __typename }', operationName: 'B' },
  setup: { query: subscription, variables: { after: 'nonsense' } },
};
summary.refused = {};
for (const [name, request] of Object.entries(refused)) {
  const { results, error } = await whole(request);
  checks[`${name}: GraphQL errors in the sink`] =
    !results.length && Array.isArray(error) && error.length > 0 && error.every((e) => typeof e.message === 'string');
  summary.refused[name] = Array.isArray(error) ? error.map((e) => e.extensions?.code ?? e.message) : { results, error };
}
checks['all of it over one socket'] = seen.opened === 1 && !seen.closed.length;
await client.dispose();

async function expiry() {
  const { viewer } = await run('{ viewer { eventCursor user { id } } }', {}, fresh);
  let asked = 0;
  let back = false;
  const { client, seen } = open(() => `Bearer ${asked++ ? fresh : ending}`);
  client.on('connected', () => (back = asked > 1));

  const received = [];
  const variables = { after: viewer.eventCursor };
  let failure;
  client.subscribe(
    { query: subscription, variables },
    {
      next: ({ data, errors }) => {
        if (errors) return (failure = errors);
        // graphql-ws sends the variables anew with every connection.
        variables.after = data.messageReceived.cursor;
        received.push(data.messageReceived.message.seq);
      },
      error: (error) => (failure = error),
      complete: () => (failure ??= 'completed'),
    },
  );

  const sent = { before: 0, meanwhile: 0, afterwards: 0 };
  for (const end = Date.now() + 60_000; sent.afterwards < 10 && !failure && Date.now() < end; await pause(50)) {
    const when = back ? 'afterwards' : seen.closed.length ? 'meanwhile' : 'before';
    await send(sender.token, viewer.user.id, `message ${sent.before + sent.meanwhile + sent.afterwards}`);
    sent[when] += 1;
  }
  const total = sent.before + sent.meanwhile + sent.afterwards;
  for (const end = Date.now() + 10_000; received.length < total && !failure && Date.now() < end; ) await pause(20);
  // Whatever came twice would come now.
  await pause(300);
  summary.expiry = { sent, received: received.length, asked, opened: seen.opened, closed: [...seen.closed] };
  if (failure) summary.expiry.failure = failure;
  checks['closed with 4403 token-expired'] =
    seen.closed.length === 1 && seen.closed[0].code === 4403 && seen.closed[0].reason === 'token-expired';
  checks['came back by itself with a fresh token'] = !failure && asked === 2 && seen.opened === 2;
  checks['sent before, meanwhile and afterwards'] = Object.values(sent).every((n) => n > 0);
  checks['each once and in order'] = received.length === total && received.every((seq, index) => seq === index + 1);
  await client.dispose();
}

if (ending) await expiry();
finish(summary, checks);
