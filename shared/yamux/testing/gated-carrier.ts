import type { ByteChannel, ChannelReceiver } from '../types.ts';
import {
  type Carrier,
  memoryCarrier,
  secureWebSocketCarrier,
  sessionPair,
  type SessionPair,
  tcpCarrier,
  tlsCarrier,
} from './carriers.ts';

type Options = Parameters<typeof sessionPair>[1];

/** One of each kind, for cases that do not depend on how bytes are cut. */
export const mainCarriers = [
  ['memory', memoryCarrier],
  ['TCP', tcpCarrier],
  ['TLS', tlsCarrier],
  ['WebSocket in TLS', secureWebSocketCarrier],
] as const satisfies readonly (readonly [string, () => Promise<Carrier>])[];

/** More than a session hands to a carrier that does not pass it on. */
const FULL_BYTES = 1024 * 1024;

/** A channel whose writes can be blocked, as by a socket whose peer does not read. What comes is not touched. */
export class Gate implements ByteChannel {
  private readonly channel: ByteChannel;
  private held: { chunks: readonly Uint8Array[]; sent: () => void }[] = [];
  private isShut = false;
  private isEnding = false;

  constructor(channel: ByteChannel) {
    this.channel = channel;
  }

  /** Writes that wait here. */
  get heldWrites(): number {
    return this.held.length;
  }

  get queuedBytes(): number {
    return this.channel.queuedBytes + (this.isShut ? FULL_BYTES : 0);
  }

  hold(isShut: boolean): void {
    this.isShut = isShut;
    if (isShut) return;
    const held = this.held;
    this.held = [];
    for (const { chunks, sent } of held) this.channel.send(chunks, sent);
    if (this.isEnding) this.channel.close();
  }

  send(chunks: readonly Uint8Array[], sent: () => void): void {
    if (this.isShut) this.held.push({ chunks, sent });
    else this.channel.send(chunks, sent);
  }

  attach(receiver: ChannelReceiver): void {
    this.channel.attach(receiver);
  }

  close(): void {
    this.isEnding = true;
    if (!this.isShut) this.channel.close();
  }

  destroy(reason?: Error): void {
    this.held = [];
    this.channel.destroy(reason);
  }
}

/** As `sessionPair`, with a gate before what each side writes. */
export async function gatedPair(
  makeCarrier: () => Promise<Carrier>,
  client: Options = {},
  server: Options = {},
): Promise<SessionPair & { readonly gates: { readonly client: Gate; readonly server: Gate } }> {
  const carrier = await makeCarrier();
  const gates = { client: new Gate(carrier.client), server: new Gate(carrier.server) };
  const pair = await sessionPair(() => Promise.resolve({ ...gates, dispose: () => carrier.dispose() }), client, server);
  return { ...pair, gates };
}
