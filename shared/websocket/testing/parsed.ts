import { FrameParser, type FrameParserOptions } from '../frame-parser.ts';

export type Seen =
  | { readonly kind: 'message'; readonly opcode: number; readonly bytes: string }
  | { readonly kind: 'ping' | 'pong'; readonly payload: string }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'error'; readonly closeCode: number; readonly code: string };

export interface Parsed {
  readonly seen: Seen[];
  /** Bytes of the message that is not whole yet. */
  readonly rest: string;
}

/** What the parser makes of these pieces, each of them copied first, because it changes what it is given. */
export function parsed(pieces: Iterable<Uint8Array>, options: Partial<FrameParserOptions> = {}): Parsed {
  const seen: Seen[] = [];
  let opcode = 0;
  let message: Buffer[] = [];
  const parser = new FrameParser(
    {
      onMessageStart: (kind) => (opcode = kind),
      onData: (bytes) => message.push(Buffer.from(bytes)),
      onEmpty: () => undefined,
      onMessageEnd: () => {
        seen.push({ kind: 'message', opcode, bytes: Buffer.concat(message).toString('hex') });
        message = [];
      },
      onPing: (payload) => seen.push({ kind: 'ping', payload: Buffer.from(payload).toString('hex') }),
      onPong: (payload) => seen.push({ kind: 'pong', payload: Buffer.from(payload).toString('hex') }),
      onClose: (code, reason) => seen.push({ kind: 'close', code, reason }),
      onError: (error) => seen.push({ kind: 'error', closeCode: error.closeCode, code: error.code }),
    },
    { role: 'server', maxMessageBytes: 1 << 20, ...options },
  );
  for (const piece of pieces) parser.push(Uint8Array.from(piece));
  return { seen, rest: Buffer.concat(message).toString('hex') };
}
