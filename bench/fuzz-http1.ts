import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { duplexPair } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { changed, NASTY, pairsOf } from './fuzz-http1-bytes.ts';
import type { Comparison } from './fuzz-http1-bytes.ts';
import { compareResponsesWithLlhttp } from './fuzz-http1-responses.ts';
import type { HeaderPair } from '../shared/http1/header-list.ts';
import type { RequestHead } from '../shared/http1/message-head.ts';
import { RequestParser } from '../shared/http1/request-parser.ts';

const RUNS_A_ROUND = 1000;

interface Seen {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly headers: readonly HeaderPair[];
  body: string;
  trailers: readonly HeaderPair[];
  /** What came after a request to upgrade: another protocol, or the next request. */
  rest: string | undefined;
}
interface Outcome {
  /** Only those that were read whole. */
  readonly requests: readonly Seen[];
  /** Those of them whose sender waits for `100 Continue`. */
  readonly waiting: ReadonlySet<Seen>;
  /** An upgrade that we do not take for one came last: llhttp reads no further, and we do. */
  readonly cutShort: boolean;
  readonly refused: string | undefined;
}

/** Of one connection to `server`. */
interface Watcher {
  onRequest(seen: Seen, waits: boolean): void;
  onCutShort(): void;
  onRefused(code: string): void;
}
const watchers = new Map<object, Watcher>();

function begin(request: IncomingMessage): Seen {
  return {
    method: request.method ?? '',
    target: request.url ?? '',
    version: request.httpVersion,
    headers: pairsOf(request.rawHeaders),
    body: '',
    trailers: [],
    rest: undefined,
  };
}

function read(request: IncomingMessage, response: ServerResponse, waits: boolean): void {
  const watcher = watchers.get(request.socket);
  const seen = begin(request);
  request.on('data', (piece: Buffer) => (seen.body += piece.toString('latin1')));
  request.on('end', () => {
    seen.trailers = pairsOf(request.rawTrailers);
    // A request without Host is answered with 400 by `node:http` itself, and not given to us.
    watcher?.onRequest(seen, waits);
    response.end();
  });
  request.on('error', () => response.destroy());
}

/**
 * RFC 9110 §7.8: Upgrade in HTTP/1.0 is ignored, and a body comes before the other protocol; we never upgrade after one.
 * Called for what llhttp takes for an upgrade: it stops after the message, whatever is said here.
 */
function shouldUpgradeCallback(request: IncomingMessage): boolean {
  const hasBody = 'transfer-encoding' in request.headers || Number(request.headers['content-length'] ?? 0) > 0;
  if (!hasBody && request.httpVersion === '1.1') return true;
  watchers.get(request.socket)?.onCutShort();
  return false;
}

/** `node:http`, strict, which is given connections and never listens. */
const server = createServer({ insecureHTTPParser: false, requireHostHeader: true, shouldUpgradeCallback });
server.on('request', (request, response) => read(request, response, false));
server.on('checkExpectation', (request, response) => read(request, response, false));
server.on('checkContinue', (request, response) => read(request, response, true));
server.on('upgrade', (request, socket, first) => {
  // After the events of the request before, which come later than its bytes.
  setImmediate(() => {
    watchers.get(socket)?.onRequest({ ...begin(request), rest: first.toString('latin1') }, false);
    socket.destroy();
  });
});
server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
  setImmediate(() => {
    watchers.get(socket)?.onRefused(error.code ?? 'refused');
    socket.destroy();
  });
});

