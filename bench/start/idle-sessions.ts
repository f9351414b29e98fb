import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { TestAgent } from '../../broker/testing/test-agent.ts';
import { ISSUER, makeKeys } from '../../broker/testing/test-keys.ts';
import { root } from '../../e2e/support/running-stack.ts';
import { cpuMicroseconds, residentMiB } from '../peers/process-cost.ts';
import { startServer } from '../peers/server-process.ts';

const AT_ONCE = 50;
const WATCHED_MS = 5_000;

export interface IdleSessions {
  readonly sessions: number;
  readonly connectMs: number;
  readonly emptyMiB: number;
  readonly fullMiB: number;
  readonly kibPerSession: number;
  /** CPU of the broker while nothing but pings happens, in percent of a core. */
  readonly idleCpuPercent: number;
}

/** What a broker needs for agents that nobody visits. The agents are small ones in this process. */
export async function idleSessions(count: number): Promise<IdleSessions> {
  const keys = await makeKeys();
  const options =
    '--id bench --role tunnel --listen 127.0.0.1:0 --tunnel-listen 127.0.0.1:0 --json --log-level error'.split(' ');
  const program = join(root, 'dist/broker.js');
  const broker = await startServer(process.execPath, [
    program,
    ...options,
    '--jwks',
    keys.jwksFile,
    '--issuer',
    ISSUER,
  ]);
  const agents: TestAgent[] = [];
  try {
    const [, url = ''] = await broker.says(/"tunnel":"([^"]+)"/);
    await wait(500);
    const emptyMiB = residentMiB(broker.pid);
    const started = performance.now();
    for (let at = 0; at < count; at += AT_ONCE) {
      agents.push(
        ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - at) }, (_, i) => dial(url, at + i)))),
      );
    }
    const connectMs = performance.now() - started;
    const used = cpuMicroseconds(broker.pid);
    await wait(WATCHED_MS);
    const idleCpuPercent = (cpuMicroseconds(broker.pid) - used) / (WATCHED_MS * 10);
    const alive = agents.filter(({ session }) => session.canOpen).length;
    const fullMiB = residentMiB(broker.pid);
    const kibPerSession = ((fullMiB - emptyMiB) * 1024) / alive;
    return { sessions: alive, connectMs, emptyMiB, fullMiB, kibPerSession, idleCpuPercent };
  } finally {
    for (const { session } of agents) session.destroy();
    await broker.stop();
    await keys.remove();
  }

  async function dial(url: string, index: number): Promise<TestAgent> {
    const host = `host-${index}.localhost`;
    const agent = `agent-${index}`;
    return TestAgent.dial(url, { token: await keys.token(agent, [host]), hosts: [host], agent });
  }
}
