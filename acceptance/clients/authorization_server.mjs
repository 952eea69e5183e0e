// An authorization server for the tests: oidc-provider, as its users configure it.
//
//     node authorization_server.mjs PORT FORMAT
//
// Issues tokens for whatever resource a client names, as FORMAT says: `jwt`, signed, or `opaque`, which it is asked about by
// the client `farcall`. Clients register themselves, or are `agent`, which may ask for any scope. People log in at its own
// pages as whoever they like. Says `ready` on standard error once it listens.

import { createRequire } from 'node:module';
import path from 'node:path';

const [port, format] = process.argv.slice(2);
const modules = path.join(process.env.FARCALL_PEERS, 'authorization', 'anything.js');
const { default: Provider } = await import(createRequire(modules).resolve('oidc-provider'));

const REDIRECT = 'http://localhost:3030/callback';
const provider = new Provider(`http://127.0.0.1:${port}`, {
  scopes: ['openid', 'offline_access', 'mcp', 'math', 'render'],
  clients: [
    {
      client_id: 'agent',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: [REDIRECT],
    },
    {
      client_id: 'farcall',
      client_secret: 'a secret: with+signs%',
      grant_types: [],
      response_types: [],
      redirect_uris: [],
    },
  ],
  features: {
    introspection: { enabled: true, allowedPolicy: (ctx, client) => client.clientId === 'farcall' },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (ctx, asked) => ({
        audience: asked,
        scope: 'mcp math render',
        accessTokenFormat: format,
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

const server = provider.listen(Number(port), '127.0.0.1', () => console.error('ready'));
// Not after five idle seconds, in which a busy machine has not sent its client's next request.
server.keepAliveTimeout = 60_000;
