import type { Strategy } from '../../../shared/gateway/service.ts';
import type { ChoiceBasis } from './choice.ts';
import { EarliestDeadline } from './earliest-deadline.ts';
import { rendezvous } from './rendezvous.ts';
import type { Server } from './server.ts';

/** Chooses one of the open servers; undefined when there is none. */
export type PickServer = (basis: ChoiceBasis) => Server | undefined;

const isOpen = (server: Server): boolean => server.open;

export function pickServer(strategy: Strategy, servers: readonly Server[]): PickServer {
  const shares = servers.map((entry) => ({ entry, weight: 1 }));
  switch (strategy) {
    case 'wrr': {
      const turns = new EarliestDeadline(shares);
      return () => turns.next(isOpen);
    }
    case 'hrw':
      return ({ clientIp }) => rendezvous(shares, clientIp, isOpen);
    case 'p2c':
      return () => lessBusy(servers.filter(isOpen));
    case 'leasttime':
      return leastTime(servers);
  }
}

/** Of two at random, the one with fewer requests under way (power of two choices). */
function lessBusy(open: readonly Server[]): Server | undefined {
  const first = Math.floor(Math.random() * open.length);
  let second = Math.floor(Math.random() * open.length);
  if (second === first) second = (second + 1) % open.length;
  const [one, other] = [open[first], open[second]];
  return one !== undefined && other !== undefined && other.inFlight < one.inFlight ? other : one;
}

/** The least of average time × (1 + requests under way); those that are equal take turns. */
function leastTime(servers: readonly Server[]): PickServer {
  const turns = new EarliestDeadline(servers.map((entry) => ({ entry, weight: 1 })));
  return () => {
    let least = Infinity;
    let best: Server[] = [];
    for (const server of servers) {
      if (!server.open) continue;
      const score = server.averageMs * (1 + server.inFlight);
      if (score < least) best = [];
      if (score <= least) best.push(server);
      least = Math.min(least, score);
    }
    return best.length <= 1 ? best[0] : turns.next((server) => best.includes(server));
  };
}
