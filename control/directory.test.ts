import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';

import { afterEach, describe, expect, test } from 'vitest';

import { brokerList } from '../shared/control/api.ts';
import type { BrokerRecord } from '../shared/control/api.ts';

import { BROKER_SILENCE_MS, BrokerDirectory, preferBrokers } from './broker-directory.ts';
import type { Control, ControlOptions } from './index.ts';
import { BROKER_KEY, call, control, heartbeat } from './testing/control-client.ts';

const running: Control[] = [];
async function start(options: Partial<ControlOptions> = {}): Promise<Control> {
  const server = await control(options);
  running.push(server);
  return server;
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

function record(id: string, more: Partial<BrokerRecord> = {}): BrokerRecord {
  return {
    id,
    region: 'r1',
    tunnel: 'wss://127.0.0.1:1/tunnel',
    address: '127.0.0.1:2',
    sessions: 0,
    draining: false,
    ...more,
  };
}

/** Follows the directory; `next` gives the ids of the next event. */
async function follow(server: Control, headers: Record<string, string> = {}) {
  const outgoing = get(`http://${server.address}/v1/brokers/events`, { headers });
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  const events = (async function* () {
    let text = '';
    for await (const chunk of response) {
      text += String(chunk);
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const data = /^event: brokers\ndata: (.*)$/.exec(text.slice(0, end))?.[1];
        text = text.slice(end + 2);
        if (data !== undefined) yield brokerList.parse(JSON.parse(data)).brokers;
      }
    }
  })();
  return { response, outgoing, next: async () => (await events.next()).value };
}

describe('the directory', () => {
  test('shows a broker from its first heartbeat, to followers at once', async () => {
    const server = await start();
    const follower = await follow(server);
    expect(follower.response.headers['content-type']).toContain('text/event-stream');
    expect(await follower.next()).toEqual([]);
    expect((await heartbeat(server, 'b1')).status).toBe(204);
    expect((await follower.next())?.map(({ id }) => id)).toEqual(['b1']);
    await heartbeat(server, 'b2', { draining: true });
    expect((await follower.next())?.map(({ id, draining }) => [id, draining])).toEqual([
      ['b1', false],
      ['b2', true],
    ]);
    const listed = brokerList.parse((await call(server, 'GET', '/v1/brokers')).body);
    expect(listed.brokers.map(({ id }) => id)).toEqual(['b1', 'b2']);
  });

  test('keeps the inner listener of brokers from those without a broker key', async () => {
    const server = await start();
    await heartbeat(server, 'b1', { peer: '127.0.0.1:7' });
    const open = brokerList.parse((await call(server, 'GET', '/v1/brokers')).body);
    expect(open.brokers[0]).not.toHaveProperty('peer');
    const inner = brokerList.parse((await call(server, 'GET', '/v1/brokers', { bearer: BROKER_KEY })).body);
    expect(inner.brokers[0]?.peer).toBe('127.0.0.1:7');
    const follower = await follow(server, { authorization: `Bearer ${BROKER_KEY}` });
    expect((await follower.next())?.[0]?.peer).toBe('127.0.0.1:7');
  });

  test('lets only so many follow, and takes a new one when another has gone', async () => {
    const server = await start({ leaseLimits: { listeners: 1 } });
    const first = await follow(server);
    const refused = await call(server, 'GET', '/v1/brokers/events');
    expect(refused.status).toBe(503);
    expect(refused.body).toMatchObject({ code: 'listener-limit' });
    first.response.on('error', () => undefined);
    first.outgoing.destroy();
    await expect
      .poll(async () => {
        const again = get(`http://${server.address}/v1/brokers/events`);
        const [response] = (await once(again, 'response')) as [IncomingMessage];
        again.on('error', () => undefined);
        response.on('error', () => undefined);
        again.destroy();
        return response.statusCode;
      })
      .toBe(200);
  });

  test('ends its followers when the control plane stops', async () => {
    const server = await start();
    const follower = await follow(server);
    await follower.next();
    const ended = follower.next();
    await server.close();
    expect(await ended).toBeUndefined();
  });

  test('drops a broker after 15 s of silence and passes on load with the next sweep', () => {
    let changes = 0;
    const directory = new BrokerDirectory(() => changes++);
    const { id: _id, ...body } = record('b1');
    directory.put('b1', body, 0);
    directory.put('b2', body, 1000);
    expect(changes).toBe(2);
    directory.put('b2', { ...body, sessions: 3 }, 1000);
    expect(changes).toBe(2);
    directory.sweep(BROKER_SILENCE_MS);
    expect(changes).toBe(3);
    expect(directory.list().map(({ id, sessions }) => [id, sessions])).toEqual([
      ['b1', 0],
      ['b2', 3],
    ]);
    directory.sweep(BROKER_SILENCE_MS + 1);
    expect(directory.list().map(({ id }) => id)).toEqual(['b2']);
    directory.sweep(BROKER_SILENCE_MS + 1);
    expect(changes).toBe(4);
  });
});

test('an agent is sent to distinct regions first, to idle brokers before busy ones, to draining ones last', () => {
  const order = preferBrokers([
    record('busy', { sessions: 9 }),
    record('idle'),
    record('far', { region: 'r2', sessions: 20 }),
    record('leaving', { region: 'r3', draining: true }),
  ]);
  expect(order.map(({ id }) => id)).toEqual(['idle', 'far', 'busy', 'leaving']);
});
