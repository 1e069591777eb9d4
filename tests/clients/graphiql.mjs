// GraphiQL in Chromium, as a person uses it: reads the docs, runs a query, listens for messages, gets a token wrong.
//
// usage: node graphiql.mjs <address> <screenshot>
//
// Nothing may leave the origin, break the Content-Security-Policy or be complained about on the console. Saves a
// screenshot and prints a summary as JSON; CHROMIUM is the browser, /usr/bin/chromium where it isn't set.
import { chromium } from 'playwright-core';
import { plaza } from './plaza.mjs';

const [address, screenshot] = process.argv.slice(2);
const origin = `http://${address}`;
const patience = 30_000;

const { run, register } = plaza(address);

const complaints = [];
const requests = [];
const inits = [];

function watch(page) {
  const asked = (url) => {
    requests.push(url);
    const { protocol, host } = new URL(url);
    if (protocol !== 'data:' && host !== address) complaints.push(`asked for ${url}`);
  };
  page.on('request', (request) => asked(request.url()));
  page.on('response', (response) => {
    if (response.status() >= 400) complaints.push(`${response.status()} for ${response.url()}`);
  });
  page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('pageerror', (error) => complaints.push(`thrown: ${error.stack}`));
  page.on('console', (message) => {
    // What is against the policy becomes an error on the console.
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('websocket', (socket) => {
    asked(socket.url());
    socket.on('framesent', ({ payload }) => {
      const message = JSON.parse(payload);
      if (message.type === 'connection_init') inits.push(message.payload);
    });
  });
}

/** What the result pane shows. Monaco shows spaces as no-break spaces. */
function shows(page, text) {
  return page.waitForFunction(
    (text) => document.querySelector('.result-window .view-lines')?.textContent.replaceAll('\u00a0', ' ').includes(text),
    text,
  );
}

/** Fills an editor. Typing would have Monaco complete the words and close the brackets. */
function fill(page, file, text) {
  return page.evaluate(([file, text]) => {
    __MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith(file)).setValue(text);
  }, [file, text]);
}

async function execute(page, query, token) {
  await fill(page, 'request-headers.json', token ? JSON.stringify({ Authorization: `Bearer ${token}` }) : '');
  await fill(page, 'operation.graphql', query);
  await page.locator('.graphiql-execute-button').click();
}

async function explore(page) {
  // The first of all has the number that the page's query asks for.
  const [ada, bo] = [await register('ada'), await register('bo')];
  await page.goto(`${origin}/`);
  if ((await page.title()) !== 'Plaza') throw new Error(`the title is ${await page.title()}`);

  await page.getByRole('button', { name: 'Show Documentation Explorer' }).click();
  const docs = page.locator('.graphiql-doc-explorer');
  await docs.getByRole('link', { name: 'Subscription', exact: true }).click();
  await docs.getByRole('link', { name: 'messageReceived', exact: true }).waitFor();

  // The query that newcomers find.
  await page.locator('.graphiql-execute-button').click();
  await shows(page, '"userByAccountNumber": {');

  const { viewer } = await run('{ viewer { eventCursor } }', {}, ada.token);
  const subscribed = page.waitForEvent('websocket').then((socket) =>
    socket.waitForEvent('framesent', ({ payload }) => JSON.parse(payload).type === 'subscribe'),
  );
  // From the cursor on, so that the message may overtake the subscription.
  await execute(page, `subscription {
  messageReceived(after: "${viewer.eventCursor}") {
    cursor
    message {
      seq
      sender { username }
      content { ... on TextContent { text } }
    }
  }
}`, ada.token);
  await subscribed;
  const text = `Hello from ${bo.username}`;
  await run(
    `mutation ($to: ID!, $text: String!) {
      sendMessage(input: { to: { userId: $to }, content: { text: { text: $text } } }) { userErrors { code } } }`,
    { to: ada.id, text },
    bo.token,
  );
  await shows(page, `"text": "${text}"`);
  await page.screenshot({ path: screenshot });
  await page.locator('.graphiql-execute-button').click(); // Stops it.

  await execute(page, 'subscription { messageReceived { cursor } }', 'nonsense');
  await shows(page, '"code": 4401');
  await shows(page, '"reason": "token-invalid"');

  const authorizations = inits.map((payload) => payload?.Authorization);
  if (authorizations.join() !== `Bearer ${ada.token},Bearer nonsense`) {
    throw new Error(`the sockets began with ${JSON.stringify(inits)}`);
  }
  if (!page.workers().length) throw new Error('Monaco has no workers');
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
try {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(patience);
  watch(page);
  await explore(page).catch(async (error) => {
    complaints.push(error.stack);
    await page.screenshot({ path: screenshot }).catch(() => {});
  });
} finally {
  await browser.close();
}

for (const complaint of complaints) console.error(complaint);
console.log(JSON.stringify({ requests: requests.length, sockets: inits.length, complaints: complaints.length }));
process.exit(complaints.length ? 1 : 0);
