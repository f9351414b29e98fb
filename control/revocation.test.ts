import { decodeJwt } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { lease, revocationList } from '../shared/control/api.ts';
import type { Revocation } from '../shared/control/api.ts';

import type { Control } from './index.ts';
import { BROKER_KEY, ENROLMENT_KEY, call, control, enrol, leaseNames } from './testing/control-client.ts';

let server: Control;
let now: number;
beforeEach(async () => {
  now = Date.now();
  server = await control({ now: () => now });
});
afterEach(() => server.close());

async function revoked(): Promise<Revocation[]> {
  const answer = await call(server, 'GET', '/v1/revocations', { bearer: BROKER_KEY });
  return revocationList.parse(answer.body).revocations;
}

test('a lease that is given back is listed for as long as a token of it may live, its other hosts are not', async () => {
  const { agentId, secret } = await enrol(server);
  const kept = await leaseNames(server, secret, ['shop']);
  const given = await leaseNames(server, secret, ['pets', 'orders']);
  expect(await revoked()).toEqual([]);
  expect((await call(server, 'DELETE', `/v1/leases/${given.id}`, { bearer: secret })).status).toBe(204);
  expect(await revoked()).toEqual([{ agent: agentId, hosts: given.hosts }]);
  expect(JSON.stringify(await revoked())).not.toContain(kept.hosts[0]);
  now += 3_599_000;
  expect(await revoked()).toHaveLength(1);
  now += 2_000;
  expect(await revoked()).toEqual([]);
});

test('an agent that is removed can do nothing more, and its hosts go to nobody', async () => {
  const { agentId, secret } = await enrol(server);
  const { id, hosts } = await leaseNames(server, secret, ['shop']);
  const remove = (bearer: string, who = agentId) => call(server, 'DELETE', `/v1/agents/${who}`, { bearer });
  expect((await remove(secret)).status).toBe(401);
  expect((await remove(ENROLMENT_KEY, 'agt-other')).status).toBe(404);
  expect((await remove(ENROLMENT_KEY)).status).toBe(204);
  expect(await revoked()).toEqual([{ agent: agentId }, { agent: agentId, hosts }]);
  expect((await call(server, 'POST', `/v1/leases/${id}/renew`, { bearer: secret, body: {} })).status).toBe(401);
});

test('one token of an agent is revoked for as long as it may live, its others are not', async () => {
  const { agentId, secret } = await enrol(server);
  const { id, token } = await leaseNames(server, secret, ['shop']);
  const { jti = '' } = decodeJwt(token);
  const revoke = (bearer: string, who: string, what: string) =>
    call(server, 'DELETE', `/v1/agents/${who}/tokens/${what}`, { bearer });
  expect((await revoke(secret, agentId, jti)).status).toBe(401);
  expect((await revoke(ENROLMENT_KEY, 'agt-other', jti)).status).toBe(404);
  expect((await revoke(ENROLMENT_KEY, agentId, 'a%20b')).status).toBe(400);
  expect((await revoke(ENROLMENT_KEY, agentId, jti)).status).toBe(204);
  expect((await revoke(ENROLMENT_KEY, agentId, jti)).status).toBe(204);
  expect(await revoked()).toEqual([{ agent: agentId, token: jti }]);
  const renewed = await call(server, 'POST', `/v1/leases/${id}/renew`, { bearer: secret, body: {} });
  expect(decodeJwt(lease.parse(renewed.body).token).jti).not.toBe(jti);
  now += 3_601_000;
  expect(await revoked()).toEqual([]);
});

test('the list has a tag, is not sent again while it is the same, and is for brokers only', async () => {
  const { secret } = await enrol(server);
  const { id } = await leaseNames(server, secret, ['shop']);
  const ask = (tag: string) =>
    fetch(`http://${server.address}/v1/revocations`, {
      headers: { authorization: `Bearer ${BROKER_KEY}`, 'if-none-match': tag },
    });
  const tag = (await ask('')).headers.get('etag') ?? '';
  expect(tag).toMatch(/^".+"$/);
  expect((await ask(tag)).status).toBe(304);
  await call(server, 'DELETE', `/v1/leases/${id}`, { bearer: secret });
  expect((await ask(tag)).status).toBe(200);
  expect((await call(server, 'GET', '/v1/revocations', { bearer: secret })).status).toBe(401);
});
