// What the real graphql-ws client hears of a conversation: one step after the other, in each subscription that tells of it.
//
// usage: node talk.mjs <address>
//
// Prints as JSON what each step was heard as, subscription by subscription.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { deadline, finish, pause, plaza } from './plaza.mjs';

const [address] = process.argv.slice(2);
const { run, register } = plaza(address);

const summary = { steps: [] };
deadline(90, () => summary);

const [ada, bo] = [await register('talka'), await register('talkb')];
const client = createClient({
  url: `ws://${address}/graphql/ws`,
  connectionParams: { authorization: `Bearer ${bo.token}` },
  webSocketImpl: WebSocket,
  lazy: false,
  retryAttempts: 0,
});

const content = 'content { __typename ... on TextContent { text } ... on SystemContent { change users { id } } }';
const message = `message { seq status type ${content} reactions { emoji count } replyTo { seq } }`;
const payload = `payload { __typename
  ... on MessageCreated { ${message} } ... on MessageUpdated { ${message} } ... on MessageRevoked { ${message} by { id } }
  ... on MessageDeleted { seq forEveryone } ... on ReactionsChanged { ${message} }
  ... on ConversationRead { marker { seq } } ... on ConversationDelivered { seq } ... on ConversationChanged { conversation { pinned } }
  ... on MembershipChanged { addedCount removedCount } }`;
const subscriptions = {
  messageReceived: `{ messageReceived { ${message} } }`,
  messageChanged: `{ messageChanged { ${payload} } }`,
  conversationUpdated: '{ conversationUpdated { kind unreadCount mentionCount pinned lastMessage { seq status } } }',
  typing: '{ typing { state user { id } conversation { kind } } }',
  presenceChanged: '{ presenceChanged { user { id } presence { isOnline } } }',
  events: `{ events { ${payload} } }`,
};

const names = { [ada.id]: 'ada', [bo.id]: 'bo' };
const shown = {
  message: ({ seq, status, type, content, reactions, replyTo }) =>
    [
      `#${seq}`,
      type,
      ...(status === 'NORMAL' ? [] : [status]),
      ...(content?.text ? [content.text] : []),
      ...(content?.change ? [content.change, ...content.users.map((user) => names[user.id])] : []),
      ...(replyTo ? [`to #${replyTo.seq}`] : []),
      ...reactions.map(({ emoji, count }) => `${emoji} ${count}`),
    ].join(' '),
  payload: ({ __typename, message, by, marker, seq, forEveryone, conversation, addedCount, removedCount }) =>
    [
      __typename,
      ...(message ? [shown.message(message)] : []),
      ...(by ? [`by ${names[by.id]}`] : []),
      ...(marker ? [`#${marker.seq}`] : []),
      ...(seq ? [`#${seq}`] : []),
      ...(forEveryone === undefined ? [] : [forEveryone ? 'for everyone' : 'for oneself']),
      ...(conversation ? [conversation.pinned ? 'pinned' : 'not pinned'] : []),
      ...(addedCount === undefined ? [] : [`+${addedCount} -${removedCount}`]),
    ].join(' '),
  messageReceived: ({ message }) => shown.message(message),
  messageChanged: ({ payload }) => shown.payload(payload),
  events: ({ payload }) => shown.payload(payload),
  conversationUpdated: ({ kind, unreadCount, mentionCount, pinned, lastMessage }) =>
    `${kind} unread ${unreadCount} mentions ${mentionCount}${pinned ? ' pinned' : ''} last #${lastMessage.seq} ${lastMessage.status}`,
  typing: ({ state, user, conversation }) => `${names[user.id]} ${state} ${conversation.kind}`,
  presenceChanged: ({ user, presence }) => `${names[user.id]} ${presence.isOnline ? 'online' : 'offline'}`,
};

let heard = {};
for (const [name, query] of Object.entries(subscriptions)) {
  client.subscribe(
    { query: `subscription ${query}` },
    {
      next: ({ data, errors }) => {
        (heard[name] ??= []).push(errors ? JSON.stringify(errors) : shown[name](data[name]));
      },
      error: (error) => (heard[name] ??= []).push(`error ${JSON.stringify(error)}`),
      complete: () => (heard[name] ??= []).push('completed'),
    },
  );
}

// A mutation of one person's; its payload.
async function act(person, field, args, fields = 'userErrors { code message }') {
  const declared = Object.keys(args).length ? `(${Object.entries(args).map(([name, [type]]) => `$${name}: ${type}`)})` : '';
  const passed = Object.keys(args).length ? `(${Object.keys(args).map((name) => `${name}: $${name}`)})` : '';
  const variables = Object.fromEntries(Object.entries(args).map(([name, [, value]]) => [name, value]));
  const data = await run(`mutation ${declared} { ${field}${passed} { ${fields} } }`, variables, person.token);
  if (data[field].userErrors?.length) throw new Error(`${field}: ${JSON.stringify(data[field].userErrors)}`);
  return data[field];
}

