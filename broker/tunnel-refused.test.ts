import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { newKey, upgradeHeaders } from '../shared/websocket/handshake.ts';
import { TUNNEL_SUBPROTOCOL } from '../shared/tunnel/protocol.ts';
import type { BrokerLimits } from './options.ts';
import { RawVisitor } from './testing/raw-visitor.ts';
import { TestAgent } from './testing/test-agent.ts';
import { startTunnelBroker, until } from './testing/test-broker.ts';
import { makeKeys } from './testing/test-keys.ts';

/** Somebody without a token, who does not end his side when the broker ends its own. */
function ask(address: string, path: string): RawVisitor {
  const visitor = new RawVisitor(address);
  const lines = Object.entries(upgradeHeaders(newKey(), TUNNEL_SUBPROTOCOL)).map(
    ([name, value]) => `${name}: ${value}`,
  );
  visitor.socket.write(`GET ${path} HTTP/1.1\r\nhost: broker\r\n${lines.join('\r\n')}\r\n\r\n`);
  return visitor;
}

const refused = [
  ['without a token', '/tunnel', '401'],
  ['at another path', '/elsewhere', '404'],
] as const;

test.each(refused)('who asks for a tunnel %s and resets the connection ends no broker', async (_how, path, status) => {
  await using stage = await opened();
  const visitor = ask(stage.address, path);
  await visitor.sees(`HTTP/1.1 ${status} `);
  visitor.socket.resetAndDestroy();
  await visitor.closed;
  // What nobody listened for would have come by now: the broker has read the reset before this.
  const next = ask(stage.address, path);
  await next.sees(`HTTP/1.1 ${status} `);
  expect((await fetch(`http://${stage.address}/healthz`)).status).toBe(200);
});

test.each(refused)('who asks for a tunnel %s does not hold the connection for ever', async (_how, path, status) => {
  await using stage = await opened();
  const visitor = ask(stage.address, path);
  await visitor.sees(`HTTP/1.1 ${status} `);
  // Only what he sends tells him that nobody is there.
  await until(() => visitor.socket.destroyed || (visitor.socket.write('x'), false));
});

test.each(refused)('who asks for a tunnel %s does not keep a broker from ending', async (_how, path, status) => {
  const stage = await opened();
  const visitor = ask(stage.address, path);
  await visitor.sees(`HTTP/1.1 ${status} `);
  await stage[Symbol.asyncDispose]();
  visitor.socket.destroy();
});

test('an agent that dials without saying hello leaves room for the agents of others', async () => {
  await using stage = await opened({ maxSessions: 64 });
  const lines = Object.entries({
    host: 'broker',
    authorization: `Bearer ${await stage.keys.token('agent-1', ['a.localhost'])}`,
    ...upgradeHeaders(newKey(), TUNNEL_SUBPROTOCOL),
  }).map(([name, value]) => `${name}: ${value}`);
  const dials = Array.from({ length: 64 }, () => new RawVisitor(stage.address));
  for (const { socket } of dials) socket.write(`GET /tunnel HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  await Promise.all(dials.map((dial) => dial.sees('HTTP/1.1 ')));
  expect(dials.filter(({ text }) => text.startsWith('HTTP/1.1 101 '))).toHaveLength(32);
  const token = await stage.keys.token('agent-2', ['b.localhost']);
  const agent = await TestAgent.dial(`ws://${stage.address}/tunnel`, { token, hosts: ['b.localhost'] });
  await agent.received('host-added');
  agent.socket.terminate();
  for (const { socket } of dials) socket.destroy();
});

test('an address has a limited number of connections, and gets them back', async () => {
  await using stage = await opened({ maxConnectionsPerAddress: 2 });
  const [first, second] = [new RawVisitor(stage.address), new RawVisitor(stage.address)];
  await Promise.all([first, second].map(({ socket }) => once(socket, 'connect')));
  const third = new RawVisitor(stage.address);
  await once(third.socket, 'end');
  first.socket.destroy();
  await vi.waitFor(async () => expect((await fetch(`http://${stage.address}/healthz`)).status).toBe(200));
  for (const { socket } of [second, third]) socket.destroy();
});

async function opened(limits: Partial<BrokerLimits> = {}) {
  const keys = await makeKeys();
  const broker = await startTunnelBroker(keys, { limits });
  return {
    keys,
    address: broker.addresses.tunnel ?? '',
    async [Symbol.asyncDispose]() {
      await broker.close();
      await keys.remove();
    },
  };
}
