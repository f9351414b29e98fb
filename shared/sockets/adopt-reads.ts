import { Socket } from 'node:net';
import { OwnReads } from './own-reads.ts';
import { copyRead, readMemory } from './read-memory.ts';

interface ReadingHandle {
  useUserBuffer(buffer: Uint8Array): void;
}

/** Names of the fields in which `net.Socket` keeps its `onread`. */
interface ReadFields {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

const fields = findFields();

/**
 * Gives an accepted socket what `onread` gives one that connects (Node has no option for it): what it reads comes to
 * `onBytes` as bytes that stay as they are, without the machinery of a stream. In the broker that was a microsecond of
 * ten a request.
 *
 * False, and nothing is changed, where that cannot be done: the socket has been read from, is a TLS socket, or Node
 * keeps its fields elsewhere. Then `data` brings the bytes.
 */
export function adoptReads(socket: Socket, onBytes: (bytes: Buffer) => void): boolean {
  const memory = readMemory();
  if (memory === undefined || socket.constructor !== Socket || socket.readableFlowing !== null) return false;
  return adopt(socket, memory, null, (length) => onBytes(copyRead(memory, length)));
}

/**
 * The same for any socket that has nothing more to read out of its stream, with memory of its own: `onBytes` may change
 * what it gets.
 */
export function adoptOwnReads(socket: Socket, onBytes: (bytes: Buffer) => void): boolean {
  const reads = new OwnReads();
  return adopt(
    socket,
    reads.region,
    () => reads.region,
    (length) => onBytes(reads.read(length)),
  );
}

function adopt(
  socket: Socket,
  memory: Uint8Array,
  generator: (() => Uint8Array) | null,
  onRead: (length: number) => void,
): boolean {
  const handle: unknown = Reflect.get(socket, '_handle');
  if (fields === undefined || socket.readableLength > 0 || !isReadingHandle(handle)) return false;
  Reflect.set(socket, fields.generator, generator);
  Reflect.set(socket, fields.callback, (length: number) => {
    onRead(length);
    return true;
  });
  Reflect.set(socket, fields.buffer, memory);
  handle.useUserBuffer(memory);
  socket.resume();
  return true;
}

function isReadingHandle(handle: unknown): handle is ReadingHandle {
  return typeof handle === 'object' && handle !== null && 'useUserBuffer' in handle;
}

function findFields(): ReadFields | undefined {
  const model = new Socket({ onread: { buffer: new Uint8Array(1), callback: () => true } });
  const symbols = Object.getOwnPropertySymbols(model);
  const named = (name: string): symbol | undefined => symbols.find(({ description }) => description === name);
  const buffer = named('kBuffer');
  const callback = named('kBufferCb');
  const generator = named('kBufferGen');
  return buffer === undefined || callback === undefined || generator === undefined
    ? undefined
    : { buffer, callback, generator };
}