function byLlhttp(bytes: string): Promise<Outcome> {
  const [near, far] = duplexPair();
  const requests: Seen[] = [];
  const waiting = new Set<Seen>();
  let cutShort = false;
  return new Promise((resolve) => {
    const done = (refused: string | undefined): void => {
      watchers.delete(far);
      near.destroy();
      far.destroy();
      resolve({ requests, waiting, cutShort, refused });
    };
    watchers.set(far, {
      onRequest: (seen, waits) => {
        requests.push(seen);
        if (waits) waiting.add(seen);
        if (seen.rest !== undefined) done(undefined);
      },
      onCutShort: () => (cutShort = true),
      // What follows `Connection: close` is dropped by us and an error there: no request comes of it either way.
      onRefused: (code) => done(code === 'HPE_CLOSED_CONNECTION' ? undefined : code),
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
  const waiting = new Set<Seen>();
  let current: Seen | undefined;
  let refused: string | undefined;
  const parser = new RequestParser(
    {
      onHead: ({ method, target, version, headers, framing, expectContinue }: RequestHead) => {
        const rest = framing.kind === 'upgrade' ? '' : undefined;
        current = { method, target, version, headers: headers.toJSON(), body: '', trailers: [], rest };
        if (expectContinue) waiting.add(current);
      },
      onBody: (piece) => {
        if (current !== undefined) current.body += piece.toString('latin1');
      },
      onTrailers: (trailers) => {
        if (current !== undefined) current.trailers = trailers.toJSON();
      },
      onComplete: () => {
        if (current !== undefined) requests.push(current);
        if (current?.rest === undefined) parser.resume();
        current = undefined;
      },
      onError: (error) => (refused = error.code),
    },
    { decode: true },
  );
  parser.push(Buffer.from(bytes, 'latin1'));
  const last = requests.at(-1);
  if (last?.rest !== undefined) last.rest = Buffer.concat(parser.takeRest()).toString('latin1');
  parser.end();
  return { requests, waiting, cutShort: false, refused };
}

const put = fc.constantFrom(
  ...NASTY,
  'Host: b\r\n',
  'Expect: 100-continue\r\n',
  'Expect: 100-Continue, x\r\n',
  'Expect: x\r\n',
  'GET ',
  'HEAD ',
  'POST ',
  'get ',
  'http://a/',
);
const VALID = [
  'GET /a?b=c HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n',
  'HEAD /h HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
  'POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
  'PUT /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00a;x=y\r\n0123456789\r\n0\r\nT: u\r\n\r\n',
  'PUT /f HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'GET / HTTP/1.0\r\nHost: a\r\n\r\n',
  'POST /o HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc',
  'GET /k HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n',
  'DELETE /d HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /u HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n',
  'POST /v HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc',
] as const;
/** Requests in a row. */
const message = changed(
  fc.array(fc.constantFrom(...VALID), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
  put,
);

/** Throws unless both mean the same, or we refuse. */
function compare(ours: Outcome, theirs: Outcome): 'accepted' | 'refused' {
  if (theirs.refused !== undefined && ours.refused === undefined)
    throw new Error(`accepted here, but llhttp says ${theirs.refused}`);
  if (ours.refused !== undefined) return 'refused';
  const requests = theirs.cutShort ? ours.requests.slice(0, theirs.requests.length) : ours.requests;
  if (!isDeepStrictEqual(requests, theirs.requests))
    throw new Error(`read as ${JSON.stringify(requests)}, by llhttp as ${JSON.stringify(theirs.requests)}`);
  // Not the other way round: `node:http` looks for 100-continue anywhere in the value.
  for (const [index, seen] of theirs.requests.entries()) {
    const own = requests[index];
    if (own?.rest === undefined && own !== undefined && ours.waiting.has(own) && !theirs.waiting.has(seen))
      throw new Error(`${seen.target} waits for 100 Continue here, but not for node:http`);
  }
  return 'accepted';
}

/**
 * Hostile requests for strict llhttp and for our parser: what it refuses, we refuse; what both accept is read the same.
 * Rejects with the smallest request that shows a difference.
 */
export async function compareRequestsWithLlhttp(numRuns: number, seed?: number): Promise<Comparison> {
  const counts = { accepted: 0, refused: 0 };
  for (const bytes of VALID) {
    const { refused } = byUs(bytes);
    if (refused !== undefined) throw new Error(`${JSON.stringify(bytes)} refused: ${refused}`);
  }
  await fc.assert(
    fc.asyncProperty(message, async (bytes) => {
      counts[compare(byUs(bytes), await byLlhttp(bytes))] += 1;
    }),
    seed === undefined ? { numRuns } : { numRuns, seed },
  );
  return counts;
}

/** Compares requests and responses in turn for `minutes`. Resolves to false at the first difference. */
export async function fuzzHttp1(minutes: number, firstSeed: number): Promise<boolean> {
  const started = performance.now();
  const requests = { accepted: 0, refused: 0 };
  const responses = { accepted: 0, refused: 0 };
  const report = (): void =>
    console.log(
      `requests: ${requests.accepted} accepted, ${requests.refused} refused; ` +
        `responses: ${responses.accepted} accepted, ${responses.refused} refused`,
    );
  for (let seed = firstSeed; performance.now() - started < minutes * 60_000; seed++) {
    try {
      // One round after the other: the seed that fails must be known.
      // oxlint-disable-next-line no-await-in-loop
      add(requests, await compareRequestsWithLlhttp(RUNS_A_ROUND, seed));
      // oxlint-disable-next-line no-await-in-loop
      add(responses, await compareResponsesWithLlhttp(RUNS_A_ROUND, seed));
    } catch (error) {
      console.error(`failed; repeat with: npm run fuzz -- http1 --seed ${seed}`, error);
      return false;
    }
    if ((seed - firstSeed) % 20 === 19) report();
  }
  report();
  return true;
}

function add(sum: { accepted: number; refused: number }, round: Comparison): void {
  sum.accepted += round.accepted;
  sum.refused += round.refused;
}
