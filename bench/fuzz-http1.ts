import { createServer } from 'node:http';
import { duplexPair } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { HeaderPair } from '../shared/http1/header-list.ts';
import type { RequestHead } from '../shared/http1/message-head.ts';
import { RequestParser } from '../shared/http1/request-parser.ts';

const RUNS_A_ROUND = 1000;

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly HeaderPair[];
  body: string;
}
interface Outcome {
  /** Only those that were read whole. */
  readonly requests: readonly Seen[];
  readonly refused: string | undefined;
}

const outcomes = new Map<object, (outcome: Seen | string) => void>();

/** `node:http`, strict, which is given connections and never listens. */
const server = createServer({ insecureHTTPParser: false, requireHostHeader: true }, (request, response) => {
  const headers: HeaderPair[] = [];
  for (let at = 0; at < request.rawHeaders.length; at += 2)
    headers.push([request.rawHeaders[at] ?? '', request.rawHeaders[at + 1] ?? '']);
  const tell = outcomes.get(request.socket);
  let body = '';
  request.on('data', (piece: Buffer) => (body += piece.toString('latin1')));
  request.on('end', () => {
    // A request without Host is answered with 400 by `node:http` itself, and not given to us.
    tell?.({ method: request.method ?? '', target: request.url ?? '', headers, body });
    response.end();
  });
  request.on('error', () => response.destroy());
});
server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
  // After the events of the request before, which come later than its bytes.
  setImmediate(() => {
    outcomes.get(socket)?.(error.code ?? 'refused');
    socket.destroy();
  });
});

function byLlhttp(bytes: string): Promise<Outcome> {
  const [near, far] = duplexPair();
  const requests: Seen[] = [];
  return new Promise((resolve) => {
    const done = (refused: string | undefined): void => {
      outcomes.delete(far);
      near.destroy();
      far.destroy();
      resolve({ requests, refused });
    };
    outcomes.set(far, (outcome) => {
      if (typeof outcome !== 'string') requests.push(outcome);
      // What follows `Connection: close` is dropped by us and an error there: no request comes of it either way.
      else done(outcome === 'HPE_CLOSED_CONNECTION' ? undefined : outcome);
    });
    let reply = '';
    near.on('data', (piece: Buffer) => (reply += piece.toString('latin1')));
    // Later than an error that is told after the events of the request before it.
    near.on('end', () =>
      setImmediate(() => setImmediate(() => done(reply.includes('HTTP/1.1 400') ? 'answered 400' : undefined))),
    );
    near.on('error', () => done(undefined));
    server.emit('connection', far);
    near.end(Buffer.from(bytes, 'latin1'));
  });
}

function byUs(bytes: string): Outcome {
  const requests: Seen[] = [];
  let current: Seen | undefined;
  let refused: string | undefined;
  const parser = new RequestParser(
    {
      onHead: (head: RequestHead) =>
        (current = { method: head.method, target: head.target, headers: head.headers.toJSON(), body: '' }),
      onBody: (piece) => {
        if (current !== undefined) current.body += piece.toString('latin1');
      },
      onComplete: () => {
        if (current !== undefined) requests.push(current);
        current = undefined;
        parser.resume();
      },
      onError: (error) => (refused = error.code),
    },
    { decode: true },
  );
  parser.push(Buffer.from(bytes, 'latin1'));
  parser.end();
  return { requests, refused };
}

const nasty = fc.constantFrom(
  '\n',
  '\r',
  '\r\n',
  '\r\n\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ';',
  ',',
  '\x0b',
  '\x7f',
  '\x80',
  '\xff',
  '0',
  '1',
  'a',
  'A',
  '/',
  '?',
  '#',
  '"',
  '*',
  '@',
  '[',
  'Content-Length: 3\r\n',
  'Content-Length: 0\r\n',
  'Content-Length : 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'transfer-encoding:\tchunked\r\n',
  'Transfer-Encoding: chunked, chunked\r\n',
  'Host: b\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive, x\r\n',
  ' folded\r\n',
  'X: y\r\n',
  'X:\r\n',
  '0\r\n\r\n',
  '3\r\nabc\r\n',
  '3;a=b\r\nabc\r\n',
  '3;a="b;c"\r\n',
  '+3',
  '-1',
  '0x',
  'HTTP/1.0',
  'HTTP/1.1',
  'HTTP/2.0',
  'GET ',
  'POST ',
  'get ',
  'http://a/',
  'T: u\r\n',
);
const valid = fc.oneof(
  fc.constant('GET /a?b=c HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n'),
  fc.constant('POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'),
  fc.constant(
    'PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00a;x=y\r\n0123456789\r\n0\r\nT: u\r\n\r\n',
  ),
  fc.constant('GET / HTTP/1.0\r\nHost: a\r\n\r\n'),
  fc.constant('DELETE /d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
  fc.constant('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'),
);
/** Valid requests in a row with up to three changes: something put in, or a few bytes taken out. */
const message = fc
  .tuple(
    fc.array(valid, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(300), fc.nat(4), nasty), { maxLength: 3 }),
  )
  .map(([parts, changes]) => {
    let bytes = parts.join('');
    for (const [place, taken, put] of changes) {
      const at = place % (bytes.length + 1);
      bytes = bytes.slice(0, at) + put + bytes.slice(at + taken);
    }
    return bytes;
  });

export interface Comparison {
  readonly accepted: number;
  readonly refused: number;
}

/**
 * Hostile requests for strict llhttp and for our parser: what it refuses, we refuse; what both accept is read the same.
 * Rejects with the smallest request that shows a difference.
 */
export async function compareWithLlhttp(numRuns: number, seed?: number): Promise<Comparison> {
  let accepted = 0;
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(message, async (bytes) => {
      const theirs = await byLlhttp(bytes);
      const ours = byUs(bytes);
      if (theirs.refused !== undefined && ours.refused === undefined)
        throw new Error(`accepted here, but llhttp says ${theirs.refused}`);
      if (ours.refused !== undefined) refused += 1;
      else if (isDeepStrictEqual(ours.requests, theirs.requests)) accepted += 1;
      else throw new Error(`read as ${JSON.stringify(ours.requests)}, by llhttp as ${JSON.stringify(theirs.requests)}`);
    }),
    seed === undefined ? { numRuns } : { numRuns, seed },
  );
  return { accepted, refused };
}

/** Compares for `minutes`. Resolves to false at the first difference. */
export async function fuzzHttp1(minutes: number, firstSeed: number): Promise<boolean> {
  const started = performance.now();
  let accepted = 0;
  let refused = 0;
  for (let seed = firstSeed; performance.now() - started < minutes * 60_000; seed++) {
    try {
      // One round after the other: the seed that fails must be known.
      // oxlint-disable-next-line no-await-in-loop
      const round = await compareWithLlhttp(RUNS_A_ROUND, seed);
      accepted += round.accepted;
      refused += round.refused;
    } catch (error) {
      console.error(`failed; repeat with: npm run fuzz -- http1 --seed ${seed}`, error);
      return false;
    }
    if ((seed - firstSeed) % 20 === 19) console.log(`${accepted} accepted, ${refused} refused`);
  }
  console.log(`${accepted} accepted, ${refused} refused`);
  return true;
}
