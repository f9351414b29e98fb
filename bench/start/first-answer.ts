import { join } from 'node:path';
import type { PreviewStatus } from '../../shared/agent/api.ts';
import { root, startUp } from '../../e2e/support/running-stack.ts';
import { AgentClient } from '../../main/stack/agent-client.ts';
import type { roleProgram } from '../../main/stack/program.ts';
import type { Stack } from '../../main/stack/stack.ts';
import { untilAnswers } from '../transports/until-answers.ts';

const ANSWERS_WITHIN_MS = 15_000;

/** The programs of the bundle, also for a parent that runs from the sources. */
export const bundled: typeof roleProgram = (role) => ({
  command: process.execPath,
  args: [join(root, 'dist', `${role}.js`)],
});

/** ms from the start of `adit up` to its ready line, on a machine where nothing of it runs. */
export async function coldStart(upstream: string): Promise<number> {
  const started = performance.now();
  const { program } = await startUp(upstream);
  const tookMs = performance.now() - started;
  await program.stop();
  return tookMs;
}

export interface FirstAnswer {
  /** From the click (`PUT /v1/preview`) to the first link that is up. */
  readonly firstLinkMs: number;
  /** To the first 200 of a visitor at a broker's own listener, and at the edge. */
  readonly brokerMs: number;
  readonly edgeMs: number;
}

/** One click on Preview with the parts running, and its end. */
export async function firstAnswer(stack: Stack, upstream: string, path: string): Promise<FirstAnswer> {
  const { address, token } = stack.agent();
  const client = new AgentClient(address, token);
  let started = Number.NaN;
  let firstLinkMs = Number.NaN;
  let endEvents = (): void => undefined;
  try {
    const ready = new Promise<{ host: string; broker: string }>((resolve, reject) => {
      const onStatus = (status: PreviewStatus): void => {
        const up = status.links.find((link) => link.state === 'up');
        const host = status.hosts[0]?.host;
        if (up === undefined || host === undefined) return;
        if (Number.isNaN(firstLinkMs)) firstLinkMs = performance.now() - started;
        resolve({ host, broker: up.address });
      };
      endEvents = client.events(
        (event) => {
          if (event.type === 'status') onStatus(event.status);
        },
        () => reject(new Error('the agent ended its events')),
      );
    });
    // The subscription stands once its first event is there; the status is read by the same connection pool.
    await client.status();
    started = performance.now();
    await client.startPreview({ source: { kind: 'url', url: upstream }, upstreams: {} });
    const { host, broker } = await ready;
    await answers(`http://${broker}${path}`, host);
    const brokerMs = performance.now() - started;
    await answers(`http://${stack.edge().address}${path}`, host);
    return { firstLinkMs, brokerMs, edgeMs: performance.now() - started };
  } finally {
    endEvents();
    await fetch(`http://${address}/v1/preview`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  }
}

async function answers(url: string, host: string): Promise<void> {
  if ((await untilAnswers(url, ANSWERS_WITHIN_MS, { host })) === undefined)
    throw new Error(`${url} with Host ${host} did not answer 200 within ${ANSWERS_WITHIN_MS} ms`);
}
