import { GraphiQL } from 'graphiql';
// Monaco's workers, as files of ours: the page may not run a worker from a blob.
import 'graphiql/setup-workers/vite';
// Not graphiql/style.css: that adds 0.3 MB of text fonts, and the styles which Monaco brings along anyway.
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import { createRoot } from 'react-dom/client';

import { fetcher } from './fetcher.js';

// In lines that fit half a window.
const welcome = `# Most of Plaza needs a token. Log in as ada,
# xiaoming, lan or bo of the demo data:
#
#   mutation {
#     login(input: { credential: { password: {
#       account: "ada", password: "plaza-demo"
#     } } }) { tokens { accessToken } }
#   }
#
# and put the token under Headers, below:
#
#   {"Authorization": "Bearer …"}
#
# Subscriptions send it too. This works without:

{
  userByAccountNumber(accountNumber: 10000000) {
    id
    username
    nickname
  }
}
`;

createRoot(document.getElementById('root')).render(
  <GraphiQL fetcher={fetcher} defaultQuery={welcome} defaultEditorToolsVisibility="headers" />,
);
