import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { decodeJwt } from 'jose';
import { TestAgent } from '../../broker/testing/test-agent.ts';
import { enrolReply, lease } from '../../shared/control/api.ts';
import { TUNNEL_SUBPROTOCOL } from '../../shared/tunnel/protocol.ts';
import { until } from '../support/running-stack.ts';
import type { HostileStack } from '../support/hostile-stack.ts';
import { dial, exchange, filled, seenIn } from './probe.ts';
import type { Probe } from './probe.ts';

const MINE = 'evil.preview.test';

function handshake(token: string | undefined): string {
  return [
    'GET /tunnel HTTP/1.1',
    'Host: broker',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: ${TUNNEL_SUBPROTOCOL}`,
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    '\r\n',
  ].join('\r\n');
}

function tunnelAddress(stack: HostileStack): string {
  return new URL(stack.plain.tunnel).host;
}

/** The answer to a dial with this token. */
function dialled(
  name: string,
  sent: string,
  expected: string,
  token: (stack: HostileStack) => Promise<string | undefined>,
): Probe {
  return {
    name,
    sent,
    expected,
    run: async (stack) => seenIn(await exchange(dial(tunnelAddress(stack)), [handshake(await token(stack))])),
  };
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function claims(stack: HostileStack): object {
  const now = Math.floor(Date.now() / 1000);
  return {
    iss: 'adit',
    aud: 'adit-broker',
    sub: 'evil',
    hosts: [stack.tenants[0].host],
    iat: now,
    exp: now + 600,
    jti: '1',
  };
}

export const tokens: readonly Probe[] = [
  dialled('no token', '', '401 broker.unauthorized', async () => undefined),
  dialled('no JWT', '`Bearer hello`', '401 broker.unauthorized', async () => 'hello'),
  dialled(
    'alg none',
    'claims of a tenant, no signature',
    '401 broker.unauthorized',
    async (stack) => `${base64url({ alg: 'none', kid: 'one' })}.${base64url(claims(stack))}.`,
  ),
  dialled(
    'HS256 with the public key',
    'a MAC of any kind',
    '401 broker.unauthorized',
    async (stack) =>
      `${base64url({ alg: 'HS256', kid: 'one' })}.${base64url(claims(stack))}.${randomBytes(32).toString('base64url')}`,
  ),
  dialled('other claims under a good signature', 'the payload exchanged', '401 broker.unauthorized', async (stack) => {
    const [head, , signature] = (await stack.keys.token('evil', [MINE])).split('.');
    return `${head}.${base64url(claims(stack))}.${signature}`;
  }),
  dialled(
    'an unknown key',
    'kid `two`',
    '401 broker.unauthorized',
    async (stack) =>
      `${base64url({ alg: 'EdDSA', kid: 'two' })}.${base64url(claims(stack))}.${randomBytes(64).toString('base64url')}`,
  ),
  dialled('expired', '`exp` an hour ago', '401 broker.unauthorized', (stack) =>
    stack.keys.token('evil', [MINE], { seconds: -3600 }),
  ),
  dialled('another audience', '`aud: adit-control`', '403 broker.forbidden', (stack) =>
    stack.keys.token('evil', [MINE], { audience: 'adit-control' }),
  ),
  dialled('another issuer', '`iss: evil`', '403 broker.forbidden', (stack) =>
    stack.keys.token('evil', [MINE], { issuer: 'evil' }),
  ),
  dialled('a token of 20 KB', '', 'closed', async () => 'a'.repeat(20_000)),
  {
    name: 'a tunnel without a WebSocket',
    sent: '`GET /tunnel`',
    expected: '426 broker.upgrade-required',
    run: (stack) =>
      new Promise((resolve, reject) => {
        request(`http://${tunnelAddress(stack)}/tunnel`, (response) => {
          let body = '';
          response.on('data', (bytes: Buffer) => (body += bytes.toString()));
          response.on('end', () => resolve(seenIn(`HTTP/1.1 ${response.statusCode} x\r\n\r\n${body}`)));
        })
          .on('error', reject)
          .end();
      }),
  },
];