const say = async (person, to, text, more = {}) => {
  const input = { to, content: { text: { text } }, ...more };
  const fields = 'message { id conversation { id } } userErrors { code message }';
  return (await act(person, 'sendMessage', { input: ['SendMessageInput!', input] }, fields)).message;
};

// Does a step, waits until each of the subscriptions has told so much of it, and notes what they told.
async function step(name, expected, action) {
  heard = {};
  const result = await action();
  const isHeard = () => Object.entries(expected).every(([name, count]) => (heard[name]?.length ?? 0) >= count);
  for (const end = Date.now() + 10_000; !isHeard() && Date.now() < end; ) await pause(20);
  // Whatever came twice, or to another subscription, would come now.
  await pause(150);
  summary.steps.push({ step: name, ...heard });
  return result;
}

// Befriended, so that what comes with it is told before the first step.
await act(ada, 'sendFriendRequest', { userId: ['ID!', bo.id] });
await act(bo, 'respondToFriendRequest', { fromUserId: ['ID!', ada.id], decision: ['RequestDecision!', 'ACCEPT'] });
const one = (...names) => Object.fromEntries(names.map((name) => [name, 1]));
const told = (...names) => one(...names, 'conversationUpdated', 'events');
for (let live = false; !live; ) {
  heard = {};
  await say(bo, { userId: bo.id }, 'is it live?');
  await pause(200);
  live = ['messageReceived', 'events', 'conversationUpdated'].every((name) => heard[name]?.length);
}

const hello = await step('a text', told('messageReceived'), () => say(ada, { userId: bo.id }, 'hello'));
const answer = await step('an answer', told('messageReceived'), () =>
  say(ada, { userId: bo.id }, 'and again', { replyToId: hello.id }),
);
const toBo = ['MessageTarget!', { userId: bo.id }];
const id = (message) => ({ id: ['ID!', message.id] });
await step('an edit', told('messageChanged'), () =>
  act(ada, 'editMessage', { ...id(answer), text: ['String!', 'and once more'] }),
);
await step("one's own message is received", told('messageReceived'), () => say(bo, { userId: ada.id }, 'hi'));
await step('a reaction', one('messageChanged', 'events'), () =>
  act(ada, 'addReaction', { messageId: ['ID!', hello.id], emoji: ['String!', '👍'] }),
);
await step('typing', one('typing'), () => act(ada, 'setTyping', { to: toBo, state: ['TypingState!', 'TYPING'] }));
await step('no longer typing', one('typing'), () =>
  act(ada, 'setTyping', { to: toBo, state: ['TypingState!', 'FINISHED'] }),
);
await step('delivered', { messageChanged: 1, events: 1 }, () =>
  act(ada, 'markConversationDelivered', { to: toBo, upToSeq: ['Int!', 3] }),
);
await step('read', told('messageChanged'), () => act(ada, 'markConversationRead', { to: toBo, upToSeq: ['Int!', 3] }));
await step('pinned', told(), () =>
  act(bo, 'updateConversation', { id: ['ID!', hello.conversation.id], pinned: ['Boolean!', true] }),
);
await step('revoked', told('messageChanged'), () => act(ada, 'revokeMessage', id(answer)));
await step('deleted for everyone', told('messageChanged'), () =>
  act(ada, 'deleteMessage', { ...id(hello), scope: ['DeleteScope!', 'FOR_EVERYONE'] }),
);
const { group } = await step('a group', { events: 1 }, () =>
  act(ada, 'createGroup', { input: ['CreateGroupInput!', { name: 'Talk', memberIds: [bo.id] }] }, 'group { id } userErrors { code message }'),
);
const groupId = ['ID!', group.id];
await step('a mention', told('messageReceived'), () =>
  say(ada, { groupId: group.id }, 'hello bo', { mentionUserIds: [bo.id] }),
);
await step('who runs the group', told('messageReceived'), () =>
  act(ada, 'setGroupManager', { groupId, userId: ['ID!', bo.id], isManager: ['Boolean!', true] }),
);
await step('ada comes', one('presenceChanged'), async () => {
  const other = createClient({
    url: `ws://${address}/graphql/ws`,
    connectionParams: { authorization: `Bearer ${ada.token}` },
    webSocketImpl: WebSocket,
    retryAttempts: 0,
  });
  other.subscribe({ query: 'subscription { typing { state } }' }, { next() {}, error() {}, complete() {} });
  summary.other = other;
});
await step('ada goes', one('presenceChanged'), () => summary.other.dispose());
delete summary.other;
await client.dispose();
finish(summary);
