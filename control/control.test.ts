import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';

import { TUNNEL_AUDIENCE, tunnelClaims } from '../shared/tunnel/protocol.ts';

import type { Control, ControlOptions } from './index.ts';
import { publicJwk } from './signing-keys.ts';
import { BROKER_KEY, ENROLMENT_KEY, call, control, enrol, heartbeat, leaseNames } from './testing/control-client.ts';

const DAY_MS = 24 * 3_600_000;
const jwks = z.object({ keys: z.array(publicJwk) });
const coded = z.object({ code: z.string(), status: z.number(), detail: z.string(), title: z.string() });

const running: Control[] = [];
let folder: string;

async function start(options: Partial<ControlOptions> = {}): Promise<Control> {
  const server = await control(options);
  running.push(server);
  return server;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'control-'));
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
  await rm(folder, { recursive: true });
});

async function keysOf(server: Control): Promise<z.infer<typeof jwks>> {
  return jwks.parse((await call(server, 'GET', '/.well-known/jwks.json')).body);
}

describe('tokens', () => {
  test('are verified with the published keys and name exactly the live hosts of the agent', async () => {
    const server = await start();
    const { agentId, secret } = await enrol(server);
    const other = await enrol(server);
    const first = await leaseNames(server, secret, ['petstore', 'orders']);
    await leaseNames(server, other.secret, ['stranger']);
    const second = await leaseNames(server, secret, ['users'], 60);

    const verified = await jwtVerify(second.token, createLocalJWKSet(await keysOf(server)), {
      issuer: 'adit',
      audience: TUNNEL_AUDIENCE,
      algorithms: ['EdDSA'],
    });
    const claims = tunnelClaims.parse(verified.payload);
    expect(claims.sub).toBe(agentId);
    expect(claims.hosts).toEqual([...first.hosts, ...second.hosts]);
    expect(claims.exp - claims.iat).toBe(60);
    expect(tunnelClaims.parse(decodeJwt(first.token)).hosts).toEqual(first.hosts);
  });

  test('live an hour at most, however long the lease is', async () => {
    const server = await start();
    const { secret } = await enrol(server);
    const { token } = await leaseNames(server, secret, ['petstore'], 86_400);
    const { iat, exp } = tunnelClaims.parse(decodeJwt(token));
    expect(exp - iat).toBe(3600);
  });

  test('stay valid when the key is rotated, until none of them can live any more', async () => {
    let now = Date.now();
    const server = await start({ now: () => now });
    const { secret } = await enrol(server);
    const { token } = await leaseNames(server, secret, ['petstore']);
    await server.rotateKey();
    const published = await keysOf(server);
    expect(published.keys).toHaveLength(2);
    await jwtVerify(token, createLocalJWKSet(published));

    const { token: newer } = await leaseNames(server, secret, ['orders']);
    const [newest] = published.keys;
    await jwtVerify(newer, createLocalJWKSet({ keys: newest === undefined ? [] : [newest] }));

    now += 3 * 3_600_000;
    await server.rotateKey();
    expect((await keysOf(server)).keys).toHaveLength(2);
    await expect(jwtVerify(token, createLocalJWKSet(await keysOf(server)))).rejects.toThrow();
  });

  test('no private part of a key is published', async () => {
    const server = await start();
    const { body } = await call(server, 'GET', '/.well-known/jwks.json');
    expect(JSON.stringify(body)).not.toContain('"d"');
  });
});

