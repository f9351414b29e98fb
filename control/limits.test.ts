import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

import pino from 'pino';
import { expect, test } from 'vitest';
import { z } from 'zod';

import { apiServer } from './api-server.ts';
import { ControlPlane } from './control-plane.ts';
import { openDatabase } from './database.ts';
import { LeaseBook } from './lease-book.ts';
import { parseOptions } from './options.ts';

const log = pino({ level: 'silent' });

test('the addresses of one /64 of IPv6 share the rate of an address', async () => {
  const options = parseOptions({
    host: '::',
    port: 0,
    database: ':memory:',
    enrolmentKeys: [],
    brokerKeys: [],
    domain: 'localhost',
    leaseLimits: { addressPerSecond: 1, addressBurst: 3 },
    log,
  });
  const limits = options.leaseLimits;
  const database = openDatabase(':memory:');
  const plane = new ControlPlane({ ...options, publicUrl: undefined, limits, database, randomBytes });
  const now = (): number => 0;
  const app = await apiServer({ plane, enrolmentKeys: [], brokerKeys: [], limits, version: '1', log, now });
  const ask = async (remoteAddress: string): Promise<number> =>
    (await app.inject({ url: '/healthz', remoteAddress })).statusCode;
  const seen: number[] = [];
  for (let n = 1; n <= 4; n += 1) seen.push(await ask(`2001:db8:1:2::${n}`));
  expect(seen).toEqual([200, 200, 200, 429]);
  expect(await ask('2001:db8:1:3::1')).toBe(200);
  await app.close();
  plane.close();
  database.close();
});

test('leases that were given back, of which there may be any number, are not read for those that live', () => {
  const database = openDatabase(':memory:');
  const plan = database
    .prepare('EXPLAIN QUERY PLAN SELECT id FROM leases WHERE agent_id = ? AND released_at IS NULL AND expires_at > ?')
    .all('agt-1', 0);
  expect(
    z
      .array(z.looseObject({ detail: z.string() }))
      .parse(plan)
      .map(({ detail }) => detail),
  ).toEqual([expect.stringContaining('(agent_id=? AND released_at=? AND expires_at>?)')]);
  database.close();
});

const HOUR_MS = 3_600_000;

/** One agent that has given back so many leases of 16 hosts. */
function withReleased(leases: number): DatabaseSync {
  const database = openDatabase(':memory:');
  const counted = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${leases})`;
  database.exec(`
    INSERT INTO agents (id, name, secret_hash, created_at, seen_at) VALUES ('agt-1', 'a', zeroblob(32), 0, 0);
    ${counted} INSERT INTO leases SELECT 'lse-' || i, 'agt-1', 0, i, i FROM n;
    WITH RECURSIVE p (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM p WHERE i < 15)
      INSERT INTO hosts SELECT leases.id || '-' || p.i, leases.id, p.i FROM leases, p;`);
  return database;
}

test('any number of leases is forgotten in pieces, between which others are answered', () => {
  const database = withReleased(2_500);
  const limits = { leasesPerAgent: 1, hostsPerAgent: 1 };
  const book = new LeaseBook({ database, domain: 'localhost', nameBits: 128, limits, randomBytes });
  const later = 8 * 24 * HOUR_MS;
  expect([1, 2, 3].map(() => book.purge(later))).toEqual([false, false, true]);
  expect({ ...database.prepare('SELECT count(*) AS n FROM hosts').get() }).toEqual({ n: 0 });
  database.close();
});
