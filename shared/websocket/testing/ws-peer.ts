import type { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { WebSocketRole } from '../frame.ts';
import type { Seen } from './parsed.ts';

interface ReceiverOptions {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly allowSynchronousEvents: boolean;
}
interface FrameOptions {
  readonly fin: boolean;
  readonly opcode: number;
  readonly mask: boolean;
  readonly readOnly: boolean;
}
/** Exported by `ws`, but not in its types. */
interface Internals {
  readonly Receiver: new (options: ReceiverOptions) => EventEmitter & {
    /** Of its `Writable`; called by name, because `write` tells of errors in a later tick only. */
    _write(chunk: Buffer, encoding: string, done: (error?: Error | null) => void): void;
  };
  readonly Sender: { frame(data: Buffer, options: FrameOptions): Buffer[] };
}

const { Receiver, Sender } = createRequire(import.meta.url)('ws') as Internals;
const NAMES: Readonly<Record<string, number>> = { WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009 };

/** What `ws` makes of these pieces. Its errors have no close code that could be read: all but one are told as 1002. */
export function seenByWs(pieces: Iterable<Uint8Array>, role: WebSocketRole, maxPayload: number): Seen[] {
  const seen: Seen[] = [];
  const receiver = new Receiver({ isServer: role === 'server', maxPayload, allowSynchronousEvents: true });
  let isOver = false;
  receiver.on('message', (data: Buffer, isBinary: boolean) =>
    seen.push({ kind: 'message', opcode: isBinary ? 2 : 1, bytes: data.toString('hex') }),
  );
  receiver.on('ping', (payload: Buffer) => seen.push({ kind: 'ping', payload: payload.toString('hex') }));
  receiver.on('pong', (payload: Buffer) => seen.push({ kind: 'pong', payload: payload.toString('hex') }));
  receiver.on('conclude', (code: number, reason: Buffer) => {
    isOver = true;
    seen.push({ kind: 'close', code, reason: reason.toString() });
  });
  for (const piece of pieces) {
    if (isOver) break;
    receiver._write(Buffer.from(piece), 'buffer', (error) => {
      if (!error || isOver) return;
      isOver = true;
      const code: unknown = Reflect.get(error, 'code');
      const name = typeof code === 'string' ? code : 'unknown';
      seen.push({ kind: 'error', closeCode: NAMES[name] ?? 1002, code: name });
    });
  }
  return seen;
}

/** The frame as `ws` writes it. */
export function framedByWs(data: Buffer, options: { fin: boolean; opcode: number; role: WebSocketRole }): Buffer {
  return Buffer.concat(
    Sender.frame(data, { fin: options.fin, opcode: options.opcode, mask: options.role === 'client', readOnly: true }),
  );
}
