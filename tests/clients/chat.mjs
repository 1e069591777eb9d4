// Two people chat through the real clients while the line is cut: every message once and in order.
//
// usage: node chat.mjs <address> <messages> <cut: sockets | nothing>
//
// One sends over HTTP, trying again under the same clientMessageId until it is answered; the other subscribes with
// graphql-ws and resumes from the cursor of the last message. Prints a line per hundred messages received, then a
// summary as JSON.
import { createClient } from 'graphql-ws';
import { parse } from 'graphql';
import WebSocket from 'ws';
import { pause, plaza, subscription } from './plaza.mjs';

const [address, count, cut] = [process.argv[2], Number(process.argv[3]), process.argv[4]];

const { run, register, send: sendOnce } = plaza(address);

const sender = await register('sender');
const receiver = await register('receiver');

// The document is one that graphql's own parser takes.
parse(subscription);

let socket;
let opened = 0;
const client = createClient({
  url: `ws://${address}/graphql/ws`,
  connectionParams: { authorization: `Bearer ${receiver.token}` },
  retryAttempts: Infinity,
  retryWait: () => pause(20 + Math.random() * 60),
  shouldRetry: () => true,
  webSocketImpl: class extends WebSocket {
    constructor(...args) {
      super(...args);
      socket = this;
      opened += 1;
    }
  },
});

// graphql-ws sends the variables anew with every connection: a client that moves the cursor on resumes there.
const start = await run('{ viewer { eventCursor } }', {}, receiver.token);
const variables = { after: start.viewer.eventCursor };
const received = [];
const done = new Promise((resolve, reject) => {
  client.subscribe(
    { query: subscription, variables },
    {
      next: ({ data, errors }) => {
        if (errors) return reject(new Error(JSON.stringify(errors)));
        const { cursor, message } = data.messageReceived;
        variables.after = cursor;
        received.push(message.seq);
        if (received.length % 100 === 0) console.log(`received ${received.length}`);
        if (received.length === count) resolve();
      },
      error: reject,
      complete: () => reject(new Error('completed by the server')),
    },
  );
});

async function send(n) {
  for (;;) {
    try {
      return await sendOnce(sender.token, receiver.id, `message ${n}`);
    } catch {
      await pause(50);
    }
  }
}

let sent = 0;
const acknowledged = [];
const writers = Array.from({ length: 8 }, async () => {
  while (sent < count) acknowledged.push(await send(++sent));
});

let running = true;
const cutting = (async () => {
  while (running && cut === 'sockets') {
    await pause(20 + Math.random() * 100);
    if (socket?.readyState === WebSocket.OPEN) socket.terminate();
  }
})();

await Promise.all(writers);
await done;
running = false;
await cutting;
// Whatever came twice would come now.
await pause(300);
await client.dispose();
const inOrder = received.every((seq, index) => seq === index + 1);
console.log(JSON.stringify({ received: received.length, inOrder, acknowledged: new Set(acknowledged).size, opened }));
