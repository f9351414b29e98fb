import { Agent as HttpAgent, request as requestHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { failUnaskedSwitch } from '../shared/sockets/fail-unasked-switch.ts';

export interface ControlCall {
  readonly method?: 'GET' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface ControlAnswer {
  readonly status: number;
  readonly etag: string | undefined;
  readonly text: string;
}

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Longer than the pause between two calls of the same kind, shorter than servers keep connections. */
const KEEP_MS = 4_000;
const agents = {
  'http:': new HttpAgent({ keepAlive: true, timeout: KEEP_MS }),
  'https:': new HttpsAgent({ keepAlive: true, timeout: KEEP_MS }),
};

/**
 * One call of the control plane; both methods may be sent twice. Redirects are answers like others. Not by `fetch`, which
 * brings a second HTTP client into a process that has one already.
 */
export async function callControl(url: URL, call: ControlCall): Promise<ControlAnswer> {
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(call.timeoutMs)]);
  try {
    return await once(url, call, signal, true);
  } catch (error) {
    // The server may have closed a kept connection just as it was used; others that were kept are closed as well then.
    if (!(error instanceof StaleConnection) || signal.aborted) throw error;
    return await once(url, call, signal, false);
  }
}

class StaleConnection extends Error {}

function once(url: URL, call: ControlCall, signal: AbortSignal, mayBeKept: boolean): Promise<ControlAnswer> {
  const isSecure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const request = (isSecure ? requestHttps : requestHttp)(url, {
      method: call.method ?? 'GET',
      headers: {
        ...call.headers,
        ...(call.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(call.body)) }),
      },
      agent: mayBeKept && agents[isSecure ? 'https:' : 'http:'],
      signal,
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(isStale ? new StaleConnection(error.message, { cause: error }) : error);
    });
    failUnaskedSwitch(request, reject);
    request.once('response', (response) => {
      const { etag } = response.headers;
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, etag, text }), reject);
    });
    request.end(call.body);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

/** Throws for an answer that is no success. */
export function successOf(answer: ControlAnswer): string {
  const { status, text } = answer;
  if (status < 200 || status > 299) throw new Error(`the control plane answered ${status}: ${text.slice(0, 300)}`);
  return text;
}
