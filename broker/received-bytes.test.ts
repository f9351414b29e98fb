import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { YamuxStream } from '../shared/yamux/types.ts';
import { Http2Stage } from './testing/http2-stage.ts';
import { answerOf } from './testing/http2-visitor.ts';
import type { TestAgent } from './testing/test-agent.ts';
import { until } from './testing/test-broker.ts';

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Within the first window of a stream, and more than a visitor over HTTP/2 who reads nothing lets through. */
const ANSWER = Buffer.alloc(250_000);
/** A few of them fill the budget. */
const LEFT = 8;
const BUDGET_BYTES = 1024 * 1024;

let stage: Http2Stage;
let agent: TestAgent;
let upgraded: YamuxStream[];
beforeEach(async () => {
  stage = await Http2Stage.open({ limits: { warmUpMs: 0, receiveBudgetBytes: BUDGET_BYTES } });
  upgraded = [];
  agent = await stage.dial({ onStream: (stream) => serve(stream) });
});
afterEach(() => stage[Symbol.asyncDispose]());

/** Accepts WebSockets and says as much as it answers to other requests. */
function serve(stream: YamuxStream): void {
  stream.attach({
    onData: (bytes) => {
      stream.consumed(bytes.length);
      const key = /^sec-websocket-key: (.+)\r$/im.exec(Buffer.from(bytes).toString('latin1'))?.[1];
      if (key === undefined) stream.write(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${ANSWER.length}\r\n\r\n`));
      else {
        upgraded.push(stream);
        const accept = createHash('sha1').update(`${key}${WEBSOCKET_GUID}`).digest('base64');
        const lines = ['Connection: Upgrade', 'Upgrade: websocket', `Sec-WebSocket-Accept: ${accept}`];
        stream.write(Buffer.from(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`));
      }
      stream.write(ANSWER);
    },
    onEnd: () => undefined,
    onDrain: () => undefined,
    onClosed: () => undefined,
  });
}

const endings: readonly [string, (stream: YamuxStream, visitorEnds: () => void) => Promise<void>][] = [
  [
    'both sides have ended theirs',
    async (stream, visitorEnds) => {
      visitorEnds();
      stream.end();
      await until(() => stream.closed);
    },
  ],
  [
    'the agent ended its side and then reset the stream',
    async (stream) => {
      stream.end();
      // The FIN has left.
      await agent.session.ping();
      stream.reset();
    },
  ],
];

test.each(endings)('what a visitor did not take is not counted any more once %s', async (_name, end) => {
  const session = await stage.visit();
  for (let count = 1; count <= LEFT; count++) {
    const visitor = session.request(
      { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/' },
      { endStream: false },
    );
    visitor.on('error', () => undefined);
    // It reads nothing.
    visitor.pause();
    await once(visitor, 'response');
    const stream = upgraded[count - 1];
    if (stream === undefined) throw new Error('no stream');
    await until(() => stream.queuedBytes === 0);
    await end(stream, () => visitor.end());
    await agent.session.ping();
  }
  expect(agent.session.streams).toBe(1);

  // A reader who is slow to begin has his place in the budget.
  const slow = session.request({ ':path': '/' });
  slow.pause();
  const answer = answerOf(slow);
  await once(slow, 'response');
  await agent.session.ping();
  slow.resume();
  expect((await answer).body.length).toBe(ANSWER.length);
});
