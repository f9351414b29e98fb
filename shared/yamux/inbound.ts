import type { YamuxErrorCode } from './errors.ts';
import type { FloodKind } from './flood-limits.ts';
import {
  ALL_FLAGS,
  FLAG_ACK,
  FLAG_FIN,
  FLAG_RST,
  FLAG_SYN,
  GO_AWAY_INTERNAL_ERROR,
  GO_AWAY_NORMAL,
  INITIAL_WINDOW_BYTES,
  MAX_UINT32,
  TYPE_DATA,
  TYPE_GO_AWAY,
  TYPE_PING,
} from './frame.ts';
import type { FrameSink } from './frame-parser.ts';
import type { Stream } from './stream.ts';

/** More than any sender has on its way: what windows allow in sum says little after many streams. */
const MAX_LATE_BYTES = 256 * 1024 * 1024;

/** What the frames of the peer do to a session. */
export interface InboundHost {
  /** False once the session has failed; nothing more is read then. */
  isAlive(): boolean;
  stream(id: number): Stream | undefined;
  /** Checks and claims the id of a SYN. */
  claim(id: number): boolean;
  /** True for an id that was open before. */
  wasOpened(id: number): boolean;
  /** A stream of the peer; undefined when there is no room for it (the peer is told). */
  admit(id: number): Stream | undefined;
  /** Hands an admitted stream to the application. */
  offer(stream: Stream): void;
  /** Room in the session's budget for this many bytes more, made by resets if need be. */
  makeRoom(bytes: number): void;
  flood(kind: FloodKind): boolean;
  moved(bytes: number): void;
  pong(value: number): void;
  answered(value: number): boolean;
  peerWentAway(): void;
  fail(code: YamuxErrorCode, detail?: string): void;
}

/**
 * Judges each frame by its header alone, before a byte of its body is taken, and applies it to its stream.
 *
 * A frame that breaks the protocol ends the session; one that only its stream suffers from resets the stream.
 */
export class Inbound implements FrameSink {
  private readonly host: InboundHost;
  /** The stream of the Data frame whose body is being read; undefined: the body is dropped. */
  private current: Stream | undefined;
  private currentFlags = 0;
  /** Bytes that the peer was entitled to send on streams that are gone: so much may still arrive, and is dropped. */
  private lateBytes = 0;

  constructor(host: InboundHost) {
    this.host = host;
  }

  /** A stream is gone from the session while the peer may still have sent this much on it. */
  expectLate(bytes: number): void {
    this.lateBytes = Math.min(MAX_LATE_BYTES, this.lateBytes + bytes);
  }

  onHeader(version: number, type: number, flags: number, id: number, length: number): boolean {
    if (version !== 0) return this.fail('yamux-bad-version', `version ${version}`);
    if (type > TYPE_GO_AWAY) return this.fail('yamux-bad-type', `type ${type}`);
    if ((flags & ~ALL_FLAGS) !== 0) return this.fail('yamux-bad-flags', `flags ${flags}`);
    if (type === TYPE_PING) return this.onPing(flags, id, length);
    if (type === TYPE_GO_AWAY) return this.onGoAway(flags, id, length);
    if (id === 0) return this.fail('yamux-bad-stream-id', 'stream 0 carries no data');
    return this.onStreamFrame(type, flags, id, length);
  }

  onBody(bytes: Uint8Array): boolean {
    this.host.moved(bytes.length);
    const stream = this.current;
    if (stream === undefined || stream.closed) return this.host.isAlive();
    this.host.makeRoom(bytes.length);
    // It may be the one that had to go.
    if (!stream.closed) stream.received(bytes);
    return this.host.isAlive();
  }

  onFrameEnd(): boolean {
    const stream = this.current;
    this.current = undefined;
    if (stream !== undefined && (this.currentFlags & FLAG_FIN) !== 0 && !stream.closed) stream.peerEnded();
    return this.host.isAlive();
  }

  private onPing(flags: number, id: number, value: number): boolean {
    if (id !== 0) return this.fail('yamux-bad-stream-id', `ping on stream ${id}`);
    if (flags === FLAG_SYN) {
      if (!this.host.flood('ping')) return false;
      this.host.pong(value);
      return this.host.isAlive();
    }
    if (flags !== FLAG_ACK) return this.fail('yamux-bad-flags', `ping with flags ${flags}`);
    return this.host.answered(value) || this.host.flood('ping');
  }

