import { until } from '../support/running-stack.ts';
import { dial, exchange, filled, overTls, raw, seenIn } from './probe.ts';
import type { Probe } from './probe.ts';

const END = 'Connection: close\r\n\r\n';
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n';

function post(headers: string, body: string): string {
  return `POST /ok HTTP/1.1\r\nHost: {host}\r\n${headers}\r\n\r\n${body}`;
}

function get(headers: string, target = '/ok'): string {
  return `GET ${target} HTTP/1.1\r\nHost: {host}\r\n${headers}${END}`;
}

const BAD = '400 broker.bad-request';

export const smuggling: readonly Probe[] = [
  raw(
    'CL and TE',
    'both, body `0` then a request',
    BAD,
    post('Content-Length: 5\r\nTransfer-Encoding: chunked', `0\r\n\r\n${SMUGGLED}`),
  ),
  raw(
    'TE and CL',
    'the other order',
    BAD,
    post('Transfer-Encoding: chunked\r\nContent-Length: 4', `1c\r\n${SMUGGLED}\r\n0\r\n\r\n`),
  ),
  raw('two lengths', '`Content-Length: 0` and `6`', BAD, post('Content-Length: 0\r\nContent-Length: 6', SMUGGLED)),
  raw('a list of lengths', '`Content-Length: 5, 6`', BAD, post('Content-Length: 5, 6', SMUGGLED)),
  raw('a length with a sign', '`Content-Length: +5`', BAD, post('Content-Length: +5', 'hello')),
  raw('a negative length', '`Content-Length: -1`', BAD, post('Content-Length: -1', SMUGGLED)),
  raw('a hexadecimal length', '`Content-Length: 0x5`', BAD, post('Content-Length: 0x5', 'hello')),
  raw('a length beyond 2^64', '20 digits', BAD, post('Content-Length: 99999999999999999999', SMUGGLED)),
  raw(
    'an unknown coding',
    '`Transfer-Encoding: xchunked`',
    '501 broker.not-implemented',
    post('Transfer-Encoding: xchunked', SMUGGLED),
  ),
  raw(
    'chunked not last',
    '`chunked, identity`',
    '501 broker.not-implemented',
    post('Transfer-Encoding: chunked, identity', SMUGGLED),
  ),
  raw(
    'chunked twice',
    '`chunked, chunked`',
    '501 broker.not-implemented',
    post('Transfer-Encoding: chunked, chunked', SMUGGLED),
  ),
  raw(
    'two Transfer-Encoding lines',
    '`chunked`, then `x`',
    '501 broker.not-implemented',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x', `0\r\n\r\n${SMUGGLED}`),
  ),
  raw(
    'TE with a vertical tab',
    '`Transfer-Encoding: \\x0bchunked`',
    BAD,
    post('Transfer-Encoding: \x0bchunked', SMUGGLED),
  ),
  raw(
    'TE in HTTP/1.0',
    'chunked, version 1.0',
    BAD,
    `POST /ok HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  ),
  raw(
    'whitespace before the colon',
    '`Transfer-Encoding : chunked`',
    BAD,
    post('Transfer-Encoding : chunked', `0\r\n\r\n${SMUGGLED}`),
  ),
  raw(
    'a folded line',
    '`Transfer-Encoding:\\r\\n chunked`',
    BAD,
    post('Transfer-Encoding:\r\n chunked', `0\r\n\r\n${SMUGGLED}`),
  ),
  raw('a folded first line', 'a space before the first field', BAD, `GET /ok HTTP/1.1\r\n Host: {host}\r\n${END}`),
  raw(
    'bare LF between fields',
    '`Host: x\\nInjected: 1`',
    BAD,
    `GET /ok HTTP/1.1\r\nHost: {host}\nInjected: 1\r\n${END}`,
  ),
  raw('bare LF at the end', '`\\n\\n`', BAD, 'GET /ok HTTP/1.1\nHost: {host}\n\n'),
  raw('CR in a value', '`X: a\\rInjected: 1`', BAD, get('X: a\rInjected: 1\r\n')),
  raw('NUL in a value', '`X: a\\0b`', BAD, get('X: a\0b\r\n')),
  raw('NUL in a name', '`X\\0: a`', BAD, get('X\0: a\r\n')),
  raw('an empty name', '`: a`', BAD, get(': a\r\n')),
  raw('no colon', '`Injected`', BAD, get('Injected\r\n')),
  raw(
    'chunk extensions',
    '`5;a="b"`, complete',
    '200 shop',
    post('Transfer-Encoding: chunked\r\nConnection: close', '5;a="b"\r\nhello\r\n0\r\n\r\n'),
  ),
  raw(
    'a chunk extension with bare LF',
    '`5;a\\n`',
    BAD,
    post('Transfer-Encoding: chunked', `5;a\nhello\r\n0\r\n\r\n${SMUGGLED}`),
  ),
  raw(
    'a chunk size with a sign',
    '`+5`',
    BAD,
    post('Transfer-Encoding: chunked', `+5\r\nhello\r\n0\r\n\r\n${SMUGGLED}`),
  ),
  raw(
    'a chunk size of 2^64',
    '17 digits',
    BAD,
    post('Transfer-Encoding: chunked', '10000000000000005\r\nhello\r\n0\r\n\r\n'),
  ),
  raw(
    'data longer than their chunk',
    '`5` then 6 bytes',
    BAD,
    post('Transfer-Encoding: chunked', `5\r\nhello!\r\n0\r\n\r\n${SMUGGLED}`),
  ),
  raw(
    'a trailer that frames',
    '`Content-Length` after the last chunk',
    BAD,
    post('Transfer-Encoding: chunked\r\nConnection: close', '0\r\nContent-Length: 99\r\nInjected: 1\r\n\r\n'),
  ),
  raw(
    'a trailer that only brokers set',
    '`X-Forwarded-For` after the last chunk',
    BAD,
    post('Transfer-Encoding: chunked\r\nConnection: close', '0\r\nX-Forwarded-For: 10.0.0.1\r\n\r\n'),
  ),
  raw(
    'a body in a GET, then a request',
    '`Content-Length` of the body',
    '200 shop, 200 shop',
    `GET /ok HTTP/1.1\r\nHost: {host}\r\nContent-Length: 64\r\n\r\n${'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'.padEnd(64, ' ')}${get('', '/after')}`,
  ),
  raw(
    'fields that connections own',
    '`Connection: Host, Content-Length`',
    '200 shop',
    get('Connection: Host, Content-Length\r\n'),
  ),
  raw(
    'internal fields',
    '`X-Adit-Broker`, `X-Adit-Relay-Hop`',
    '200 shop',
    get('X-Adit-Broker: a\r\nX-Adit-Relay-Hop: 1\r\n'),
  ),
  raw(
    'upgrade to h2c',
    '`Upgrade: h2c`, then a request',
    '200 shop',
    get('Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n').replace(
      'Connection: close',
      'Connection: Upgrade, HTTP2-Settings, close',
    ),
  ),
  raw('HTTP/2 in the clear', 'the preface', BAD, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  raw('HTTP/0.9', '`GET /`', BAD, 'GET /ok\r\n\r\n'),
  raw('another version', '`HTTP/1.2`', '505 broker.bad-version', 'GET /ok HTTP/1.2\r\nHost: {host}\r\n\r\n'),
  raw(
    'two spaces in the request line',
    '`GET  /ok`',
    '505 broker.bad-version',
    'GET  /ok HTTP/1.1\r\nHost: {host}\r\n\r\n',
  ),
  raw('a tab in the request line', '`GET\\t/ok`', BAD, 'GET\t/ok HTTP/1.1\r\nHost: {host}\r\n\r\n'),
  raw('raw bytes in the target', '`/ok\\xff`', BAD, 'GET /ok\xff HTTP/1.1\r\nHost: {host}\r\n\r\n'),
  raw('TLS in the clear', 'a ClientHello', BAD, '\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n'),
];

export const hosts: readonly Probe[] = [
  raw('no Host', 'HTTP/1.1 without', BAD, `GET /ok HTTP/1.1\r\n${END}`),
  raw('an empty Host', '`Host:`', BAD, `GET /ok HTTP/1.1\r\nHost:\r\n${END}`),
  raw('two Hosts', 'both tenants', BAD, `GET /ok HTTP/1.1\r\nHost: {host}\r\nHost: {other}\r\n${END}`),
  raw('the same Host twice', '', BAD, `GET /ok HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n${END}`),
  raw(
    'absolute form of the other tenant',
    '`GET http://OTHER/ok`',
    '421 broker.misdirected',
    get('', 'http://{other}/ok'),
  ),
  raw('absolute form of the same', '`GET http://HOST/ok`', '200 shop', get('', 'http://{host}/ok')),
  raw(
    'absolute form with userinfo',
    '`http://HOST@OTHER/ok`',
    '421 broker.misdirected',
    get('', 'http://{host}@{other}/ok'),
  ),
  raw(
    'absolute form with another port',
    '`http://HOST:99/ok`',
    '421 broker.misdirected',
    get('', 'http://{host}:99/ok'),
  ),
  raw('userinfo in Host', '`OTHER@HOST`', BAD, `GET /ok HTTP/1.1\r\nHost: {other}@{host}\r\n${END}`),
  raw('a path in Host', '`HOST/x`', BAD, `GET /ok HTTP/1.1\r\nHost: {host}/x\r\n${END}`),
  raw('a list of Hosts', '`HOST, OTHER`', BAD, `GET /ok HTTP/1.1\r\nHost: {host}, {other}\r\n${END}`),
  raw('a percent sign', '`HOST%00.OTHER`', BAD, `GET /ok HTTP/1.1\r\nHost: {host}%00.{other}\r\n${END}`),
  raw('a port beyond 65535', '`HOST:99999`', BAD, `GET /ok HTTP/1.1\r\nHost: {host}:99999\r\n${END}`),
  raw('a port', '`HOST:1234`', '200 shop', `GET /ok HTTP/1.1\r\nHost: {host}:1234\r\n${END}`),
  raw('a trailing dot', '`HOST.`', '200 shop', `GET /ok HTTP/1.1\r\nHost: {host}.\r\n${END}`),
  {
    name: 'an unknown host',
    sent: '`nobody.preview.test`, once the broker has been up for 15 s',
    expected: '404 broker.unknown-host',
    run: async (stack) => {
      const ask = async (): Promise<string> =>
        seenIn(await exchange(dial(stack.plain.address), [`GET /ok HTTP/1.1\r\nHost: nobody.preview.test\r\n${END}`]));
      let seen = await ask();
      await until('the broker has warmed up', async () => (seen = await ask()) !== '503 broker.no-tunnel', 20_000);
      return seen;
    },
  },
  raw(
    'an IDN with fullwidth letters',
    '`ｓhop…` in UTF-8',
    '200 shop',
    `GET /ok HTTP/1.1\r\nHost: \xef\xbd\x93{tail}\r\n${END}`,
  ),
  raw(
    'tenants in turn on one connection',
    'shop, bank, shop',
    '200 shop, 200 bank, 200 shop',
    `GET /ok HTTP/1.1\r\nHost: {host}\r\n\r\nGET /ok HTTP/1.1\r\nHost: {other}\r\n\r\n${get('')}`,
  ),
  raw(
    'X-Forwarded-Host of the other tenant',
    'and `X-Host`, `Forwarded`',
    '200 shop',
    get('X-Forwarded-Host: {other}\r\nX-Host: {other}\r\nForwarded: host={other}\r\n'),
  ),
  raw(
    'CONNECT',
    '`CONNECT OTHER:443`',
    '405 broker.connect-refused',
    'CONNECT {other}:443 HTTP/1.1\r\nHost: {other}:443\r\n\r\n',
  ),
  raw(
    'CONNECT to metadata',
    '`CONNECT 169.254.169.254:80`',
    '405 broker.connect-refused',
    'CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254:80\r\n\r\n',
  ),
  raw('asterisk form', '`OPTIONS *`', '400 target-form', get('', '*').replace('GET', 'OPTIONS')),
  {
    name: 'SNI of one tenant, Host of the other',
    sent: 'TLS to shop, `Host` bank',
    expected: '421 broker.misdirected',
    run: (stack) => overTls(stack, stack.tenants[0].host, filled(get('').replace('{host}', '{other}'), stack)),
  },
  {
    name: 'SNI and Host agree',
    sent: 'TLS',
    expected: '200 shop',
    run: (stack) => overTls(stack, stack.tenants[0].host, filled(get(''), stack)),
  },
];