async function agentOf(
  stack: HostileStack,
  hosts: readonly string[],
  announced: readonly string[],
  more: object = {},
): Promise<TestAgent> {
  return TestAgent.dial(stack.plain.tunnel, {
    token: await stack.keys.token('evil', hosts),
    agent: 'evil',
    hosts: [],
    ...more,
    ...(announced.length === 0 ? {} : { hosts: announced }),
    onRequest: (_request, response) => response.end('evil'),
  });
}

export const sessions: readonly Probe[] = [
  {
    name: 'a session that announces the host of another tenant',
    sent: 'hello with its own host and that of shop',
    expected: 'host-removed; 200 shop ×20',
    run: async (stack) => {
      const [shop] = stack.tenants;
      const agent = await agentOf(stack, [MINE], [MINE, shop.host]);
      await agent.received('host-removed');
      const seen = await twenty(stack);
      agent.session.destroy();
      return `host-removed; ${seen}`;
    },
  },
  {
    name: 'a renewal with the token of another issuer',
    sent: '`renew`; its hosts are those of shop',
    expected: 'the old token stays; 200 shop ×20',
    run: (stack) => renewed(stack, (host) => stack.keys.token('evil', [host], { issuer: 'evil' })),
  },
  {
    name: 'a renewal with the token of another agent',
    sent: '`renew`; its hosts are those of shop',
    expected: 'the old token stays; 200 shop ×20',
    run: (stack) => renewed(stack, (host) => stack.keys.token('other', [host])),
  },
  {
    name: 'a token used again for an older session',
    sent: 'generation 1 beside generation 2 of the same agent',
    expected: 'the older one is closed',
    run: async (stack) => {
      const newer = await agentOf(stack, [MINE], [MINE], { generation: 2 });
      const older = await agentOf(stack, [MINE], [], { generation: 1 });
      const closed = await ends(older);
      const lives = newer.socket.readyState === newer.socket.OPEN;
      newer.session.destroy();
      return closed && lives ? 'the older one is closed' : `older closed: ${closed}, newer lives: ${lives}`;
    },
  },
  {
    name: 'a token that runs out',
    sent: 'a session whose token lives 2 s',
    expected: 'closed',
    run: async (stack) => {
      const agent = await TestAgent.dial(stack.plain.tunnel, {
        token: await stack.keys.token('evil', [MINE], { seconds: 2 }),
        agent: 'evil',
        hosts: [MINE],
      });
      return (await ends(agent)) ? 'closed' : 'open';
    },
  },
  {
    name: 'the token of an agent that was removed',
    sent: 'a session with it; `DELETE /v1/agents/ID`; the same token again',
    expected: 'drained and closed; then 401 broker.unauthorized',
    run: (stack) => replayed(stack, (agentId) => `/v1/agents/${agentId}`),
  },
  {
    name: 'a token that was revoked',
    sent: 'a session with it; `DELETE /v1/agents/ID/tokens/JTI`; the same token again',
    expected: 'drained and closed; then 401 broker.unauthorized',
    run: (stack) => replayed(stack, (agentId, token) => `/v1/agents/${agentId}/tokens/${decodeJwt(token).jti}`),
  },
  {
    name: 'no JSON on the control stream',
    sent: '`hello` that is none',
    expected: 'closed',
    run: async (stack) => {
      const agent = await agentOf(stack, [MINE], [MINE]);
      agent.send({ type: 'hello', hosts: 7 });
      return (await ends(agent)) ? 'closed' : 'open';
    },
  },
];

/** Twenty requests for shop. */
async function twenty(stack: HostileStack): Promise<string> {
  const seen = new Set<string>();
  const bytes = filled('GET /ok HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n', stack);
  for (let n = 0; n < 20; n += 1) seen.add(seenIn(await exchange(dial(stack.plain.address), [bytes])));
  return `${[...seen].join(' or ')} ×20`;
}

