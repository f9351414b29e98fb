import type { ByteChannel, ChannelReceiver, YamuxStream } from '../../../shared/yamux/types.ts';
import { Session } from '../../../shared/yamux/session.ts';

/** Two ends of a carrier inside the process; bytes arrive in a later turn, as from a network. */
function channelPair(): [ByteChannel, ByteChannel] {
  const one = new HalfChannel();
  const two = new HalfChannel();
  one.peer = two;
  two.peer = one;
  return [one, two];
}

class HalfChannel implements ByteChannel {
  peer: HalfChannel | undefined;
  queuedBytes = 0;
  #receiver: ChannelReceiver | undefined;
  #early: Uint8Array[] = [];
  #closed = false;

  send(chunks: readonly Uint8Array[], sent: () => void): void {
    const bytes = Buffer.concat(chunks);
    this.queuedBytes += bytes.length;
    setImmediate(() => {
      this.queuedBytes -= bytes.length;
      this.peer?.receive(bytes);
      sent();
    });
  }

  receive(bytes: Uint8Array): void {
    if (this.#closed) return;
    if (this.#receiver === undefined) this.#early.push(bytes);
    else this.#receiver.onBytes(bytes);
  }

  attach(receiver: ChannelReceiver): void {
    this.#receiver = receiver;
    for (const bytes of this.#early.splice(0)) receiver.onBytes(bytes);
  }

  close(): void {
    this.destroy();
  }

  destroy(reason?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    setImmediate(() => {
      this.#receiver?.onClosed(reason);
      this.peer?.destroy(reason);
    });
  }
}

export interface TunnelPair {
  /** The broker's end: opens streams. */
  readonly broker: Session;
  close(): Promise<void>;
}

/** A session as between broker and agent; the agent's end hands its streams to `accept`. */
export function tunnelPair(accept: (stream: YamuxStream) => void): TunnelPair {
  const [brokerEnd, agentEnd] = channelPair();
  const agent = new Session(agentEnd, { role: 'client', keepAlive: false, onStream: accept });
  const broker = new Session(brokerEnd, { role: 'server', keepAlive: false });
  return {
    broker,
    async close() {
      await Promise.all([broker.close(0), agent.close(0)]);
    },
  };
}
