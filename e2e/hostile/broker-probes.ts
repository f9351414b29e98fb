import type { HostileStack } from '../support/hostile-stack.ts';
import { exchange, seenIn } from './probe.ts';
import type { Probe } from './probe.ts';

/** Bytes on a stream of the tunnel. `{host}`: the agent's own; `{other}`: of a tenant whose agent is another one. */
function down(name: string, sent: string, expected: string, text: string): Probe {
  return {
    name,
    sent,
    expected,
    run: async (stack) => {
      const bytes = text.replaceAll('{host}', stack.betrayed.tenant.host).replaceAll('{other}', otherHost(stack));
      return seenIn(await exchange(stack.betrayed.open(), [bytes]));
    },
  };
}

function otherHost(stack: HostileStack): string {
  return stack.tenants[1].host;
}

const get = (target: string, ...fields: readonly string[]): string =>
  [`GET ${target} HTTP/1.1`, ...fields, 'Connection: close', '\r\n'].join('\r\n');

export const fromTheBroker: readonly Probe[] = [
  down('a good request', '', '200 home', get('/ok', 'Host: {host}')),
  down('the host of another tenant', '`Host: OTHER`', '404 no-route', get('/ok', 'Host: {other}')),
  down('an address as host', '`Host: 127.0.0.1`', '404 no-route', get('/ok', 'Host: 127.0.0.1:80')),
  down(
    'its own host, then that of another tenant',
    'two requests on one stream',
    '200 home, 404 no-route',
    `GET /ok HTTP/1.1\r\nHost: {host}\r\n\r\n${get('/ok', 'Host: {other}')}`,
  ),
  down('two hosts', 'its own and OTHER', '400 bad-request', get('/ok', 'Host: {host}', 'Host: {other}')),
  down('no host', '', '400 bad-request', get('/ok')),
  down('absolute form', '`GET http://OTHER/ok`', '400 target-form', get('http://{other}/ok', 'Host: {host}')),
  down(
    'CONNECT to metadata',
    '`CONNECT 169.254.169.254:80`',
    '405 method-refused',
    'CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n',
  ),
  down(
    'X-Forwarded-Host of another tenant',
    'and `Forwarded`',
    '200 home',
    get('/ok', 'Host: {host}', 'X-Forwarded-Host: {other}', 'Forwarded: host={other}'),
  ),
  down(
    'Content-Length and Transfer-Encoding',
    'a second request in the body',
    '400 bad-request',
    'POST /ok HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n',
  ),
  down('CR in a value', '`X: a\\rInjected: 1`', '400 bad-request', get('/ok', 'Host: {host}', 'X: a\rInjected: 1')),
  down(
    'internal fields of no meaning',
    '`X-Adit-Injected`',
    '200 home',
    get('/ok', 'Host: {host}', 'X-Adit-Injected: 1'),
  ),
  {
    name: 'a host that the agent never leased',
    sent: '`host-added` with OTHER, then a request for it',
    expected: '404 no-route',
    run: async (stack) => {
      stack.betrayed.say({ type: 'host-added', host: otherHost(stack) });
      return seenIn(await exchange(stack.betrayed.open(), [get('/ok', `Host: ${otherHost(stack)}`)]));
    },
  },
];
