import { memoryChannelPair } from '../../../shared/yamux/memory-channel.ts';
import { Session } from '../../../shared/yamux/session.ts';
import type { YamuxStream } from '../../../shared/yamux/types.ts';

export interface TunnelPair {
  /** The broker's end: opens streams. */
  readonly broker: Session;
  readonly agent: Session;
  close(): Promise<void>;
}

/** A session as between broker and agent; the agent's end hands its streams to `accept`. */
export function tunnelPair(accept: (stream: YamuxStream) => void): TunnelPair {
  const [brokerEnd, agentEnd] = memoryChannelPair();
  const agent = new Session(agentEnd, { role: 'client', keepAlive: false, onStream: accept });
  const broker = new Session(brokerEnd, { role: 'server', keepAlive: false });
  return {
    broker,
    agent,
    async close() {
      await Promise.all([broker.close(0), agent.close(0)]);
    },
  };
}
