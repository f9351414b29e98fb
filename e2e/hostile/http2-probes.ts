import { answerOf, askHttp2, connectHttp2 } from '../../broker/testing/http2-visitor.ts';
import { END_HEADERS, END_STREAM, FRAME, RawHttp2 } from '../../broker/testing/raw-http2.ts';
import type { HostileStack } from '../support/hostile-stack.ts';
import type { Probe } from './probe.ts';

type Field = readonly [name: string, value: string];

/** Literal fields without indexing or Huffman (RFC 7541 §6.2.2): any name and any value. */
function block(fields: readonly Field[]): Buffer {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value, 'latin1');
    if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
    let rest = bytes.length - 127;
    const length = [127];
    while (rest >= 128) {
      length.push((rest & 127) | 128);
      rest >>= 7;
    }
    return Buffer.concat([Buffer.from([...length, rest]), bytes]);
  };
  return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), text(name), text(value)])));
}

/** The fields of a good request, changed. */
function fieldsOf(stack: HostileStack, change: (good: Field[], other: string) => readonly Field[]): readonly Field[] {
  const good: Field[] = [
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/ok'],
    [':authority', stack.tenants[0].host],
  ];
  return change(good, stack.tenants[1].host);
}

/** What comes for one HEADERS frame: the status, which is read from the frame's own table, or how the stream ended. */
function head(
  name: string,
  sent: string,
  expected: string,
  change: (good: Field[], other: string) => readonly Field[],
): Probe {
  return {
    name,
    sent,
    expected,
    run: async (stack) => {
      const http2 = await RawHttp2.open(stack.secure.address, stack.tenants[0].host, stack.ca);
      http2.send(FRAME.headers, END_HEADERS | END_STREAM, 1, block(fieldsOf(stack, change)));
      try {
        const answer = await http2.frame(
          ({ type, stream }) =>
            ((type === FRAME.headers || type === FRAME.reset) && stream === 1) || type === FRAME.goAway,
        );
        if (answer.type === FRAME.headers) return statusOf(answer.payload);
        const code = answer.payload.readUInt32BE(answer.type === FRAME.goAway ? 4 : 0);
        return `${answer.type === FRAME.goAway ? 'GOAWAY' : 'RST_STREAM'} ${code}`;
      } catch {
        return 'closed';
      } finally {
        http2.socket.destroy();
      }
    },
  };
}

/** `:status` comes first: indexed 8 to 14 of the static table (RFC 7541 appendix A), else a literal of three digits. */
function statusOf(payload: Buffer): string {
  const first = payload[0] ?? 0;
  const known = ['200', '204', '206', '304', '400', '404', '500'][(first & 127) - 8];
  if (first >= 128 && known !== undefined) return known;
  const length = payload[1] ?? 0;
  if (length < 128) return payload.toString('latin1', 2, 2 + length);
  // Huffman (RFC 7541 appendix B): digits 0 to 2 have five bits, others six.
  const bits = [...payload.subarray(2, 2 + (length & 127))].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let status = '';
  for (let at = 0; status.length < 3;) {
    const five = Number.parseInt(bits.slice(at, at + 5), 2);
    if (five < 3) at += 5;
    status += five < 3 ? five : Number.parseInt(bits.slice(at, (at += 6)), 2) - 0x19 + 3;
  }
  return status;
}

const REFUSED = 'RST_STREAM 1';

