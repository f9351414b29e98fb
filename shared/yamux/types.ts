/**
 * The seams of the Yamux session: what carries its bytes, and what a stream offers to those who use it.
 *
 * The stream is not a `Duplex`: two object streams a request cost more than everything else in the session together
 * (docs/decisions/0003). `toDuplex(stream)` wraps one where `node:http` or a pipeline is wanted.
 */

/** An ordered, reliable carrier of bytes: a WebSocket, a TCP or TLS socket, or one half of an in-memory pair. */
export interface ByteChannel {
  /**
   * Takes the chunks in order; a carrier that has messages may put them into one message or several. The bytes must
   * not be changed before `sent` is called, which happens once the carrier has handed them to the operating system (or
   * the peer).
   */
  send(chunks: readonly Uint8Array[], sent: () => void): void;
  /** Bytes taken by `send` that the carrier still holds itself. */
  readonly queuedBytes: number;
  /** Names the one receiver; bytes that came earlier are delivered to it at once. */
  attach(receiver: ChannelReceiver): void;
  /** Ends the carrier after what was sent has left. */
  close(): void;
  /** Ends the carrier now; what was not sent is lost. */
  destroy(reason?: Error): void;
}

export interface ChannelReceiver {
  /** Bytes of any length at any cut. The receiver may keep them. */
  onBytes(bytes: Uint8Array): void;
  /** Called once; no bytes follow. `reason` is absent when the peer ended the carrier in order. */
  onClosed(reason?: Error): void;
}

export interface YamuxStream {
  /** Odd when opened by the yamux client, even when opened by the server. */
  readonly id: number;
  /** Bytes that `write` took and that have not yet left in a frame. */
  readonly queuedBytes: number;
  /** True once the peer has acknowledged the stream (ACK flag) or sent anything on it. */
  readonly accepted: boolean;
  /** True once both directions have ended or the stream was reset. */
  readonly closed: boolean;
  /**
   * Queues bytes; they are referenced, not copied, so do not change them afterwards. False when more than
   * `streamHighWaterBytes` wait: write no more until `onDrain`. Ignored after `end` or once closed.
   */
  write(bytes: Uint8Array): boolean;
  /** Sends FIN after the queued bytes. The other direction stays open. */
  end(): void;
  /** Drops both directions at once and tells the peer (RST). */
  reset(): void;
  /** Names the one receiver. What arrived before is delivered to it at once. */
  attach(receiver: StreamReceiver): void;
  /** Says that the receiver is done with this many received bytes: they become credit for the peer. */
  consumed(bytes: number): void;
}

export interface StreamReceiver {
  /** Received bytes; call `stream.consumed(bytes.length)` when they have been passed on. The receiver may keep them. */
  onData(bytes: Uint8Array): void;
  /** The peer sent FIN: no data follows. */
  onEnd(): void;
  /** After `write` returned false: there is room again. */
  onDrain(): void;
  /** After `end`: everything was sent, FIN included. */
  onFinished?(): void;
  /** Called once, last. `error` is absent when both directions ended with FIN. */
  onClosed(error?: Error): void;
}