  private onGoAway(flags: number, id: number, code: number): boolean {
    if (id !== 0) return this.fail('yamux-bad-stream-id', `go-away on stream ${id}`);
    if (flags !== 0) return this.fail('yamux-bad-flags', `go-away with flags ${flags}`);
    if (code === GO_AWAY_NORMAL) {
      if (!this.host.flood('empty')) return false;
      this.host.peerWentAway();
      return this.host.isAlive();
    }
    const internal = code === GO_AWAY_INTERNAL_ERROR;
    return this.fail(internal ? 'yamux-peer-internal-error' : 'yamux-peer-protocol-error', `go-away code ${code}`);
  }

  private onStreamFrame(type: number, flags: number, id: number, length: number): boolean {
    const isData = type === TYPE_DATA;
    let stream: Stream | undefined;
    if ((flags & FLAG_SYN) !== 0) {
      if (!this.host.claim(id)) return this.fail('yamux-bad-stream-id', `SYN for stream ${id}`);
      if (!this.host.flood('syn')) return false;
      if (isData && length > INITIAL_WINDOW_BYTES) return this.tooLong(id, length, INITIAL_WINDOW_BYTES);
      stream = this.host.admit(id);
    } else {
      stream = this.host.stream(id);
      if (stream === undefined && !this.host.wasOpened(id)) return this.fail('yamux-unknown-stream', `stream ${id}`);
    }
    const allowed = isData ? this.allowData(stream, flags, length) : this.allowUpdate(stream, flags, length);
    if (!allowed) return false;
    if (stream === undefined) return this.onLateFrame(isData, id, length);
    if (isData && length > stream.receiveWindow) return this.tooLong(id, length, stream.receiveWindow);
    if (isData) stream.receiveWindow -= length;
    if ((flags & FLAG_SYN) !== 0) this.host.offer(stream);
    if ((flags & FLAG_RST) !== 0) return this.onReset(stream);
    stream.peerAccepted();
    if (isData) return this.onData(stream, flags);
    return this.onWindowUpdate(stream, flags, length);
  }

  /** Data frames are what a session is for; those that bring none are counted. */
  private allowData(stream: Stream | undefined, flags: number, length: number): boolean {
    if ((flags & FLAG_RST) !== 0) return this.allowReset(stream);
    return length > 0 || isPartOfStream(stream, flags) || this.host.flood('empty');
  }

  private allowUpdate(stream: Stream | undefined, flags: number, length: number): boolean {
    if ((flags & FLAG_RST) !== 0) return this.allowReset(stream);
    if (isPartOfStream(stream, flags)) return true;
    if (length === 0 && (flags & (FLAG_ACK | FLAG_FIN)) === 0) return this.host.flood('empty');
    return this.host.flood('windowUpdate');
  }

  /** Who was answered has opened the stream for something: that is counted with the SYNs. */
  private allowReset(stream: Stream | undefined): boolean {
    return stream?.hasSent === true || this.host.flood('reset');
  }

  /** A frame for a stream that is gone on this side: the peer cannot know yet. */
  private onLateFrame(isData: boolean, id: number, length: number): boolean {
    if (!isData) return true;
    if (length > this.lateBytes) return this.tooLong(id, length, this.lateBytes);
    this.lateBytes -= length;
    return true;
  }

  private onReset(stream: Stream): boolean {
    if (!stream.closed) stream.peerReset();
    return this.host.isAlive();
  }

  private onData(stream: Stream, flags: number): boolean {
    if (stream.closed) return this.host.isAlive();
    if (stream.remoteEnded) {
      stream.endedTwice();
      return this.host.isAlive();
    }
    this.current = stream;
    this.currentFlags = flags;
    return this.host.isAlive();
  }

  private onWindowUpdate(stream: Stream, flags: number, length: number): boolean {
    if (stream.closed) return this.host.isAlive();
    if (stream.sendWindow + length > MAX_UINT32) return this.fail('yamux-window-overflow', `stream ${stream.id}`);
    if (length > 0) stream.granted(length);
    if ((flags & FLAG_FIN) === 0) return this.host.isAlive();
    if (stream.remoteEnded) stream.endedTwice();
    else stream.peerEnded();
    return this.host.isAlive();
  }

  private tooLong(id: number, length: number, windowBytes: number): boolean {
    return this.fail('yamux-window-exceeded', `stream ${id}: ${length} bytes, ${windowBytes} allowed`);
  }

  private fail(code: YamuxErrorCode, detail: string): boolean {
    this.host.fail(code, detail);
    return false;
  }
}

/** The first SYN, ACK and FIN of a stream are what a stream costs, and SYNs are counted already. */
function isPartOfStream(stream: Stream | undefined, flags: number): boolean {
  if ((flags & FLAG_SYN) !== 0) return true;
  if (stream === undefined) return false;
  if ((flags & FLAG_FIN) !== 0 && !stream.remoteEnded) return true;
  return (flags & FLAG_ACK) !== 0 && !stream.incoming && !stream.accepted;
}
