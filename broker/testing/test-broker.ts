import { pino } from 'pino';
import { startBroker } from '../index.ts';
import type { Broker, BrokerOptions } from '../index.ts';
import { ISSUER } from './test-keys.ts';
import type { TestKeys } from './test-keys.ts';

export const SECRET = 'peer-secret-of-the-tests';
const ANY = { host: '127.0.0.1', port: 0 };
export const quiet = pino({ level: process.env['ADIT_TEST_LOG'] ?? 'silent' });

export function startTunnelBroker(keys: TestKeys, changes: Partial<BrokerOptions> = {}): Promise<Broker> {
  return startBroker({
    id: 'b1',
    region: 'here',
    roles: ['tunnel', 'edge'],
    public: ANY,
    tunnel: ANY,
    peer: ANY,
    peerSecret: SECRET,
    jwksFile: keys.jwksFile,
    issuer: ISSUER,
    log: quiet,
    ...changes,
    limits: { warmUpMs: 0, ...changes.limits },
  });
}

export function startEdge(peers: readonly string[], changes: Partial<BrokerOptions> = {}): Promise<Broker> {
  return startBroker({
    id: 'e1',
    region: 'here',
    roles: ['edge'],
    public: ANY,
    peer: ANY,
    peerSecret: SECRET,
    peers,
    issuer: ISSUER,
    log: quiet,
    ...changes,
  });
}

/** Asks until it is true; for facts that no event tells. The bound only ends a test that would hang. */
export async function until(what: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await what())) {
    if (performance.now() > end) throw new Error(`not true within ${limitMs} ms: ${what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
