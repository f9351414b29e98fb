import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import type { z } from 'zod';
import { observeConfig } from '../../../../shared/workspace/observe-config.ts';
import type { UnderTest } from '../../testing/gateway-under-test.ts';
import type { GatewayState } from '../gateway-metrics.ts';
import { Observer } from '../observer.ts';
import { otlpReceiver, type OtlpReceiver } from './otlp-receiver.ts';

export interface ObserverUnderTest {
  readonly observer: Observer;
  readonly stateDir: string;
  /** For people. */
  readonly said: string[];
  /** As `observe` of an adit.yaml; resolves once it is in force. */
  configure(observe: z.input<typeof observeConfig>): Promise<void>;
  /** Lines of the access log. */
  lines(): Promise<string[]>;
}

/** Observers and OTLP receivers that end with the test that started them. */
export function useObserver(): {
  observe(
    under: Pick<UnderTest, 'recorder' | 'gateway'>,
    observe?: z.input<typeof observeConfig>,
    state?: Partial<GatewayState>,
  ): Promise<ObserverUnderTest>;
  receive(...how: Parameters<typeof otlpReceiver>): Promise<OtlpReceiver>;
} {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });
  return {
    async observe({ recorder, gateway }, observe = {}, state = {}) {
      const stateDir = await mkdtemp(join(tmpdir(), 'adit-observe-'));
      const said: string[] = [];
      const observer = new Observer({
        recorder,
        stateDir,
        version: '1.2.3',
        say: (message) => said.push(message),
        state: {
          openStreams: () => gateway.openStreams,
          servers: () => gateway.servers(),
          reloads: () => 1,
          lastReload: () => 1_700_000_000,
          ...state,
        },
      });
      ends.push(async () => {
        await observer.close();
        await rm(stateDir, { recursive: true });
      });
      const configure = async (next: z.input<typeof observeConfig>): Promise<void> => {
        observer.configure(observeConfig.parse(next));
        await observer.settled;
      };
      await configure(observe);
      const lines = async (): Promise<string[]> => {
        const text = await readFile(join(stateDir, 'access.log'), 'utf8');
        return text.split('\n').slice(0, -1);
      };
      return { observer, stateDir, said, configure, lines };
    },
    async receive(...how) {
      const receiver = await otlpReceiver(...how);
      ends.push(() => receiver.close());
      return receiver;
    },
  };
}