const fill = (bytes: number): string => 'a'.repeat(bytes);

export const sizes: readonly Probe[] = [
  raw('a long target', '9,000 bytes', '414 broker.target-too-long', get('', `/${fill(9_000)}`)),
  raw('a long method', '9,000 bytes', '414 broker.target-too-long', get('').replace('GET', fill(9_000).toUpperCase())),
  raw('a large field', '40,000 bytes', '431 broker.head-too-large', get(`X: ${fill(40_000)}\r\n`)),
  raw('many fields', '200', '431 broker.head-too-large', get('X: y\r\n'.repeat(200))),
  raw(
    'a field without end',
    '1 MB, no CRLF',
    '431 broker.head-too-large',
    `GET /ok HTTP/1.1\r\nHost: {host}\r\nX: ${fill(1_000_000)}`,
  ),
  raw('blank lines without end', '100,000', BAD, '\r\n'.repeat(100_000)),
  raw(
    'long chunk extensions',
    '2,000 bytes',
    BAD,
    post('Transfer-Encoding: chunked', `1;${fill(2_000)}\r\nx\r\n0\r\n\r\n`),
  ),
  raw(
    'many chunk extensions',
    '20,000 bytes in all',
    BAD,
    post('Transfer-Encoding: chunked', `1;${fill(100)}\r\nx\r\n`.repeat(200)),
  ),
  raw(
    'large trailers',
    '20,000 bytes',
    '431 broker.head-too-large',
    post('Transfer-Encoding: chunked', `0\r\nX: ${fill(20_000)}\r\n\r\n`),
  ),
];

