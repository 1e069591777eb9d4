// All audits of graphql-http, GraphQL over HTTP's conformance suite, against POST and GET /graphql.
//
// usage: node audits.mjs <address>
//
// Every audit has to be ok, what the suite only recommends or permits included. Prints a summary as JSON.
import { serverAudits } from 'graphql-http';

const audits = serverAudits({
  url: `http://${process.argv[2]}/graphql`,
  fetchFn: (url, init) => fetch(url, { ...init, signal: AbortSignal.timeout(10_000) }),
});

const failed = [];
for (const { id, name, fn } of audits) {
  // An audit throws where there is no answer that it could judge.
  const { status, reason, response } = await fn().catch((error) => ({ status: 'thrown', reason: String(error) }));
  if (status !== 'ok') failed.push({ id, name, status, reason, ...(response && { answered: response.status }) });
}

for (const { id, name, status, reason } of failed) console.error(`${status}: ${id} ${name}: ${reason}`);
console.log(JSON.stringify({ total: audits.length, ok: audits.length - failed.length, failed }));
process.exit(failed.length || !audits.length ? 1 : 0);