export const http2: readonly Probe[] = [
  head('a good request', 'HEADERS', '200', (good) => good),
  head('no :path', '', REFUSED, (good) => good.filter(([name]) => name !== ':path')),
  head('an empty :path', '', REFUSED, (good) => good.map(([name, value]) => [name, name === ':path' ? '' : value])),
  head('two :path', '', REFUSED, (good) => [...good, [':path', '/smuggled']]),
  head('an unknown pseudo-field', '`:injected`', REFUSED, (good) => [...good, [':injected', '1']]),
  head('a pseudo-field after others', '', REFUSED, (good) => [['x', 'y'], ...good]),
  head('`:status` in a request', '', REFUSED, (good) => [...good, [':status', '200']]),
  head('a name in upper case', '`X-Big`', REFUSED, (good) => [...good, ['X-Big', '1']]),
  head('Connection', '`connection: close`', REFUSED, (good) => [...good, ['connection', 'close']]),
  head('Transfer-Encoding', '`transfer-encoding: chunked`', REFUSED, (good) => [
    ...good,
    ['transfer-encoding', 'chunked'],
  ]),
  head('Upgrade', '`upgrade: h2c`', REFUSED, (good) => [...good, ['upgrade', 'h2c']]),
  head('TE', '`te: gzip`', REFUSED, (good) => [...good, ['te', 'gzip']]),
  head('CR and LF in a value', '`x: a\\r\\ninjected: 1`, which is dropped', '200', (good) => [
    ...good,
    ['x', 'a\r\ninjected: 1'],
  ]),
  head('CR and LF in a name', '`x\\r\\ninjected`, which is dropped', '200', (good) => [
    ...good,
    ['x\r\ninjected', '1'],
  ]),
  head('white space before a value', '`x:  a`', '400', (good) => [...good, ['x', ' a']]),
  head('white space after a value', '`x: a\\t`', '400', (good) => [...good, ['x', 'a\t']]),
  head('NUL in a value', '`x: a\\0b`, which is dropped', '200', (good) => [...good, ['x', 'a\0b']]),
  head('a colon in a name', '`x: y`, which is dropped', '200', (good) => [...good, ['x: y', '1']]),
  head('CR and LF in :path', '`/ok HTTP/1.1\\r\\nInjected: 1`', REFUSED, (good) =>
    good.map(([name, value]) => [name, name === ':path' ? '/ok HTTP/1.1\r\ninjected: 1\r\n' : value]),
  ),
  head('a space in :path', '`/ok HTTP/1.1`', REFUSED, (good) =>
    good.map(([name, value]) => [name, name === ':path' ? '/ok HTTP/1.1' : value]),
  ),
  head('a space in :method', '`GET /smuggled`', REFUSED, (good) =>
    good.map(([name, value]) => [name, name === ':method' ? 'GET /smuggled' : value]),
  ),
  head('a length of a body that is none', '`content-length: 10`, END_STREAM', REFUSED, (good) => [
    ...good,
    ['content-length', '10'],
  ]),
  head('two lengths', '`0` and `10`', REFUSED, (good) => [...good, ['content-length', '0'], ['content-length', '10']]),
  head(':authority of the other tenant', 'the connection is to shop', '421', (good, other) =>
    good.map(([name, value]) => [name, name === ':authority' ? other : value]),
  ),
  head('Host of the other tenant', 'beside a good :authority', '421', (good, other) => [...good, ['host', other]]),
  head('userinfo in :authority', '`OTHER@HOST`', REFUSED, (good, other) =>
    good.map(([name, value]) => [name, name === ':authority' ? `${other}@${value}` : value]),
  ),
  head('CONNECT', '`:authority OTHER:443`', '405', (_good, other) => [
    [':method', 'CONNECT'],
    [':authority', `${other}:443`],
  ]),
  {
    name: 'tenants in turn on one connection',
    sent: 'the second is not of the handshake',
    expected: '200, 421, 200',
    run: async (stack) => {
      const [shop, bank] = stack.tenants;
      const session = await connectHttp2(stack.secure.address, shop.host, stack.ca);
      const seen = [];
      for (const host of [shop.host, bank.host, shop.host])
        seen.push((await askHttp2(session, { ':path': '/ok', ':authority': host })).status);
      session.destroy();
      return seen.join(', ');
    },
  },
  {
    name: 'a request in a WebSocket that was not accepted',
    sent: 'extended CONNECT, then `GET /smuggled` as data, then a good request',
    expected: '200 shop, 200 shop',
    run: async (stack) => {
      const { host } = stack.tenants[0];
      const session = await connectHttp2(stack.secure.address, host, stack.ca);
      const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/ok' });
      stream.write(`GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      const seen = [await answerOf(stream), await askHttp2(session, { ':path': '/ok' })];
      session.destroy();
      return seen.map(({ status, body }) => `${status} ${body.toString().split(' ', 1)[0] ?? ''}`).join(', ');
    },
  },
  {
    name: 'HEADERS that never end',
    sent: 'CONTINUATION without END_HEADERS',
    expected: 'closed',
    run: async (stack) => {
      const visitor = await RawHttp2.open(stack.secure.address, stack.tenants[0].host, stack.ca);
      visitor.send(FRAME.headers, 0, 1, block(fieldsOf(stack, (good) => good)));
      for (let n = 0; n < 2_000 && !visitor.closed; n += 1) {
        visitor.send(FRAME.continuation, 0, 1, block([['x', 'y'.repeat(1_000)]]));
        await visitor.flushed();
      }
      const seen = await visitor
        .frame(({ type }) => type === FRAME.goAway)
        .then(
          () => 'closed',
          () => 'closed',
        );
      visitor.socket.destroy();
      return seen;
    },
  },
];
