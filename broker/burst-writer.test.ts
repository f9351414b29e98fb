import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BurstWriter } from './burst-writer.ts';

const KIB = 1024;
let server: Server;
let near: Socket;
let far: Socket;
/** Sizes of the writes that the socket was handed. */
let writes: number[];

beforeEach(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  near = await accepted;
  writes = [];
  const write = near.write.bind(near);
  vi.spyOn(near, 'write').mockImplementation((bytes) => {
    writes.push((bytes as Uint8Array).length);
    return write(bytes as Uint8Array);
  });
});

afterEach(async () => {
  near.destroy();
  far.destroy();
  await new Promise((resolve) => server.close(resolve));
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Text that arrives at the other end until the socket has ended. */
async function received(): Promise<string> {
  let text = '';
  for await (const piece of far) text += String(piece);
  return text;
}

test('what several bursts of one turn write leaves in order, as one write', async () => {
  const released = vi.fn();
  const out = new BurstWriter(near, released);
  for (const text of ['head ', 'one ', 'two ']) {
    out.open();
    out.write(Buffer.from(text));
    out.close();
  }
  expect(out.holds).toBe(true);
  expect(writes).toEqual([]);
  await turn();
  expect(out.holds).toBe(false);
  expect(writes).toEqual([13]);
  expect(released).toHaveBeenCalledTimes(1);
  near.end();
  expect(await received()).toBe('head one two ');
});

test('outside of a burst bytes leave at once, behind what is held', async () => {
  const out = new BurstWriter(near, () => {});
  out.write(Buffer.from('a'));
  expect(writes).toEqual([1]);
  out.open();
  out.write(Buffer.from('b'));
  out.close();
  out.write(Buffer.from('c'));
  expect(out.holds).toBe(false);
  near.end();
  expect(await received()).toBe('abc');
});

test('more than 128 KiB is not held back, nor copied', async () => {
  const out = new BurstWriter(near, () => {});
  far.resume();
  out.open();
  for (let count = 0; count < 5; count++) out.write(Buffer.alloc(32 * KIB));
  expect(writes).toEqual([32, 32, 32, 32].map((kib) => kib * KIB));
  expect(out.holds).toBe(true);
  out.close();
  await turn();
  expect(writes.length).toBe(5);
});

test('each writer that holds something is told once it was handed over, also when it had flushed before', async () => {
  const told: string[] = [];
  const first = new BurstWriter(near, () => told.push('first'));
  const second = new BurstWriter(near, () => told.push('second'));
  for (const out of [first, second]) {
    out.open();
    out.write(Buffer.from('x'));
    out.close();
  }
  first.flush();
  await turn();
  expect(told).toEqual(['first', 'second']);
  await turn();
  expect(told).toEqual(['first', 'second']);
});

test('a socket that is destroyed meanwhile is written nothing, and nobody is told to go on', async () => {
  const released = vi.fn();
  const out = new BurstWriter(near, released);
  out.open();
  out.write(Buffer.from('x'));
  out.close();
  near.destroy();
  await turn();
  expect(writes).toEqual([]);
  expect(released).not.toHaveBeenCalled();
});

test('small bursts behind a reader who takes nothing for long arrive unchanged, though others are written meanwhile', async () => {
  const out = new BurstWriter(near, () => {});
  const burst = (text: string): void => {
    out.open();
    out.write(Buffer.from(text));
    out.write(Buffer.from('.'));
    out.flush();
    out.close();
  };
  const expected: string[] = [];
  far.pause();
  for (let index = 0; index < 50 || near.writableLength < 64 * KIB; index += 1) {
    const text = `${index}-`.repeat(1_000);
    burst(text);
    expected.push(`${text}.`);
  }
  const arrived = received();
  near.end();
  expect(await arrived).toBe(expected.join(''));
});