describe('hosts', () => {
  test('carry the wanted name and at least 128 random bits, within one DNS label', async () => {
    const server = await start();
    const { secret } = await enrol(server);
    const long = 'a'.repeat(40);
    const { hosts, urls } = await leaseNames(server, secret, ['petstore', long]);
    expect(hosts[0]).toMatch(/^petstore-[a-z2-7]{26}\.localhost$/);
    expect(hosts[1]).toMatch(/^a{36}-[a-z2-7]{26}\.localhost$/);
    expect(urls).toEqual(hosts.map((host) => `http://${host}:8080/`));
  });

  test('that were released or expired go to nobody for seven days, then are free', async () => {
    let now = Date.now();
    let fixed = false;
    // The random part repeats, as if chance struck: the same host would be made again.
    const randomBytes = (size: number): Uint8Array =>
      fixed && size === 4 ? new Uint8Array(size) : crypto.getRandomValues(new Uint8Array(size));
    const server = await start({ now: () => now, randomBytes, nameBits: 20, leaseLimits: { agentPerSecond: 1000 } });
    const first = await enrol(server, 'first');
    const second = await enrol(server, 'second');
    fixed = true;
    const { id, hosts } = await leaseNames(server, first.secret, ['petstore'], 60);
    expect(hosts).toEqual(['petstore-aaaa.localhost']);
    const again = { bearer: second.secret, body: { names: ['petstore'] } };
    expect(coded.parse((await call(server, 'POST', '/v1/leases', again)).body).code).toBe('name-exhausted');

    expect((await call(server, 'DELETE', `/v1/leases/${id}`, { bearer: first.secret })).status).toBe(204);
    now += 7 * DAY_MS;
    expect((await call(server, 'POST', '/v1/leases', again)).status).toBe(503);

    now += DAY_MS;
    // The sweep runs each second by the real clock and purges by ours.
    await expect
      .poll(async () => (await call(server, 'POST', '/v1/leases', again)).status, { timeout: 10_000 })
      .toBe(201);
  });

  test('come back to their agent when an expired lease is renewed, and count for nothing until then', async () => {
    let now = Date.now();
    const server = await start({ now: () => now });
    const { secret } = await enrol(server);
    const slept = await leaseNames(server, secret, ['petstore'], 60);
    now += DAY_MS;
    const other = await leaseNames(server, secret, ['orders']);
    expect(tunnelClaims.parse(decodeJwt(other.token)).hosts).toEqual(other.hosts);
    const renewed = await call(server, 'POST', `/v1/leases/${slept.id}/renew`, {
      bearer: secret,
      body: { ttlSeconds: 60 },
    });
    expect(renewed.body).toMatchObject({ id: slept.id, hosts: slept.hosts });
  });

  test('of another agent can be neither renewed nor given back', async () => {
    const server = await start();
    const owner = await enrol(server);
    const thief = await enrol(server);
    const { id } = await leaseNames(server, owner.secret, ['petstore']);
    const renewed = await call(server, 'POST', `/v1/leases/${id}/renew`, { bearer: thief.secret, body: {} });
    expect(coded.parse(renewed.body)).toMatchObject({ code: 'unknown-lease', status: 404 });
    expect((await call(server, 'DELETE', `/v1/leases/${id}`, { bearer: thief.secret })).status).toBe(404);
    expect((await call(server, 'POST', `/v1/leases/${id}/renew`, { bearer: owner.secret, body: {} })).status).toBe(200);
  });

  test('given back are gone from the next token, and their lease cannot be renewed', async () => {
    const server = await start();
    const { secret } = await enrol(server);
    const gone = await leaseNames(server, secret, ['petstore']);
    await call(server, 'DELETE', `/v1/leases/${gone.id}`, { bearer: secret });
    const kept = await leaseNames(server, secret, ['orders']);
    expect(tunnelClaims.parse(decodeJwt(kept.token)).hosts).toEqual(kept.hosts);
    expect((await call(server, 'POST', `/v1/leases/${gone.id}/renew`, { bearer: secret, body: {} })).status).toBe(404);
  });

  test('of one agent are limited; the refusal says what it holds', async () => {
    const server = await start({ leaseLimits: { leasesPerAgent: 2, hostsPerAgent: 3 } });
    const { secret } = await enrol(server);
    await leaseNames(server, secret, ['a', 'b']);
    const tooMany = await call(server, 'POST', '/v1/leases', { bearer: secret, body: { names: ['c', 'd'] } });
    expect(coded.parse(tooMany.body)).toMatchObject({ code: 'lease-limit', status: 409 });
    expect(coded.parse(tooMany.body).detail).toContain('1 leases with 2 hosts');
    await leaseNames(server, secret, ['c']);
    expect((await call(server, 'POST', '/v1/leases', { bearer: secret, body: { names: ['d'] } })).status).toBe(409);
  });
});

