import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { request } from 'undici';
import { z } from 'zod';

import type { BrokerRecord } from '../../../shared/control/api.ts';

export const ENROLMENT_KEY = 'enrolment-key-of-tests';
const BROKER_KEY = 'broker-key-of-tests';
const ready = z.object({ event: z.literal('ready'), address: z.string() });

/** The real control plane in a process of its own, as `adit control` runs it, so that it can be killed. */
export interface ControlProcess {
  readonly url: string;
  readonly port: number;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  heartbeat(broker: BrokerRecord): Promise<void>;
}

export async function controlProcess(database: string, port = 0): Promise<ControlProcess> {
  const child = spawn(
    process.execPath,
    [
      'cli/main.ts',
      'control',
      '--listen',
      `127.0.0.1:${port}`,
      '--database',
      database,
      '--public-url',
      'http://{host}:8080/',
    ].concat(['--log-level', 'silent', '--json', '--leashed']),
    {
      env: { ...process.env, ADIT_ENROLMENT_KEY: ENROLMENT_KEY, ADIT_BROKER_KEY: BROKER_KEY },
      // It ends with our end of its input, so a test that dies leaves none behind.
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = await Promise.race([
    once(lines, 'line'),
    exited.then(([code]) => Promise.reject(new Error(`the control plane ended with ${code} before it was ready`))),
  ]);
  const { address } = ready.parse(JSON.parse(String(line)));
  const url = `http://${address}`;
  return {
    url,
    port: Number(address.split(':')[1]),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    heartbeat: async ({ id, ...body }) => {
      const answer = await request(`${url}/v1/brokers/${id}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${BROKER_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      await answer.body.dump();
      if (answer.statusCode !== 204) throw new Error(`heartbeat of ${id}: ${answer.statusCode}`);
    },
  };
}
