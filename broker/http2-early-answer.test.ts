import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { answerOf } from './testing/http2-visitor.ts';
import { HOST, Http2Stage, NOBODY } from './testing/http2-stage.ts';
import { END_HEADERS, END_STREAM, FRAME, requestBlock } from './testing/raw-http2.ts';

/** Ways to answer an upload that the upstream does not read. */
const ANSWERS: Record<string, (response: ServerResponse) => void> = {
  'with a length': (response) => response.writeHead(413, { 'content-length': 7 }).end('too big'),
  'without a length': (response) => {
    response.writeHead(413);
    response.write('too ');
    response.end('big');
  },
  'without a body': (response) => response.writeHead(413, { 'content-length': 0 }).end(),
  'with trailers': (response) => {
    response.writeHead(413, { trailer: 'x-why' });
    response.write('too big');
    response.addTrailers({ 'x-why': 'size' });
    response.end();
  },
};

describe('an answer before the end of a large upload', () => {
  test.each(Object.keys(ANSWERS))('%s comes whole, and then the stream is over', async (kind) => {
    await using stage = await Http2Stage.open();
    await stage.dial({ onRequest: (_request, response) => ANSWERS[kind]?.(response) });
    const session = await stage.visit();
    const stream = session.request({ ':method': 'POST', 'content-length': 50_000_000 });
    stream.write(Buffer.alloc(1_000_000));
    const answer = await answerOf(stream);
    expect(answer.status).toBe(413);
    expect(answer.body.toString()).toBe(kind === 'without a body' ? '' : 'too big');
    expect(answer.trailers['x-why']).toBe(kind === 'with trailers' ? 'size' : undefined);
    expect(stream.rstCode).toBe(0);
  });

  // RFC 9113 §8.1: a complete response, then RST_STREAM with NO_ERROR.
  test.each(Object.keys(ANSWERS))('%s ends with END_STREAM before RST_STREAM(NO_ERROR)', async (kind) => {
    await using stage = await Http2Stage.open();
    await stage.dial({ onRequest: (_request, response) => ANSWERS[kind]?.(response) });
    const visitor = await stage.raw();
    visitor.send(FRAME.headers, END_HEADERS, 1, requestBlock(HOST, [['content-length', '50000000']], 'POST'));
    visitor.send(FRAME.data, 0, 1, Buffer.alloc(10_000));
    const reset = await visitor.frame(({ type, stream }) => type === FRAME.reset && stream === 1);
    expect(reset.payload.readUInt32BE(0)).toBe(0);
    const before = visitor.frames.slice(0, visitor.frames.indexOf(reset)).filter(({ stream }) => stream === 1);
    expect(before.map(({ flags }) => (flags & END_STREAM) !== 0)).toEqual(
      before.map((_frame, at) => at === before.length - 1),
    );
    // The connection serves on.
    visitor.send(FRAME.headers, END_HEADERS | END_STREAM, 3, requestBlock(HOST));
    await visitor.frame(({ type, stream }) => type === FRAME.headers && stream === 3);
  });

  test('of our own is told in the same way', async () => {
    await using stage = await Http2Stage.open();
    const visitor = await stage.raw(NOBODY);
    visitor.send(FRAME.headers, END_HEADERS, 1, requestBlock(NOBODY, [['content-length', '50000000']], 'POST'));
    const reset = await visitor.frame(({ type }) => type === FRAME.reset);
    expect(reset.payload.readUInt32BE(0)).toBe(0);
    expect(visitor.frames.some(({ stream, flags }) => stream === 1 && (flags & END_STREAM) !== 0)).toBe(true);
  });

  test.each([
    ['hold its stream for ever', { streamIdleTimeoutMs: 300 }],
    ['stay below the floor, also when all of it waits at the broker', { readerPaceMs: 300 }],
  ])('a visitor that takes no answer does not %s', async (_what, limits) => {
    await using stage = await Http2Stage.open({ limits });
    await stage.dial({ onRequest: (_request, response) => response.end('x'.repeat(1_000)) });
    const visitor = await stage.raw();
    // SETTINGS_INITIAL_WINDOW_SIZE = 0.
    visitor.send(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
    visitor.send(FRAME.headers, END_HEADERS | END_STREAM, 1, requestBlock(HOST));
    const reset = await visitor.frame(({ type }) => type === FRAME.reset);
    expect(reset.payload.readUInt32BE(0)).toBe(8);
  });
});