describe('credentials', () => {
  test('each route takes its own kind only', async () => {
    const server = await start();
    const { secret } = await enrol(server);
    const lease = { names: ['petstore'] };
    const edge = { publicUrl: 'http://{host}:1/' };
    const calls = [
      call(server, 'POST', '/v1/agents', { body: { name: 'x' } }),
      call(server, 'POST', '/v1/agents', { bearer: secret, body: { name: 'x' } }),
      call(server, 'POST', '/v1/agents', { bearer: BROKER_KEY, body: { name: 'x' } }),
      call(server, 'POST', '/v1/leases', { bearer: ENROLMENT_KEY, body: lease }),
      call(server, 'POST', '/v1/leases', { bearer: `${secret}a`, body: lease }),
      call(server, 'POST', '/v1/leases', { bearer: secret.slice(0, secret.indexOf('.')), body: lease }),
      call(server, 'PUT', '/v1/edges/e1', { bearer: ENROLMENT_KEY, body: edge }),
      call(server, 'PUT', '/v1/edges/e1', { bearer: secret, body: edge }),
    ];
    for (const answer of await Promise.all(calls)) {
      expect(answer.status).toBe(401);
      expect(answer.headers['content-type']).toBe('application/problem+json');
      expect(coded.parse(answer.body).code).toBe('unauthorized');
    }
  });

  test('without configured keys nobody enrols', async () => {
    const server = await start({ enrolmentKeys: [], brokerKeys: [] });
    expect((await call(server, 'POST', '/v1/agents', { bearer: ENROLMENT_KEY, body: { name: 'x' } })).status).toBe(401);
    expect((await heartbeat(server, 'b1')).status).toBe(401);
  });

  test('the secret of an agent is not in the database', async () => {
    const database = join(folder, 'control.db');
    const server = await start({ database });
    const { secret } = await enrol(server);
    const rows = new DatabaseSync(database, { readOnly: true }).prepare('SELECT * FROM agents').all();
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(secret.slice(secret.indexOf('.') + 1));
    expect((await stat(database)).mode & 0o777).toBe(0o600);
  });
});

describe('bad requests', () => {
  test('name the field that is wrong', async () => {
    const server = await start();
    const { secret } = await enrol(server);
    const answer = await call(server, 'POST', '/v1/leases', {
      bearer: secret,
      body: { names: ['Pet Store'], ttlSeconds: 5 },
    });
    expect(coded.parse(answer.body)).toMatchObject({ code: 'invalid-request', status: 400 });
    expect(coded.parse(answer.body).detail).toContain('/names/0');
    expect(coded.parse(answer.body).detail).toContain('/ttlSeconds');
  });

  test('that are no JSON, too large or unknown are refused with a problem each', async () => {
    const server = await start();
    const bearer = ENROLMENT_KEY;
    const answers = await Promise.all([
      call(server, 'POST', '/v1/agents', { bearer, body: '{"name":' }),
      call(server, 'POST', '/v1/agents', { bearer, body: { name: 'x'.repeat(20_000) } }),
      call(server, 'GET', '/v1/nothing'),
      call(server, 'PUT', '/v1/edges/e1', { bearer: BROKER_KEY, body: { publicUrl: 'http://example.test/' } }),
      call(server, 'PUT', '/v1/edges/e1', { bearer: BROKER_KEY, body: { publicUrl: 'javascript://{host}/' } }),
    ]);
    expect(answers.map(({ body }) => coded.parse(body).code)).toEqual([
      'invalid-request',
      'body-too-large',
      'unknown-route',
      'invalid-request',
      'invalid-request',
    ]);
  });

  test('beyond the rate of an agent get 429 with a time to come back', async () => {
    const now = Date.now();
    const server = await start({ now: () => now, leaseLimits: { agentBurst: 2, agentPerSecond: 0.5 } });
    const { secret } = await enrol(server);
    const other = await enrol(server);
    await leaseNames(server, secret, ['a']);
    await leaseNames(server, secret, ['b']);
    const limited = await call(server, 'POST', '/v1/leases', { bearer: secret, body: { names: ['c'] } });
    expect(limited.status).toBe(429);
    expect(limited.headers['retry-after']).toBe('2');
    await leaseNames(server, other.secret, ['a']);
  });
});

