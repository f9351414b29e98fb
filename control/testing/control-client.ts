import pino from 'pino';
import { request } from 'undici';

import { enrolReply, lease } from '../../shared/control/api.ts';
import type { BrokerRecord, EnrolReply, Lease } from '../../shared/control/api.ts';
import { startControl } from '../index.ts';
import type { Control, ControlOptions } from '../index.ts';

export const ENROLMENT_KEY = 'enrolment-key-of-tests';
export const BROKER_KEY = 'broker-key-of-tests';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: unknown;
}

/** A control plane on a port that the system chose. */
export function control(options: Partial<ControlOptions> = {}): Promise<Control> {
  return startControl({
    host: '127.0.0.1',
    port: 0,
    database: ':memory:',
    enrolmentKeys: [ENROLMENT_KEY],
    brokerKeys: [BROKER_KEY],
    domain: 'localhost',
    publicUrl: 'http://{host}:8080/',
    log: pino({ level: 'silent' }),
    ...options,
  });
}

/** One call over real HTTP. */
export async function call(
  { address }: Control,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  { bearer, body }: { bearer?: string; body?: unknown } = {},
): Promise<Answer> {
  const reply = await request(`http://${address}${path}`, {
    method,
    headers: {
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await reply.body.text();
  return { status: reply.statusCode, headers: reply.headers, body: text === '' ? undefined : JSON.parse(text) };
}

export async function enrol(server: Control, name = 'desk'): Promise<EnrolReply> {
  return enrolReply.parse((await call(server, 'POST', '/v1/agents', { bearer: ENROLMENT_KEY, body: { name } })).body);
}

export async function leaseNames(server: Control, bearer: string, names: string[], ttlSeconds = 3600): Promise<Lease> {
  return lease.parse((await call(server, 'POST', '/v1/leases', { bearer, body: { names, ttlSeconds } })).body);
}

export function heartbeat(server: Control, id: string, more: Partial<BrokerRecord> = {}): Promise<Answer> {
  const body = {
    region: 'r1',
    tunnel: `wss://127.0.0.1:1/tunnel`,
    address: '127.0.0.1:2',
    peer: '127.0.0.1:3',
    ...more,
  };
  return call(server, 'PUT', `/v1/brokers/${id}`, { bearer: BROKER_KEY, body });
}
