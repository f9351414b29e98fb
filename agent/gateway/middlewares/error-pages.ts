import { STATUS_CODES } from 'node:http';
import type { ErrorsConfig, StatusRange } from '../../../shared/gateway/middleware.ts';
import { escapePath, sentPath } from './go-path.ts';
import type { AnswerHead, AnswerSink, Call, Wrap } from './handler.ts';
import { OutgoingRequest } from './outgoing-request.ts';

/** Puts the page of another service in place of answers with certain statuses. */
export function errorPages(config: ErrorsConfig): Wrap {
  return (next) => (call, sink) => {
    let caught = false;
    next(call, {
      head(head) {
        if (!config.ranges.some((range) => holds(range, head.status))) {
          sink.head(head);
          return;
        }
        caught = true;
        call.drop();
        showPage(config, call, head, sink);
      },
      body(bytes) {
        if (!caught) sink.body(bytes);
      },
      end() {
        if (!caught) sink.end();
      },
    });
  };
}

function showPage(config: ErrorsConfig, call: Call, caught: AnswerHead, sink: AnswerSink): void {
  const original = caught.status;
  const status = config.rewrites.find(({ from }) => holds(from, original))?.to ?? original;
  const { request } = call;
  const headers = request.headers.clone();
  headers.removeWhere((name) => name === 'content-length' || name === 'transfer-encoding' || name === 'trailer');
  // The page is asked for by no peer, whose address Traefik would add.
  if (request.forwardedFor === '') headers.remove('x-forwarded-for');
  else headers.set('X-Forwarded-For', request.forwardedFor);
  const place = pagePlace(config.query, request, status, original);
  const page = new OutgoingRequest({ method: 'GET', ...place, headers, clientIp: request.clientIp });
  call.forward(
    {
      head: (head) => sink.head({ ...told(head), status, reason: STATUS_CODES[status] ?? '' }),
      body: (bytes) => sink.body(bytes),
      end: () => sink.end(),
    },
    { service: config.service, request: page },
  );
}

/** A page that ended with its head, as 204 and 304 do, goes out under a status that does not say so. */
function told(head: AnswerHead): AnswerHead {
  if (head.framing !== 'none') return head;
  head.headers.set('Content-Length', '0');
  return { ...head, framing: 'length' };
}

function pagePlace(
  query: string,
  request: OutgoingRequest,
  status: number,
  original: number,
): { rawPath: string; query: string; host: string } {
  const { host } = request;
  if (query === '') return { rawPath: '/', query: '', host };
  const url = `${request.secure ? 'https' : 'http'}://${host}${request.rawPath}${request.query}`;
  const place = `/${query.replace(/^\//, '')}`
    .replaceAll('{status}', String(status))
    .replaceAll('{originalStatus}', String(original))
    .replaceAll('{url}', queryEscape(url));
  const [whole = ''] = place.split('#', 1);
  const mark = whole.indexOf('?');
  const path = mark < 0 ? whole : whole.slice(0, mark);
  return { rawPath: sentPath(path) ?? escapePath(Buffer.from(path)), query: mark < 0 ? '' : whole.slice(mark), host };
}

/** Go's `url.QueryEscape`. */
function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function holds([low, high]: StatusRange, status: number): boolean {
  return status >= low && status <= high;
}
