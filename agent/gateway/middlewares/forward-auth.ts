import { gunzipSync } from 'node:zlib';
import type { ForwardAuthConfig } from '../../../shared/gateway/middleware.ts';
import { HeaderList } from '../../../shared/http1/header-list.ts';
import type { OwnAnswer } from '../own-answer.ts';
import type { AuthServer } from './auth-server.ts';
import { MAX_KEPT_BYTES } from './body-collector.ts';
import type { CollectedAnswer } from './collect-answer.ts';
import { answerWith, type AnswerSink, type Call, type Handler, type Wrap } from './handler.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { canonicalName } from './header-name.ts';
import { pattern } from './pattern.ts';
import { plainAnswer } from './plain-answer.ts';
import { readSetCookie } from './set-cookie.ts';

const TIMEOUT_MS = 30_000;
/** Of one connection, or of the framing; they go neither to the server that is asked nor back from it. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailers',
  'transfer-encoding',
  'upgrade',
]);
const FRAMING: ReadonlySet<string> = new Set(['content-length', 'trailer', 'expect']);

/** Lets another server decide: 2xx lets the request go on, any other answer is the visitor's. */
export function forwardAuth(
  config: ForwardAuthConfig,
  serverFor: (request: OutgoingRequest) => AuthServer | undefined,
): Wrap {
  const matches = config.responseHeadersPattern === undefined ? undefined : pattern(config.responseHeadersPattern);
  const failed = (status: number, detail: string): OwnAnswer => plainAnswer(status, detail, { text: '' });

  const letIn = (call: Call, sink: AnswerSink, answer: CollectedAnswer, next: Handler): void => {
    const { headers } = call.request;
    for (const name of config.responseHeaders) {
      headers.remove(name);
      for (const value of answer.headers.getAll(name)) headers.append(canonicalName(name), value);
    }
    if (matches !== undefined) {
      headers.removeWhere((name) => matches.test(canonicalName(name)));
      headers.appendAll(answer.headers.pairs.filter(([name]) => matches.test(canonicalName(name))));
    }
    const cookies = answer.headers.getAll('set-cookie').flatMap((line) => readSetCookie(line) ?? []);
    next(call, cookies.length === 0 ? sink : cookieSink(sink, cookies, new Set(config.responseCookies)));
  };

  const ask = (call: Call, sink: AnswerSink, body: Buffer | undefined, next: Handler): void => {
    const { request } = call;
    const server = serverFor(request);
    if (server === undefined) {
      answerWith(sink, failed(500, `The address ${config.address} cannot be asked.`));
      return;
    }
    const { target, uri, host } = server;
    const headers = askedHeaders(config, request, host);
    // Go's client asks for gzip by itself, and takes it off again.
    const ownGzip = (headers.get('accept-encoding') ?? '') === '' && !headers.has('range') && request.method !== 'HEAD';
    if (ownGzip) headers.append('Accept-Encoding', 'gzip');
    if (body !== undefined && body.length > 0) headers.append('Content-Length', String(body.length));
    const method = config.keepMethod ? request.method : 'GET';
    const maxAnswerBytes = config.maxResponseBytes ?? MAX_KEPT_BYTES;
    call.ask({ target, method, uri, headers, body, timeoutMs: TIMEOUT_MS, maxAnswerBytes }, (answer) => {
      if (call.over) return;
      if (answer instanceof Error) {
        const large = 'code' in answer && answer.code === 'answer-too-large';
        answerWith(sink, failed(large ? 401 : 500, answer.message));
        return;
      }
      const plain = ownGzip ? unzipped(answer, maxAnswerBytes) : answer;
      if (plain.status >= 200 && plain.status < 300) letIn(call, sink, plain, next);
      else answerWith(sink, refused(config, plain));
    });
  };

  return (next) => (call, sink) => {
    if (!config.forwardBody) {
      ask(call, sink, undefined, next);
      return;
    }
    const max = config.maxBodyBytes ?? MAX_KEPT_BYTES;
    call.readBody(max, (body) => {
      if (body === 'too-large') answerWith(sink, failed(401, `The body has more than ${max} bytes.`));
      else ask(call, sink, body, next);
    });
  };
}

/** What the server is told of the request. */
function askedHeaders(config: ForwardAuthConfig, request: OutgoingRequest, host: string): HeaderList {
  const { trustForwardHeader: trust, requestHeaders } = config;
  const told = new HeaderList([['Host', host]]);
  const wanted = new Set(requestHeaders.map((name) => name.toLowerCase()));
  for (const [name, value] of request.headers.pairs) {
    const lower = name.toLowerCase();
    if (HOP_BY_HOP.has(lower) || FRAMING.has(lower) || (wanted.size > 0 && !wanted.has(lower))) continue;
    told.append(name, value);
  }
  const set = (name: string, value: string): void => {
    const before = request.headers.get(name) ?? '';
    told.set(name, trust && before !== '' ? before : value);
  };
  const prior = request.forwardedFor;
  told.set('X-Forwarded-For', trust && prior !== '' ? `${prior}, ${request.clientIp}` : request.clientIp);
  set('X-Forwarded-Method', request.method);
  set('X-Forwarded-Proto', request.secure ? 'https' : 'http');
  const port = request.headers.get('x-forwarded-port') ?? '';
  if (trust && port !== '') told.set('X-Forwarded-Port', port);
  set('X-Forwarded-Host', request.host);
  set('X-Forwarded-Uri', request.uri);
  return told;
}

function refused(config: ForwardAuthConfig, answer: CollectedAnswer): OwnAnswer {
  const headers = new HeaderList(answer.headers.pairs);
  headers.removeWhere((name) => HOP_BY_HOP.has(name) || FRAMING.has(name));
  const location = headers.get('location') ?? '';
  if (location !== '' && !config.keepLocation && URL.canParse(location, config.address))
    headers.set('Location', new URL(location, config.address).href);
  return {
    status: answer.status,
    headers: headers.pairs,
    verdict: 'middleware-refused',
    detail: `${config.address} answered ${answer.status}.`,
    body: answer.body,
  };
}

function unzipped(answer: CollectedAnswer, maxBytes: number): CollectedAnswer {
  if (answer.headers.get('content-encoding')?.toLowerCase() !== 'gzip') return answer;
  try {
    const body = gunzipSync(answer.body, { maxOutputLength: maxBytes });
    const headers = new HeaderList(answer.headers.pairs);
    headers.removeWhere((name) => name === 'content-encoding' || name === 'content-length');
    return { ...answer, headers, body };
  } catch (error) {
    // What cannot be read lets nobody in, as an answer that breaks off does not.
    if (error instanceof Error) return { status: 500, headers: new HeaderList(), body: Buffer.alloc(0) };
    throw error;
  }
}

/** Cookies of these names come from the server that was asked, and not from the upstream. */
function cookieSink(
  sink: AnswerSink,
  ofServer: readonly { readonly name: string; readonly text: string }[],
  names: ReadonlySet<string>,
): AnswerSink {
  return {
    head(head) {
      const ofUpstream = head.headers.getAll('set-cookie').flatMap((line) => readSetCookie(line) ?? []);
      head.headers.remove('set-cookie');
      for (const { name, text } of ofUpstream) if (!names.has(name)) head.headers.append('Set-Cookie', text);
      for (const { name, text } of ofServer) if (names.has(name)) head.headers.append('Set-Cookie', text);
      sink.head(head);
    },
    body: (bytes) => sink.body(bytes),
    end: () => sink.end(),
  };
}