/** Against the broker with `--head-timeout 1 --body-timeout 1 --body-floor 1000 --address-connections 16 …`. */
export const slowness: readonly Probe[] = [
  {
    name: 'a slow head',
    sent: 'a byte of a head every 100 ms',
    expected: '408 broker.head-timeout',
    run: async (stack) => {
      const socket = dial(stack.narrow.address);
      const timer = setInterval(() => socket.writable && socket.write('X'), 100);
      const text = await exchange(socket, [filled('GET /ok HTTP/1.1\r\nHost: {host}\r\nX: ', stack)]);
      clearInterval(timer);
      return seenIn(text);
    },
  },
  {
    name: 'no head',
    sent: 'nothing',
    expected: 'closed',
    run: async (stack) => seenIn(await exchange(dial(stack.narrow.address), [])),
  },
  {
    name: 'a body that stops',
    sent: '1 of 1,000 bytes',
    expected: '408 broker.body-timeout',
    run: async (stack) =>
      seenIn(await exchange(dial(stack.narrow.address), [filled(post('Content-Length: 1000', 'x'), stack)])),
  },
  {
    name: 'a body that drips',
    sent: 'a byte every 100 ms',
    expected: '408 broker.body-timeout',
    run: async (stack) => {
      const socket = dial(stack.narrow.address);
      const timer = setInterval(() => socket.writable && socket.write('x'), 100);
      const text = await exchange(socket, [filled(post('Content-Length: 1000000', 'x'), stack)]);
      clearInterval(timer);
      return seenIn(text);
    },
  },
  {
    name: 'connections of one address',
    sent: '40 held open, 16 allowed',
    expected: '24 × 429 broker.too-many-connections',
    run: async (stack) => {
      const sockets = Array.from({ length: 40 }, () => dial(stack.narrow.address));
      let refused = 0;
      const ends = sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            let text = '';
            socket.on('error', () => undefined);
            socket.on('end', () => socket.end());
            socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
            socket.on('close', () => {
              if (seenIn(text) === '429 broker.too-many-connections') refused += 1;
              resolve();
            });
          }),
      );
      await Promise.all(ends);
      return `${refused} × 429 broker.too-many-connections`;
    },
  },
  {
    name: 'requests of one address',
    sent: '80 at once, 50 and 1 a second allowed',
    expected: '200 and then 429 broker.too-many-requests',
    run: async (stack) => {
      const many = filled('GET /ok HTTP/1.1\r\nHost: {host}\r\n\r\n'.repeat(79) + get(''), stack);
      const seen = seenIn(await exchange(dial(stack.narrow.address), [many])).split(', ');
      const first = seen.indexOf('429 broker.too-many-requests');
      const last = seen.lastIndexOf('200 shop');
      const known = seen.every((one) => ['429 broker.too-many-requests', '200 shop'].includes(one));
      // A token that comes back meanwhile lets one more in.
      return known && seen.length === 80 && first > 0 && last - first < 40
        ? '200 and then 429 broker.too-many-requests'
        : seen.join(', ');
    },
  },
];
