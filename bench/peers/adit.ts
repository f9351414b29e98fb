import buildIfStale from '../../e2e/support/build-if-stale.ts';
import { startUp } from '../../e2e/support/running-stack.ts';
import type { Peer } from './peer.ts';

/**
 * Our whole tunnel, from the bundle and as processes of their own, as a user runs it: by way of a broker's own public
 * listener (what the goals are of), and by way of the edge in front of the brokers. Both rows share one stack.
 */
export function aditPeers(): Peer[] {
  let running: ReturnType<typeof startUp> | undefined;
  let users = 0;
  const start = async (upstream: string): ReturnType<typeof startUp> => {
    users++;
    running ??= buildIfStale().then(() => startUp(`http://${upstream}`));
    return running;
  };
  const stop = async (): Promise<void> => {
    if (--users > 0) return;
    await (await running)?.program.stop();
    running = undefined;
  };
  return [
    {
      name: 'adit',
      async start(upstream) {
        const { ready } = await start(upstream);
        const [broker] = ready.brokers;
        if (broker === undefined) return { missing: 'no broker started' };
        return {
          address: broker.address,
          host: ready.host,
          parties: { broker: broker.pid, agent: ready.agent.pid },
          stop,
        };
      },
    },
    {
      name: 'adit-edge',
      async start(upstream) {
        const { ready } = await start(upstream);
        const brokers = Object.fromEntries(ready.brokers.map(({ pid }, at) => [`broker ${at + 1}`, pid]));
        return {
          address: ready.edge.address,
          host: ready.host,
          parties: { edge: ready.edge.pid, ...brokers, agent: ready.agent.pid },
          stop,
        };
      },
    },
  ];
}
