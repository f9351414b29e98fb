import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { StreamReader } from '../../shared/yamux/testing/stream-reader.ts';
import type { YamuxStream } from '../../shared/yamux/types.ts';
import { buildGoPeer, type GoPeer, type GoPeerSetup, hasGo, startGoPeer } from './go-peer.ts';

const WINDOW = 256 * 1024;
const goThere = await hasGo();
let binary = '';
beforeAll(async () => {
  if (goThere) binary = await buildGoPeer();
});

const setups: readonly [string, GoPeerSetup][] = [
  ['Go listens on TCP as yamux server', { transport: 'tcp', dials: 'node', goRole: 'server' }],
  ['Go dials TCP as yamux client', { transport: 'tcp', dials: 'go', goRole: 'client' }],
  ['Go listens on WebSocket as yamux server', { transport: 'ws', dials: 'node', goRole: 'server' }],
  ['Go dials WebSocket as yamux client', { transport: 'ws', dials: 'go', goRole: 'client' }],
  ['Go dials WebSocket as yamux server', { transport: 'ws', dials: 'go', goRole: 'server' }],
];

describe.skipIf(!goThere).each(setups)('with hashicorp/yamux: %s', (_name, setup) => {
  const start = (more: Partial<GoPeerSetup> = {}) => startGoPeer(binary, { ...setup, ...more });

  it('carries 32 MB in both directions at once without a changed byte', async () => {
    await using go = await start();
    const total = 32 * 1024 * 1024;
    const down = go.command(`source ${total}`);
    down.stream.end();
    const up = go.command('sink');
    const hash = createHash('sha256');
    const bytes = pattern(total);
    for (let at = 0, size = 1; at < total; at += size, size = (size * 7 + 13) % 131_071) {
      const piece = bytes.subarray(at, at + size);
      hash.update(piece);
      await up.write(piece);
    }
    up.stream.end();
    expect(await up.closed).toBeUndefined();
    expect(JSON.parse(up.text())).toEqual({ bytes: total, sha256: hash.digest('hex') });
    expect(await down.closed).toBeUndefined();
    expect([down.bytes, down.sha256()]).toEqual([total, createHash('sha256').update(bytes).digest('hex')]);
    expect(go.session.streams).toBe(0);
  });

  it('echoes on 200 streams at once', async () => {
    await using go = await start();
    const readers = Array.from({ length: 200 }, (_, index) => {
      const reader = go.command('echo');
      reader.stream.write(Buffer.from(`words of ${index}`));
      reader.stream.end();
      return reader;
    });
    expect(await Promise.all(readers.map((reader) => reader.closed))).toEqual(readers.map(() => undefined));
    expect(readers.map((reader) => reader.text())).toEqual(readers.map((_, index) => `words of ${index}`));
    expect(go.session.streams).toBe(0);
  });

  it('accepts 400 streams that goroutines open at once, in whatever order their SYNs come', async () => {
    await using go = await start({ session: { onStream: echo } });
    expect(await go.ask('open 400')).toEqual({ good: 400 });
    expect(go.session.streams).toBe(0);
  });

  it('ends one direction while the other goes on, from either side', async () => {
    await using go = await start();
    const first = go.command('close-first 700000');
    await first.ended;
    expect(first.isClosed).toBe(false);
    await first.write(Buffer.alloc(400_000));
    await first.write(Buffer.alloc(300_000));
    first.stream.end();
    expect(await first.closed).toBeUndefined();
    expect(await counts(go, 1)).toEqual({ resets: 0, ends: 1, streams: 1 });
  });

  it('resets are seen by Go, and each stream once', async () => {
    await using go = await start();
    const readers = Array.from({ length: 100 }, () => go.command('echo'));
    for (const reader of readers) reader.stream.write(Buffer.from('x'));
    await Promise.all(readers.map((reader) => reader.received(1)));
    for (const reader of readers) reader.stream.reset();
    await go.session.ping();
    expect(await counts(go, 100)).toMatchObject({ resets: 100, streams: 1 });
    expect(go.session.streams).toBe(0);
  });

  it('sees the resets of Go: a stream that Go gives up', async () => {
    await using go = await start({ flags: ['-close-timeout', '20ms'] });
    const reader = go.command('close-first 0');
    expect(await reader.closed).toMatchObject({ code: 'yamux-stream-reset' });
    expect(go.session.streams).toBe(0);
  });

  it('sees as refusal what Go resets beyond its backlog', async () => {
    await using go = await start({ flags: ['-backlog', '16', '-accept=false'] });
    const readers = Array.from({ length: 40 }, () => new StreamReader(go.session.open()));
    const refused = await Promise.all(readers.slice(16).map((reader) => reader.closed));
    expect(refused.map((error) => (error as { code?: string } | undefined)?.code)).toEqual(
      refused.map(() => 'yamux-stream-refused'),
    );
    expect(go.session.streams).toBe(16);
    expect(readers.slice(0, 16).some((reader) => reader.stream.accepted)).toBe(false);
  });

  it('keeps open streams and opens no new one after the go-away of Go', async () => {
    await using go = await start();
    const old = go.command('echo');
    expect(await go.ask('go-away')).toEqual({ error: '' });
    expect(() => go.session.open()).toThrow(expect.objectContaining({ code: 'yamux-peer-went-away' }));
    old.stream.write(Buffer.from('still here'));
    old.stream.end();
    expect(await old.closed).toBeUndefined();
    expect(old.text()).toBe('still here');
  });

  it('makes Go open no new stream after our go-away, while commands go on', async () => {
    await using go = await start({ session: { onStream: echo } });
    go.session.goAway();
    await go.session.ping();
    expect(await go.ask('try-open')).toEqual({ error: 'remote end is not accepting connections' });
  });

  it('stops at exactly one window for a Go consumer that does not read', async () => {
    await using go = await start();
    const reader = go.command('hang');
    const payload = 2 * WINDOW;
    reader.stream.write(Buffer.alloc(payload));
    const other = go.command('echo');
    other.stream.write(Buffer.from('beside it'));
    await other.received('beside it'.length);
    await go.session.ping();
    expect(reader.stream.queuedBytes).toBe('hang\n'.length + payload - WINDOW);
  });

  it('lets Go send exactly one window to a consumer of ours that does not read', async () => {
    const held: StreamReader[] = [];
    await using go = await start({
      session: { onStream: (stream) => held.push(new StreamReader(stream, { consume: false })) },
    });
    expect(await go.ask('fill')).toMatchObject({ bytes: WINDOW, error: 'i/o deadline reached' });
    expect(held.map((reader) => reader.bytes)).toEqual([WINDOW]);
    expect(go.session.stats().bufferedBytes).toBe(WINDOW);
  });

  it('measures round trips from both sides', async () => {
    await using go = await start();
    expect(await go.session.ping()).toBeGreaterThan(0);
    expect(await go.ask('ping')).toMatchObject({ error: '' });
  });

  it('tells every stream when the Go process is killed', async () => {
    await using go = await start();
    const readers = Array.from({ length: 100 }, () => go.command('echo'));
    for (const reader of readers) reader.stream.write(Buffer.from('x'));
    await Promise.all(readers.map((reader) => reader.received(1)));
    const exited = once(go.process, 'exit');
    go.process.kill('SIGKILL');
    const errors = await Promise.all(readers.map((reader) => reader.closed));
    expect(errors.every((error) => (error as { code?: string } | undefined)?.code === 'yamux-connection-lost')).toBe(
      true,
    );
    expect(await go.session.closed).toMatchObject({ code: 'yamux-connection-lost' });
    await exited;
  });

  it('ends in order with the session of Go, and Go with ours', async () => {
    await using go = await start();
    const reader = go.command('echo');
    reader.stream.write(Buffer.from('x'));
    await reader.received(1);
    const exited = once(go.process, 'exit');
    reader.stream.end();
    await reader.closed;
    expect(await go.session.close()).toBeUndefined();
    expect(await exited).toEqual([0, null]);
  });
});

function echo(stream: YamuxStream): void {
  const receiver = {
    onData(bytes: Uint8Array) {
      stream.write(bytes);
      stream.consumed(bytes.length);
    },
    onEnd: () => stream.end(),
    onDrain() {},
    onClosed() {},
  };
  stream.attach(receiver);
}

const seenByGo = z.object({ ends: z.number(), resets: z.number(), streams: z.number() });

/**
 * How the streams ended on the Go side, once so many are over for it: its goroutines are behind the frames, and count a
 * stream before they forget it. One stream carries the commands.
 */
async function counts(go: GoPeer, over: number): Promise<z.infer<typeof seenByGo>> {
  let seen: z.infer<typeof seenByGo> | undefined;
  for (let tries = 0; tries < 2000; tries++) {
    seen = seenByGo.parse(await go.ask('counts'));
    if (seen.ends + seen.resets >= over && seen.streams === 1) return seen;
  }
  throw new Error(`the Go side never noticed; it has seen ${JSON.stringify(seen)}`);
}

/** The bytes 0, 1, … 250, 0, … as the Go peer sends them. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) bytes[index] = index % 251;
  return bytes;
}