async function renewed(stack: HostileStack, token: (host: string) => Promise<string>): Promise<string> {
  const [shop] = stack.tenants;
  const agent = await agentOf(stack, [MINE], [MINE]);
  agent.send({ type: 'renew', token: await token(shop.host) });
  // What comes after it on the control stream has been read when this is answered.
  agent.send({ type: 'hello', agent: 'evil', version: '0', generation: 1, hosts: [MINE, shop.host] });
  await agent.received('host-removed');
  const seen = await twenty(stack);
  const added = agent.messages.filter((message) => message.type === 'host-added').map((message) => message.host);
  const lives = agent.socket.readyState === agent.socket.OPEN;
  agent.session.destroy();
  return `${lives && added.join() === MINE ? 'the old token stays' : `lives: ${lives}, ${added.join()}`}; ${seen}`;
}

/** An agent enrols, leases a host and dials; what it holds is withdrawn, and used again. */
async function replayed(stack: HostileStack, path: (agentId: string, token: string) => string): Promise<string> {
  const { url, enrolmentKey } = stack.control;
  const call = async (method: string, where: string, key: string, body?: object): Promise<string> => {
    const answer = await fetch(`${url}${where}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${where}: ${answer.status} ${text}`);
    return text;
  };
  const { agentId, secret } = enrolReply.parse(
    JSON.parse(await call('POST', '/v1/agents', enrolmentKey, { name: 'evil' })),
  );
  const { token, hosts } = lease.parse(JSON.parse(await call('POST', '/v1/leases', secret, { names: ['evil'] })));
  const agent = await TestAgent.dial(stack.plain.tunnel, { token, agent: agentId, hosts });
  await call('DELETE', path(agentId, token), enrolmentKey);
  await agent.received('drain');
  const closed = await ends(agent);
  const again = seenIn(await exchange(dial(tunnelAddress(stack)), [handshake(token)]));
  return `${closed ? 'drained and closed' : 'still open'}; then ${again}`;
}

async function ends(agent: TestAgent): Promise<boolean> {
  try {
    await until('the session ends', () => agent.socket.readyState === agent.socket.CLOSED, 8_000);
    return true;
  } catch {
    agent.session.destroy();
    return false;
  }
}

/** A client's frame (RFC 6455 §5.2). */
function frame(opcode: number, payload: Buffer, how: { masked?: boolean; rsv?: number; length?: bigint } = {}): Buffer {
  const { masked = true, rsv = 0, length = BigInt(payload.length) } = how;
  const head = Buffer.alloc(10);
  head[0] = 0x80 | rsv | opcode;
  head[1] = (masked ? 0x80 : 0) | 127;
  head.writeBigUInt64BE(length, 2);
  const short = length < 126n ? Buffer.from([head[0], (masked ? 0x80 : 0) | Number(length)]) : head;
  const medium = length >= 126n && length < 65_536n;
  const used = medium
    ? Buffer.from([head[0], (masked ? 0x80 : 0) | 126, Number(length >> 8n), Number(length & 255n)])
    : short;
  return Buffer.concat([used, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

/** Yamux: version, type, flags, stream, length. */
function yamux(type: number, flags: number, stream: number, length: number, version = 0): Buffer {
  const head = Buffer.alloc(12);
  head[0] = version;
  head[1] = type;
  head.writeUInt16BE(flags, 2);
  head.writeUInt32BE(stream, 4);
  head.writeUInt32BE(length, 8);
  return head;
}

const CONTROL_ACCEPTED = yamux(1, 2, 2, 0);

/** What ends a tunnel into which these bytes are written after its handshake. */
function broken(name: string, sent: string, expected: string, bytes: () => readonly Buffer[]): Probe {
  return {
    name,
    sent,
    expected,
    run: async (stack) => {
      const token = await stack.keys.token('evil', [MINE]);
      const [host, port] = tunnelAddress(stack).split(':');
      return closeOf(connect(Number(port), host), handshake(token), bytes());
    },
  };
}

function closeOf(socket: Socket, head: string, pieces: readonly Buffer[]): Promise<string> {
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    let sent = false;
    const timer = setTimeout(() => socket.destroy(new Error('still open')), 15_000);
    let how = '';
    socket.on('error', (error) => {
      if (error.message === 'still open') how = 'still open';
    });
    socket.on('data', (bytes) => {
      seen = Buffer.concat([seen, bytes]);
      // The end of a WebSocket is agreed on; a broker waits two seconds for those who do not.
      if (sent && afterHead(seen).includes('Close')) socket.end();
      if (sent || !seen.includes('\r\n\r\n')) return;
      sent = true;
      for (const piece of pieces) socket.write(piece);
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(how === '' ? afterHead(seen) : how);
    });
    socket.write(head);
  });
}

const afterHead = (bytes: Buffer): string => closeCode(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4));

