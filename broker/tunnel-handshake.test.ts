import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { TUNNEL_SUBPROTOCOL } from '../shared/tunnel/protocol.ts';
import { acceptValue, newKey, upgradeHeaders } from '../shared/websocket/handshake.ts';
import { frameBytes } from '../shared/websocket/testing/frame-bytes.ts';
import type { Broker } from './index.ts';
import { startTunnelBroker } from './testing/test-broker.ts';
import { makeKeys } from './testing/test-keys.ts';
import type { TestKeys } from './testing/test-keys.ts';

let keys: TestKeys;
let broker: Broker;

beforeAll(async () => {
  keys = await makeKeys();
});
afterAll(() => keys.remove());
beforeEach(async () => {
  broker = await startTunnelBroker(keys);
});
afterEach(() => broker.close());

const key = newKey();

/** The whole of what the tunnel listener answers to a handshake with these changes, followed by these bytes. */
async function answerTo(changes: Record<string, string | undefined>, then: Uint8Array = new Uint8Array(0)) {
  const headers: Record<string, string | undefined> = {
    host: 'broker',
    authorization: `Bearer ${await keys.token('agent-1', ['a.localhost'])}`,
    ...upgradeHeaders(key, TUNNEL_SUBPROTOCOL),
    ...changes,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  const { hostname, port } = new URL(`http://${broker.addresses.tunnel ?? ''}`);
  const socket = connect(Number(port), hostname);
  const pieces: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => pieces.push(bytes));
  socket.write(Buffer.concat([Buffer.from(`GET /tunnel HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`), then]));
  await once(socket, 'close');
  return Buffer.concat(pieces).toString('latin1');
}

test.each([
  ['no key', { 'sec-websocket-key': undefined }, '400'],
  ['a key of the wrong length', { 'sec-websocket-key': 'c2hvcnQ=' }, '400'],
  ['another version', { 'sec-websocket-version': '8' }, '426'],
  ['no sub-protocol', { 'sec-websocket-protocol': undefined }, '426'],
  ['another sub-protocol', { 'sec-websocket-protocol': 'other' }, '426'],
  ['no token', { authorization: undefined }, '401'],
])('a handshake with %s is refused with a problem document', async (_name, changes, status) => {
  const answer = await answerTo(changes);
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(answer).toContain('application/problem+json');
});

test('frames that come with the handshake are read: one without a mask is answered with a close', async () => {
  const answer = await answerTo({}, frameBytes({ opcode: 2, payload: Buffer.from('x') }));
  const [head = ''] = answer.split('\r\n\r\n', 1);
  expect(head.split('\r\n')).toEqual([
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptValue(key)}`,
    `Sec-WebSocket-Protocol: ${TUNNEL_SUBPROTOCOL}`,
  ]);
  expect(answer).toContain(frameBytes({ opcode: 8, payload: Uint8Array.of(0x03, 0xea) }).toString('latin1'));
});
