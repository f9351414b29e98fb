import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Http1Error } from './errors.ts';
import { HeaderList } from './header-list.ts';
import type { HeaderPair } from './header-list.ts';
import type { RequestHead, ResponseHead } from './message-head.ts';
import type { MessageHandler, ParserOptions } from './message-parser.ts';
import { RequestParser } from './request-parser.ts';
import { ResponseParser } from './response-parser.ts';
import { writeRequestHead, writeResponseHead } from './write-head.ts';

type Event =
  | readonly [kind: 'head', line: string, headers: readonly HeaderPair[], framing: string, keepAlive: boolean]
  | readonly ['body', string]
  | readonly ['trailers', string]
  | readonly ['complete']
  | readonly ['error', string];

/** Joins neighbouring body events: their cut follows the cut of the input. */
class Recorder<Head extends RequestHead | ResponseHead> implements MessageHandler<Head> {
  readonly events: Event[] = [];

  onHead(head: Head): void {
    const line =
      'method' in head
        ? `${head.method} ${head.target} ${head.version}`
        : `${head.version} ${head.status} ${head.reason}`;
    this.events.push([
      'head',
      line,
      head.headers.toJSON(),
      `${head.framing.kind}${head.framing.length ?? ''}`,
      head.keepAlive,
    ]);
  }
  onBody(bytes: Buffer): void {
    expect(bytes.length).toBeGreaterThan(0);
    const last = this.events.at(-1);
    if (last?.[0] === 'body') this.events[this.events.length - 1] = ['body', last[1] + bytes.toString('latin1')];
    else this.events.push(['body', bytes.toString('latin1')]);
  }
  onTrailers(trailers: { toJSON(): HeaderPair[] }): void {
    this.events.push(['trailers', JSON.stringify(trailers)]);
  }
  onComplete(): void {
    this.events.push(['complete']);
  }
  onError(error: Http1Error): void {
    this.events.push(['error', error.code]);
  }
}

function parseRequests(pieces: readonly string[], options: ParserOptions = {}): Event[] {
  const recorder = new Recorder<RequestHead>();
  const parser = new RequestParser(recorder, options);
  for (const piece of pieces) parser.push(Buffer.from(piece, 'latin1'));
  return recorder.events;
}

function parseResponses(pieces: readonly string[], method = 'GET', options: ParserOptions = {}): Event[] {
  const recorder = new Recorder<ResponseHead>();
  const parser = new ResponseParser(recorder, options);
  parser.expect(method);
  for (const piece of pieces) parser.push(Buffer.from(piece, 'latin1'));
  parser.end();
  return recorder.events;
}

const bodies = (events: readonly Event[]) => events.filter((event) => event[0] === 'body').map((event) => event[1]);
const kinds = (events: readonly Event[]) => events.map((event) => event[0]).join(' ');
const refusal = (events: readonly Event[]) => events.find((event) => event[0] === 'error')?.[1];

const H = 'Host: a.example\r\n';

