import { once } from 'node:events';
import { request as sendRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { changed, NASTY, pairsOf } from './fuzz-http1-bytes.ts';
import type { Comparison } from './fuzz-http1-bytes.ts';
import type { HeaderPair } from '../shared/http1/header-list.ts';
import type { ResponseHead } from '../shared/http1/message-head.ts';
import { ResponseParser } from '../shared/http1/response-parser.ts';

interface SeenHead {
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly HeaderPair[];
}
interface Seen {
  readonly head: SeenHead;
  body: string;
  trailers: readonly HeaderPair[];
  /** What came after a 101, in the other protocol. */
  rest: string | undefined;
}
interface Outcome {
  readonly interim: readonly SeenHead[];
  /** Only when it was read whole. */
  readonly response: Seen | undefined;
  /** Undefined when it is not told. */
  readonly keepAlive: boolean | undefined;
  readonly refused: string | undefined;
}

/** What is asked before the bytes come. */
interface Asked {
  readonly method: 'GET' | 'HEAD';
  readonly headers: Readonly<Record<string, string>>;
}

/** A server that answers each connection with the bytes it is given, and ends it. */
async function startAnswering(): Promise<{ port: number; answer: (bytes: string) => void; close: () => void }> {
  let answer = Buffer.alloc(0);
  const server = createServer((socket) => {
    let head = '';
    socket.on('data', (piece: Buffer) => {
      head += piece.toString('latin1');
      if (head.endsWith('\r\n\r\n')) socket.end(answer);
    });
    // Who refuses the bytes resets the connection.
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    answer: (bytes) => (answer = Buffer.from(bytes, 'latin1')),
    close: () => server.close(),
  };
}

/** What the strict client of `node:http` reads. */
function byLlhttp(port: number, { method, headers }: Asked): Promise<Outcome> {
  const interim: SeenHead[] = [];
  let response: Seen | undefined;
  let message: IncomingMessage | undefined;
  let keepAlive: boolean | undefined;
  let refused: string | undefined;
  const refuse = (error: NodeJS.ErrnoException): void => {
    refused ??= error.code ?? 'refused';
  };
  const begin = (from: IncomingMessage): Seen => {
    message = from;
    response = {
      head: {
        version: from.httpVersion,
        status: from.statusCode ?? 0,
        reason: from.statusMessage ?? '',
        headers: pairsOf(from.rawHeaders),
      },
      body: '',
      trailers: [],
      rest: undefined,
    };
    return response;
  };
  return new Promise((resolve) => {
    const request = sendRequest({ host: '127.0.0.1', port, method, headers, agent: false, insecureHTTPParser: false });
    request.on('information', (info) =>
      interim.push({
        version: info.httpVersion,
        status: info.statusCode,
        reason: info.statusMessage,
        headers: pairsOf(info.rawHeaders),
      }),
    );
    request.on('response', (from) => {
      const seen = begin(from);
      // Asked before llhttp hears that no body follows a HEAD: without a length it then waits for the end.
      const hasLength = 'content-length' in from.headers || 'transfer-encoding' in from.headers;
      if (method !== 'HEAD' || hasLength) keepAlive = request.shouldKeepAlive;
      from.on('data', (piece: Buffer) => (seen.body += piece.toString('latin1')));
      from.on('end', () => (seen.trailers = pairsOf(from.rawTrailers)));
      from.on('error', refuse);
    });
    request.on('upgrade', (from, socket, first) => {
      const seen = begin(from);
      seen.rest = first.toString('latin1');
      socket.on('data', (piece: Buffer) => (seen.rest += piece.toString('latin1')));
      socket.on('end', () => socket.destroy());
    });
    request.on('error', refuse);
    request.on('socket', (socket) =>
      socket.on('close', () =>
        // After the events of the response, which come later than those of its connection.
        setImmediate(() => {
          const whole = message?.complete === true || response?.rest !== undefined;
          // What follows `Connection: close` is dropped by us and an error there: nothing comes of it either way.
          if (whole && refused === 'HPE_CLOSED_CONNECTION') refused = undefined;
          resolve({ interim, response: whole ? response : undefined, keepAlive, refused });
        }),
      ),
    );
    request.end();
  });
}

function byUs(bytes: string, { method }: Asked): Outcome {
  const interim: SeenHead[] = [];
  let current: Seen | undefined;
  let response: Seen | undefined;
  let keepAlive: boolean | undefined;
  let refused: string | undefined;
  const parser = new ResponseParser(
    {
      onHead: ({ version, status, reason, headers, ...rest }: ResponseHead) => {
        const head: SeenHead = { version, status, reason, headers: headers.toJSON() };
        if (status < 200 && status !== 101) {
          interim.push(head);
          return;
        }
        keepAlive = rest.keepAlive;
        current = { head, body: '', trailers: [], rest: rest.framing.kind === 'upgrade' ? '' : undefined };
      },
      onBody: (piece) => {
        if (current !== undefined) current.body += piece.toString('latin1');
      },
      onTrailers: (trailers) => {
        if (current !== undefined) current.trailers = trailers.toJSON();
      },
      onComplete: () => (response = current),
      onError: (error) => (refused = error.code),
    },
    { decode: true },
  );
  parser.expect(method);
  parser.push(Buffer.from(bytes, 'latin1'));
  if (current?.rest !== undefined) current.rest = Buffer.concat(parser.takeRest()).toString('latin1');
  parser.end();
  // As its users do: a connection that ends without a response has failed.
  if (response === undefined) refused ??= 'no response';
  return { interim, response, keepAlive, refused };
}

const ASKED: readonly Asked[] = [
  { method: 'GET', headers: { Connection: 'keep-alive' } },
  { method: 'GET', headers: { Connection: 'Upgrade', Upgrade: 'websocket' } },
  { method: 'HEAD', headers: { Connection: 'keep-alive' } },
];
const put = fc.constantFrom(
  ...NASTY,
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  ' 100 ',
  ' 101 ',
  ' 204 ',
  ' 205 ',
  ' 304 ',
  ' 099 ',
  'Trailer: T\r\n',
);
const interims = fc.array(
  fc.constantFrom(
    'HTTP/1.1 100 Continue\r\n\r\n',
    'HTTP/1.1 102 Processing\r\nX: y\r\n\r\n',
    'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n',
  ),
  { maxLength: 2 },
);
const LAST = [
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Y: z\r\n\r\nabc',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n00a;x=y\r\n0123456789\r\n0\r\nT: u\r\nV: w\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX: y\r\n\r\nuntil the end',
  'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc',
  'HTTP/1.0 200 OK\r\n\r\nuntil the end',
  'HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc',
  // The response to HEAD: to GET it is cut off.
  'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nX: y\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 3\r\n\r\n',
  'HTTP/1.1 404 \r\nContent-Length: 3\r\n\r\nabc',
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nanother protocol',
] as const;
const message = changed(
  fc.tuple(interims, fc.constantFrom(...LAST)).map(([before, final]) => before.join('') + final),
  put,
);

/** Throws unless both mean the same, or we refuse. */
function compare(ours: Outcome, theirs: Outcome): 'accepted' | 'refused' {
  if (theirs.refused !== undefined && ours.refused === undefined)
    throw new Error(`accepted here, but llhttp says ${theirs.refused}`);
  if (ours.refused !== undefined) return 'refused';
  // For llhttp too HTTP is over after any 101, but without Upgrade `node:http` does not tell what follows.
  const isTold = theirs.response?.head.status !== 101 || theirs.response.rest !== undefined;
  const response = isTold || ours.response === undefined ? ours.response : { ...ours.response, rest: undefined };
  const { interim } = ours;
  if (!isDeepStrictEqual([interim, response], [theirs.interim, theirs.response]))
    throw new Error(
      `read as ${JSON.stringify([interim, response])}, by llhttp as ${JSON.stringify([theirs.interim, theirs.response])}`,
    );
  if (ours.keepAlive && theirs.keepAlive === false) throw new Error('kept here, but for llhttp the connection is over');
  return 'accepted';
}

/**
 * Hostile responses for the strict client of `node:http` and for our parser: what it refuses, we refuse; what both accept
 * is read the same. Rejects with the smallest response that shows a difference.
 */
export async function compareResponsesWithLlhttp(numRuns: number, seed?: number): Promise<Comparison> {
  const counts = { accepted: 0, refused: 0 };
  const { port, answer, close } = await startAnswering();
  const compareAsked = async (question: Asked, bytes: string): Promise<Outcome> => {
    answer(bytes);
    const theirs = await byLlhttp(port, question);
    counts[compare(byUs(bytes, question), theirs)] += 1;
    return theirs;
  };
  try {
    for (const question of ASKED)
      for (const bytes of LAST) {
        // One after the other: the server has one answer.
        // oxlint-disable-next-line no-await-in-loop
        const { refused } = await compareAsked(question, bytes);
        const own = byUs(bytes, question).refused;
        if (refused === undefined && own !== undefined)
          throw new Error(`${JSON.stringify([question, bytes])} refused: ${own}`);
      }
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...ASKED), message, async (question, bytes) => {
        await compareAsked(question, bytes);
      }),
      seed === undefined ? { numRuns } : { numRuns, seed },
    );
  } finally {
    close();
  }
  return counts;
}