describe('public URLs', () => {
  test('come from the newest registered edge; without one the lease waits for it', async () => {
    const server = await start({ publicUrl: undefined });
    const { secret } = await enrol(server);
    const early = await call(server, 'POST', '/v1/leases', { bearer: secret, body: { names: ['petstore'] } });
    expect(coded.parse(early.body).code).toBe('no-edge');
    expect(early.headers['retry-after']).toBe('1');

    const edge = (id: string, publicUrl: string): Promise<unknown> =>
      call(server, 'PUT', `/v1/edges/${id}`, { bearer: BROKER_KEY, body: { publicUrl } });
    await edge('e1', 'http://{host}:8081/');
    const { urls, hosts } = await leaseNames(server, secret, ['petstore']);
    expect(urls).toEqual([`http://${hosts[0]}:8081/`]);
  });
});

describe('a restart', () => {
  test('on the same database keeps keys, agents, leases and the public URL', async () => {
    const database = join(folder, 'control.db');
    const options: Partial<ControlOptions> = { database };
    const before = await control(options);
    const { secret } = await enrol(before);
    const held = await leaseNames(before, secret, ['petstore']);
    const keys = await keysOf(before);
    await before.close();

    const after = await start(options);
    expect(await keysOf(after)).toEqual(keys);
    const renewed = await call(after, 'POST', `/v1/leases/${held.id}/renew`, { bearer: secret, body: {} });
    expect(renewed.body).toMatchObject({ id: held.id, hosts: held.hosts, urls: held.urls });
  });

  test('on the database of a newer program is refused with what to do', async () => {
    const database = join(folder, 'control.db');
    const newer = new DatabaseSync(database);
    newer.exec('PRAGMA user_version = 999');
    newer.close();
    await expect(control({ database })).rejects.toMatchObject({
      code: 'database-unusable',
      hint: expect.stringContaining('newer'),
    });
  });

  test('on a database that another one uses is refused, and leaves that one alone', async () => {
    const database = join(folder, 'control.db');
    const first = await start({ database });
    await expect(control({ database })).rejects.toMatchObject({
      code: 'database-in-use',
      message: expect.stringContaining(database),
      hint: expect.stringContaining('--state-dir'),
    });
    const { secret } = await enrol(first);
    expect((await leaseNames(first, secret, ['petstore'])).hosts).toHaveLength(1);
  }, 20_000);

  test('with a file that is no database, or in a folder that is not there, says so', async () => {
    await expect(control({ database: folder })).rejects.toMatchObject({ code: 'database-unusable' });
    await expect(control({ database: join(folder, 'no', 'control.db') })).rejects.toMatchObject({
      code: 'database-unusable',
    });
  });

  test('on a port in use says so', async () => {
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => {
        const address = taken.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    try {
      await expect(control({ port })).rejects.toMatchObject({ code: 'address-unavailable' });
    } finally {
      taken.close();
    }
  });

  test('with a wrong option names it', async () => {
    await expect(control({ domain: 'Not a domain' })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('domain'),
    });
  });
});