/** Reads the frames of a server for its Close and for a GoAway of the session. */
function closeCode(bytes: Buffer): string {
  let goAway = '';
  for (let at = 0; at + 2 <= bytes.length;) {
    const short = (bytes[at + 1] ?? 0) & 127;
    const length =
      short < 126 ? short : short === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    const from = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    const payload = bytes.subarray(from, from + length);
    if (((bytes[at] ?? 0) & 15) === 8)
      return `${goAway}Close ${payload.length >= 2 ? payload.readUInt16BE(0) : 'without a code'}`;
    for (let y = 0; y + 12 <= payload.length;) {
      const type = payload[y + 1];
      if (type === 3) goAway = `GoAway ${payload.readUInt32BE(y + 8)}, `;
      y += 12 + (type === 0 ? payload.readUInt32BE(y + 8) : 0);
    }
    at = from + length;
  }
  return `${goAway}closed`;
}

const GARBAGE = 'GoAway 1, Close 1000';

export const tunnels: readonly Probe[] = [
  broken('good frames, but no hello', 'an accepted control stream and a ping; after 5 s', 'closed', () => [
    frame(2, Buffer.concat([CONTROL_ACCEPTED, yamux(2, 1, 0, 7)])),
  ]),
  broken('a frame without a mask', 'binary, unmasked', 'Close 1002', () => [
    frame(2, Buffer.from('x'), { masked: false }),
  ]),
  broken('reserved bits', 'RSV1', 'Close 1002', () => [frame(2, Buffer.from('x'), { rsv: 0x40 })]),
  broken('an unknown opcode', '3', 'Close 1002', () => [frame(3, Buffer.from('x'))]),
  broken('a text message', '`hello`', 'Close 1003', () => [frame(1, Buffer.from('hello'))]),
  broken('a long ping', '126 bytes', 'Close 1002', () => [frame(9, Buffer.alloc(126))]),
  broken('a message of 2^62 bytes', 'its head only', 'Close 1009', () => [
    frame(2, Buffer.alloc(0), { length: 2n ** 62n }),
  ]),
  broken('a flood of pings', '100,000', 'Close 1008', () => [
    Buffer.concat(Array(100_000).fill(frame(9, Buffer.alloc(0)))),
  ]),
  broken('no Yamux', 'random bytes', GARBAGE, () => [frame(2, Buffer.alloc(1000, 0xee))]),
  broken('another version of Yamux', 'version 1', GARBAGE, () => [frame(2, yamux(2, 1, 0, 0, 1))]),
  broken('an unknown frame of Yamux', 'type 9', GARBAGE, () => [frame(2, yamux(9, 0, 0, 0))]),
  broken('data of 2^32-1 bytes', 'the head only', GARBAGE, () => [
    frame(2, Buffer.concat([CONTROL_ACCEPTED, yamux(0, 0, 2, 0xffff_ffff)])),
  ]),
  broken('data of stream 0', '', GARBAGE, () => [frame(2, Buffer.concat([yamux(0, 0, 0, 1), Buffer.from('x')]))]),
  broken('a stream with the id of the other side', 'SYN of stream 4', GARBAGE, () => [frame(2, yamux(1, 1, 4, 0))]),
  broken('a window beyond 2^32', 'two updates of 2^32-1', GARBAGE, () => [
    frame(2, Buffer.concat([yamux(1, 2, 2, 0xffff_ffff), yamux(1, 0, 2, 0xffff_ffff)])),
  ]),
  broken('a flood of streams', '10,000 SYN', GARBAGE, () => [
    frame(2, Buffer.concat(Array.from({ length: 10_000 }, (_, n) => yamux(1, 1, 2 * n + 1, 0)))),
  ]),
  broken('a flood of Yamux pings', '50,000', GARBAGE, () => [
    frame(2, Buffer.concat(Array(50_000).fill(yamux(2, 1, 0, 7)))),
  ]),
];