describe('requests that are ambiguous or malformed are refused with a code', () => {
  test.each<[string, string, string]>([
    [
      'length and encoding',
      `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n`,
      'http1.length-and-encoding',
    ],
    [
      'encoding and length',
      `POST / HTTP/1.1\r\n${H}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n`,
      'http1.length-and-encoding',
    ],
    [
      'the same length twice',
      `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
      'http1.several-lengths',
    ],
    [
      'two lengths',
      `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`,
      'http1.several-lengths',
    ],
    ['a list of lengths', `POST / HTTP/1.1\r\n${H}Content-Length: 3, 3\r\n\r\nabc`, 'http1.bad-length'],
    ['a signed length', `POST / HTTP/1.1\r\n${H}Content-Length: +3\r\n\r\nabc`, 'http1.bad-length'],
    ['a hexadecimal length', `POST / HTTP/1.1\r\n${H}Content-Length: 0x3\r\n\r\nabc`, 'http1.bad-length'],
    ['an empty length', `POST / HTTP/1.1\r\n${H}Content-Length:\r\n\r\n`, 'http1.bad-length'],
    ['a huge length', `POST / HTTP/1.1\r\n${H}Content-Length: 9999999999999999\r\n\r\n`, 'http1.bad-length'],
    ['gzip, chunked', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n`, 'http1.bad-encoding'],
    ['xchunked', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n`, 'http1.bad-encoding'],
    [
      'chunked twice',
      `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
      'http1.bad-encoding',
    ],
    ['identity', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: identity\r\n\r\n`, 'http1.bad-encoding'],
    ['encoding in 1.0', `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n`, 'http1.encoding-in-1.0'],
    ['folded header', `GET / HTTP/1.1\r\n${H}A: b\r\n c\r\n\r\n`, 'http1.obsolete-fold'],
    ['folded first header', `GET / HTTP/1.1\r\n Host: a\r\n\r\n`, 'http1.obsolete-fold'],
    ['bare LF after the request line', `GET / HTTP/1.1\n${H}\r\n`, 'http1.bare-lf'],
    ['bare LF after a header', `GET / HTTP/1.1\r\n${H}A: b\nC: d\r\n\r\n`, 'http1.bare-lf'],
    ['bare LF at the end of the head', `GET / HTTP/1.1\r\n${H}\n`, 'http1.bare-lf'],
    ['bare CR in a value', `GET / HTTP/1.1\r\n${H}A: b\rc\r\n\r\n`, 'http1.bad-header-value'],
    ['NUL in a value', `GET / HTTP/1.1\r\n${H}A: b\0c\r\n\r\n`, 'http1.bad-header-value'],
    ['DEL in a value', `GET / HTTP/1.1\r\n${H}A: b\x7fc\r\n\r\n`, 'http1.bad-header-value'],
    ['NUL in a name', `GET / HTTP/1.1\r\n${H}A\0b: c\r\n\r\n`, 'http1.bad-header-name'],
    ['an empty name', `GET / HTTP/1.1\r\n${H}: c\r\n\r\n`, 'http1.bad-header-name'],
    ['no colon', `GET / HTTP/1.1\r\n${H}abc\r\n\r\n`, 'http1.bad-header-name'],
    ['space before the colon', `GET / HTTP/1.1\r\n${H}Content-Length : 3\r\n\r\nabc`, 'http1.space-before-colon'],
    ['tab before the colon', `GET / HTTP/1.1\r\n${H}Transfer-Encoding\t: chunked\r\n\r\n`, 'http1.space-before-colon'],
    ['an unknown method', `FOO / HTTP/1.1\r\n${H}\r\n`, 'http1.bad-method'],
    ['a lower-case method', `get / HTTP/1.1\r\n${H}\r\n`, 'http1.bad-method'],
    ['two spaces', `GET  / HTTP/1.1\r\n${H}\r\n`, 'http1.bad-version'],
    ['HTTP/0.9', `GET /\r\n${H}\r\n`, 'http1.bad-start-line'],
    ['HTTP/1.2', `GET / HTTP/1.2\r\n${H}\r\n`, 'http1.bad-version'],
    ['HTTP/2.0', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, 'http1.bad-method'],
    ['lower-case protocol', `GET / http/1.1\r\n${H}\r\n`, 'http1.bad-version'],
    ['a fragment', `GET /a#b HTTP/1.1\r\n${H}\r\n`, 'http1.bad-target'],
    ['a raw byte in the target', `GET /\xe9 HTTP/1.1\r\n${H}\r\n`, 'http1.bad-target'],
    ['a relative target', `GET a HTTP/1.1\r\n${H}\r\n`, 'http1.bad-target'],
    ['* for GET', `GET * HTTP/1.1\r\n${H}\r\n`, 'http1.bad-target'],
    ['a foreign scheme', `GET file:///etc HTTP/1.1\r\n${H}\r\n`, 'http1.bad-target'],
    ['absolute form without host', `GET http:///a HTTP/1.1\r\n${H}\r\n`, 'http1.bad-target'],
    ['no Host', 'GET / HTTP/1.1\r\nA: b\r\n\r\n', 'http1.missing-host'],
    ['two Hosts', `GET / HTTP/1.1\r\n${H}Host: a.example\r\n\r\n`, 'http1.several-hosts'],
    ['CONNECT with a body', `CONNECT a:1 HTTP/1.1\r\n${H}Content-Length: 3\r\n\r\nabc`, 'http1.body-not-allowed'],
    ['two empty lines first', `\r\n\r\nGET / HTTP/1.1\r\n${H}\r\n`, 'http1.bad-start-line'],
    ['a TLS client hello', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\n', 'http1.bare-lf'],
    ['too many headers', `GET / HTTP/1.1\r\n${H}${'A: b\r\n'.repeat(128)}\r\n`, 'http1.too-many-headers'],
    ['too large a head', `GET / HTTP/1.1\r\n${H}A: ${'b'.repeat(33_000)}\r\n\r\n`, 'http1.head-too-large'],
    ['too long a target', `GET /${'b'.repeat(8192)} HTTP/1.1\r\n${H}\r\n`, 'http1.target-too-long'],
    ['far too long a target', `GET /${'b'.repeat(80_000)}`, 'http1.target-too-long'],
  ])('%s', (_name, bytes, code) => {
    expect(refusal(parseRequests([bytes]))).toBe(code);
    expect(refusal(parseRequests(bytes.split('')))).toBe(code);
  });

  const chunked = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n`;
  test.each<[string, string, string]>([
    ['no size', ';a\r\n', 'http1.bad-chunk-size'],
    ['an overflow', '10000000000000003\r\nabc', 'http1.bad-chunk-size'],
    ['0x', '0x3\r\nabc\r\n0\r\n\r\n', 'http1.bad-chunk-size'],
    ['a sign', '-3\r\nabc', 'http1.bad-chunk-size'],
    ['a space after the size', '3 \r\nabc\r\n0\r\n\r\n', 'http1.bad-chunk-size'],
    ['a bare LF after the size', '3\nabc\r\n0\r\n\r\n', 'http1.bare-lf'],
    ['an LF inside an extension', '3;a=\nabc\r\n0\r\n\r\n', 'http1.bare-lf'],
    ['a bare CR in an extension', '3;a\rb\r\nabc\r\n0\r\n\r\n', 'http1.bad-chunk-extension'],
    ['an open quote', '3;a="b\r\nabc\r\n0\r\n\r\n', 'http1.bad-chunk-extension'],
    ['a long extension', `3;${'a'.repeat(2000)}\r\nabc\r\n0\r\n\r\n`, 'http1.bad-chunk-extension'],
    ['many extensions', `1;${'a'.repeat(900)}\r\na\r\n`.repeat(20), 'http1.bad-chunk-extension'],
    ['data longer than its size', '3\r\nabcd\r\n0\r\n\r\n', 'http1.bad-chunk-end'],
    ['a bare LF after the data', '3\r\nabc\n0\r\n\r\n', 'http1.bad-chunk-end'],
    ['a length as trailer', '0\r\nContent-Length: 3\r\n\r\n', 'http1.bad-trailer'],
    ['a fold in the trailers', '0\r\nA: b\r\n c\r\n\r\n', 'http1.obsolete-fold'],
    ['large trailers', `0\r\n${`A: ${'b'.repeat(500)}\r\n`.repeat(20)}\r\n`, 'http1.trailers-too-large'],
  ])('chunks with %s', (_name, bytes, code) => {
    expect(refusal(parseRequests([chunked + bytes]))).toBe(code);
    expect(refusal(parseRequests((chunked + bytes).split('')))).toBe(code);
  });
});

describe('requests', () => {
  test('pipelined requests come one after the other, pause holds the next back', () => {
    const recorder = new Recorder<RequestHead>();
    const parser = new RequestParser({
      onHead: (head) => recorder.onHead(head),
      onBody: (bytes) => recorder.onBody(bytes),
      onComplete: () => {
        recorder.onComplete();
        parser.pause();
      },
      onError: (error) => recorder.onError(error),
    });
    parser.push(
      Buffer.from(`POST /1 HTTP/1.1\r\n${H}Content-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\n${H}\r\nGET /3 HTT`),
    );
    expect(kinds(recorder.events)).toBe('head body complete');
    parser.push(Buffer.from(`P/1.1\r\n${H}\r\n`));
    expect(kinds(recorder.events)).toBe('head body complete');
    parser.resume();
    expect(kinds(recorder.events)).toBe('head body complete head complete');
    parser.resume();
    expect(recorder.events.at(-2)?.[1]).toBe('GET /3 1.1');
    expect(parser.idle).toBe(true);
  });

  test('what comes in single bytes while paused is read on, however much it is, and keeps no memory but its own', () => {
    const recorder = new Recorder<RequestHead>();
    const parser = new RequestParser(recorder);
    parser.pause();
    const bytes = Buffer.from(`GET / HTTP/1.1\r\n${H}\r\n`.repeat(2_000));
    for (let at = 0; at < bytes.length; at += 1) parser.push(bytes.subarray(at, at + 1));
    parser.resume();
    expect(kinds(recorder.events)).toBe('head complete '.repeat(2_000).trim());
    parser.pause();
    const read = Buffer.alloc(64 * 1024, 'G');
    for (let at = 0; at < 5_000; at += 1) parser.push(read.subarray(at, at + 1));
    const rest = parser.takeRest();
    expect(Buffer.concat(rest).toString()).toBe('G'.repeat(5_000));
    expect([rest.length < 5, rest.some((piece) => piece.buffer === read.buffer)]).toEqual([true, false]);
  });

  test('chunk framing is kept, or taken away with decode', () => {
    const bytes = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n3;a=b;c="d\\"e"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nT: u\r\n\r\n`;
    expect(bodies(parseRequests([bytes])).join('')).toBe(
      '3;a=b;c="d\\"e"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nT: u\r\n\r\n',
    );
    expect(parseRequests([bytes]).slice(-2)).toEqual([['trailers', '[["T","u"]]'], ['complete']]);
    expect(bodies(parseRequests([bytes], { decode: true }))).toEqual(['abc0123456789']);
  });

  test('after an upgrade request the parser waits: refused, the next request follows; granted, the rest is given back', () => {
    const upgrade = `GET /ws HTTP/1.1\r\n${H}Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const recorder = new Recorder<RequestHead>();
    const parser = new RequestParser(recorder);
    parser.push(Buffer.from(`${upgrade}GET /2 HTTP/1.1\r\n${H}\r\n${upgrade}raw`));
    expect(kinds(recorder.events)).toBe('head complete');
    parser.resume();
    expect(kinds(recorder.events)).toBe('head complete head complete head complete');
    parser.push(Buffer.from(' bytes'));
    expect(Buffer.concat(parser.takeRest()).toString()).toBe('raw bytes');
  });

  test('what follows a closing request is dropped', () => {
    expect(kinds(parseRequests([`GET / HTTP/1.1\r\n${H}Connection: close\r\n\r\nGET / HTTP/1.1\r\n${H}\r\n`]))).toBe(
      'head complete',
    );
  });

  test('an end inside a message is an error, between messages it is not', () => {
    const recorder = new Recorder<RequestHead>();
    const parser = new RequestParser(recorder);
    parser.push(Buffer.from(`POST / HTTP/1.1\r\n${H}Content-Length: 3\r\n\r\nab`));
    parser.end();
    expect(refusal(recorder.events)).toBe('http1.truncated');
    const other = new Recorder<RequestHead>();
    const clean = new RequestParser(other);
    clean.push(Buffer.from(`GET / HTTP/1.1\r\n${H}\r\n`));
    clean.end();
    expect(kinds(other.events)).toBe('head complete');
  });
});

describe('responses', () => {
  test.each<[string, string, string, string]>([
    ['HEAD has no body', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'none'],
    ['204 has no body', 'GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 'none'],
    ['304 has no body', 'GET', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', 'none'],
    ['a length', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab', 'length2'],
    ['chunks', 'GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n', 'chunked'],
    ['until the end', 'GET', 'HTTP/1.1 200\r\n\r\nab', 'until-close'],
    ['until the end in 1.0', 'GET', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nab', 'until-close'],
    ['a granted CONNECT', 'CONNECT', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'upgrade'],
    [
      '101',
      'GET',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nraw',
      'upgrade',
    ],
  ])('%s', (_name, method, bytes, framing) => {
    const events = parseResponses([bytes], method);
    expect(events[0]?.[3]).toBe(framing);
    expect(events.at(-1)).toEqual(['complete']);
  });

  test('interim heads come before the final one', () => {
    const events = parseResponses([
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ]);
    expect(kinds(events)).toBe('head head head complete');
  });

  test('bytes without an expected response are an error', () => {
    const events = parseResponses([
      'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ]);
    expect(kinds(events)).toBe('head complete error');
    expect(refusal(events)).toBe('http1.unsolicited');
  });

  test.each<[string, string, string]>([
    [
      'length and encoding',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
      'http1.length-and-encoding',
    ],
    ['a bad status', 'HTTP/1.1 2x0 OK\r\n\r\n', 'http1.bad-status-line'],
    ['status 099', 'HTTP/1.1 099 OK\r\n\r\n', 'http1.bad-status-line'],
    ['a truncated body', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'http1.truncated'],
    ['a leading empty line', '\r\nHTTP/1.1 200 OK\r\n\r\n', 'http1.bad-status-line'],
  ])('%s is refused', (_name, bytes, code) => {
    expect(refusal(parseResponses([bytes]))).toBe(code);
    expect(refusal(parseResponses(bytes.split('')))).toBe(code);
  });
});

const fieldText = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
const chunkText = fc.string({ minLength: 1, maxLength: 40 });
const chunkedBody = fc
  .array(chunkText, { maxLength: 5 })
  .map(
    (chunks) =>
      `${chunks.map((chunk) => `${Buffer.byteLength(chunk, 'latin1').toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n`,
  )
  .chain((chunks) => fc.constantFrom(`${chunks}\r\n`, `${chunks}T: u\r\nV: w\r\n\r\n`));
const oneRequest = fc.oneof(
  fc.tuple(fieldText).map(([value]) => `GET /a?b HTTP/1.1\r\n${H}X: ${value}\r\n\r\n`),
  fc.string({ maxLength: 60 }).map((body) => `POST / HTTP/1.1\r\n${H}Content-Length: ${body.length}\r\n\r\n${body}`),
  chunkedBody.map((body) => `PUT /c HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n${body}`),
  fc.constant(`GET / HTTP/1.1\r\n${H}\r\n`),
);
/** Valid requests in a row, then perhaps one byte changed, so that errors are met in every state. */
const stream = fc
  .tuple(
    fc.array(oneRequest, { minLength: 1, maxLength: 4 }),
    fc.option(fc.tuple(fc.nat(400), fc.constantFrom('\n', '\r', ' ', '\0', ':', 'x', '0', '\t', 'é'))),
  )
  .map(([requests, change]) => {
    const bytes = requests.join('');
    if (change === null) return bytes;
    const at = change[0] % bytes.length;
    return bytes.slice(0, at) + change[1] + bytes.slice(at + 1);
  });

describe('any cut of the bytes gives the same events', () => {
  test.each([false, true])('decode %s', (decode) => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat(1000), { maxLength: 12 }), (bytes, cuts) => {
        const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((one, other) => one - other);
        const pieces = [0, ...places].map((from, index) => bytes.slice(from, places[index] ?? bytes.length));
        const whole = parseRequests([bytes], { decode });
        expect(parseRequests(pieces, { decode })).toEqual(whole);
        expect(parseRequests(bytes.split(''), { decode })).toEqual(whole);
      }),
      { numRuns: 1500 },
    );
  });
});

describe('written heads', () => {
  test('are read back as they were', () => {
    const recorder = new Recorder<RequestHead>();
    const parser = new RequestParser({
      onHead: (head) => {
        recorder.onHead(head);
        expect(writeRequestHead(head).toString('latin1')).toBe(`GET /x?y HTTP/1.1\r\n${H}a-B: c d\xe9\r\n\r\n`);
      },
      onBody: () => undefined,
      onComplete: () => undefined,
      onError: (error) => {
        throw error;
      },
    });
    parser.push(Buffer.from(`GET /x?y HTTP/1.1\r\n${H}a-B:   c d\xe9 \t\r\n\r\n`, 'latin1'));
    expect(recorder.events).toHaveLength(1);
  });

  test('never carry an injected line', () => {
    const headers = (name: string, value: string) => new HeaderList([[name, value]]);
    for (const bad of ['a\r\nb', 'a\nb', 'a\rb', 'a\0b', 'a\u010Ab', 'a\u{1F600}']) {
      expect(() => writeRequestHead({ method: 'GET', target: '/', headers: headers('X', bad) })).toThrow(
        'header value',
      );
      expect(() => writeRequestHead({ method: 'GET', target: '/', headers: headers(bad, 'x') })).toThrow('header name');
      expect(() => writeRequestHead({ method: 'GET', target: `/${bad}`, headers: headers('a', 'x') })).toThrow(
        'target',
      );
      expect(() => writeRequestHead({ method: bad, target: '/', headers: headers('a', 'x') })).toThrow('method');
      expect(() => writeResponseHead({ status: 200, reason: bad, headers: headers('a', 'x') })).toThrow(
        'control character',
      );
      expect(() => writeResponseHead({ status: 200, reason: '', headers: headers('a', bad) })).toThrow('header value');
    }
  });
});
