import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-ws';

const socketUrl = `${location.origin.replace(/^http/, 'ws')}/graphql/ws`;

/** Runs what GraphiQL asks for. GraphiQL shows what is thrown as it is, so that has to be plain JSON. */
export function fetcher(request, { headers } = {}) {
  return isSubscription(request) ? subscribe(request, headers) : post(request, headers);
}

/** Looked up in the text itself: the document that GraphiQL passes on lags behind the typing. */
function isSubscription({ query, operationName }) {
  try {
    return getOperationAST(parse(query), operationName)?.operation === 'subscription';
  } catch {
    return false; // Not GraphQL: the server says where.
  }
}

async function post(request, headers) {
  try {
    const all = new Headers({
      Accept: 'application/graphql-response+json, application/json',
      'Content-Type': 'application/json',
    });
    for (const [name, value] of Object.entries(headers ?? {})) all.set(name, value);
    const response = await fetch('/graphql', { method: 'POST', headers: all, body: JSON.stringify(request) });
    const body = await response.text();
    try {
      return JSON.parse(body);
    } catch {
      throw { message: 'The answer is not JSON.', status: response.status, body };
    }
  } catch (error) {
    throw readable(error);
  }
}

/**
 * Every subscription has a socket of its own: the headers go into connection_init, and a socket takes only one.
 * It isn't reopened: whoever is exploring should see that it closed, and why.
 */
function subscribe(request, headers) {
  return {
    subscribe(sink) {
      const client = createClient({ url: socketUrl, connectionParams: headers, retryAttempts: 0 });
      const unsubscribe = client.subscribe(request, { ...sink, error: (error) => sink.error(readable(error)) });
      return { unsubscribe };
    },
  };
}

/** JSON.stringify finds nothing in an Error, a CloseEvent, or the Event of a socket that couldn't connect. */
function readable(error) {
  if (error instanceof Error) return { message: error.message };
  if (!(error instanceof Event)) return error;
  const message = error instanceof CloseEvent ? 'The socket closed.' : "The socket couldn't connect.";
  // Browsers don't tell why one couldn't: 1006 is what they say when it closes next.
  return { message, code: error.code ?? 1006, reason: error.reason || 'none given' };
}
