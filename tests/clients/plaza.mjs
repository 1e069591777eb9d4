// What the scripts share: requests over HTTP, people and their messages, and how a script ends.

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const subscription = `subscription ($after: String) {
  messageReceived(after: $after) { cursor message { seq content { ... on TextContent { text } } } } }`;

export function plaza(address) {
  async function run(query, variables, token) {
    const response = await fetch(`http://${address}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(5000),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  }

  async function register(name) {
    const username = `${name}${process.pid}`;
    const { register } = await run(
      `mutation ($username: String!) { register(input: { username: $username, password: "correct horse" }) {
        tokens { accessToken } user { id } userErrors { code } } }`,
      { username },
    );
    if (register.userErrors.length) throw new Error(JSON.stringify(register.userErrors));
    return { id: register.user.id, username, token: register.tokens.accessToken };
  }

  async function send(token, userId, text) {
    const { sendMessage } = await run(
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { seq } userErrors { code } } }',
      { input: { to: { userId }, content: { text: { text } }, clientMessageId: text } },
      token,
    );
    if (sendMessage.userErrors.length) throw new Error(JSON.stringify(sendMessage.userErrors));
    return sendMessage.message.seq;
  }

  return { run, register, send };
}

// Ends the script with its summary: 0 when every check holds, otherwise 1 and the names of those that don't.
export function finish(summary, checks = {}) {
  const failed = Object.keys(checks).filter((name) => !checks[name]);
  for (const name of failed) console.error(`failed: ${name}`);
  console.log(JSON.stringify({ ...summary, ...(failed.length && { failed }) }));
  process.exit(failed.length ? 1 : 0);
}

// No script waits longer than this. `state` says how far it came.
export function deadline(seconds, state) {
  setTimeout(() => finish(state(), { [`over after ${seconds} seconds`]: false }), seconds * 1000);
}
