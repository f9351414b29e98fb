import { createRequire } from 'node:module';

/** Exports of `batches.c`. */
interface Batches {
  serve(input: Buffer, reads: Int32Array, onBatch: (count: number) => void): number;
  send(output: Buffer, writes: Int32Array, count: number): void;
}

/**
 * The same server as `bench/rig/fixed-answers.ts`, with sockets in native code. Takes the path of the addon and the
 * length of the body, prints its address, ends with its input.
 */
const BATCH = 64;
const READ_BYTES = 16_384;
const [addon = '', length = '0'] = process.argv.slice(2);
const { serve, send } = createRequire(import.meta.url)(addon) as Batches;
const body = 'x'.repeat(Number(length));
const answer = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`, 'latin1');
const reads = new Int32Array(BATCH * 3);
const writes = new Int32Array(BATCH * 3);
const output = Buffer.alloc(BATCH * answer.length);

const port = serve(Buffer.alloc(BATCH * READ_BYTES), reads, (count) => {
  for (let i = 0, at = 0; i < count; i += 1, at += answer.length) {
    answer.copy(output, at);
    writes.set([reads[i * 3] ?? -1, at, answer.length], i * 3);
  }
  send(output, writes, count);
});
console.log(`127.0.0.1:${port}`);
process.stdin.on('end', () => process.exit()).resume();
