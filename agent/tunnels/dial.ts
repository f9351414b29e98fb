import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { getCACertificates } from 'node:tls';

import WebSocket from 'ws';

import { problem } from '../../shared/control/api.ts';
import { TUNNEL_SUBPROTOCOL } from '../../shared/tunnel/protocol.ts';
import type { ByteChannel } from '../../shared/yamux/types.ts';
import { WsChannel } from '../../shared/yamux/ws-channel.ts';

const HANDSHAKE_TIMEOUT_MS = 5_000;
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_PROBLEM_BYTES = 16 * 1024;

export interface DialTarget {
  /** `wss://HOST:PORT/tunnel`. */
  readonly url: string;
  readonly token: string;
  /** Certificates in PEM, trusted besides the public ones. */
  readonly ca: string | undefined;
  readonly signal: AbortSignal;
}

/** Opens the carrier of a session, or throws (`DialRefused` when the broker answered). */
export type Dial = (target: DialTarget) => Promise<ByteChannel>;

/** The broker answered, but not with 101. */
export class DialRefused extends Error {
  readonly status: number;
  readonly retryAfterMs: number;

  constructor(status: number, detail: string, retryAfterMs: number) {
    super(`the broker answered ${status}${detail === '' ? '' : `: ${detail}`}`);
    this.name = 'DialRefused';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

export const dialWebSocket: Dial = ({ url, token, ca, signal }) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new Error('the dial was given up'));
      return;
    }
    const socket = new WebSocket(url, TUNNEL_SUBPROTOCOL, {
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      followRedirects: false,
      headers: { authorization: `Bearer ${token}` },
      ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
    });
    const giveUp = (): void => socket.terminate();
    const settled = (): void => signal.removeEventListener('abort', giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    // Stays: a socket that is terminated while it connects tells so with 'error'.
    socket.on('error', (error) => {
      settled();
      reject(error);
    });
    socket.once('unexpected-response', (_request, response) => {
      void refusalOf(response).then((refusal) => {
        settled();
        reject(refusal);
        socket.terminate();
      });
    });
    socket.once('open', () => {
      settled();
      // In this very call: the first message may be in the same chunk as the 101, and the channel must be there for it.
      resolve(new WsChannel(socket));
    });
  });

async function refusalOf(response: IncomingMessage): Promise<DialRefused> {
  const seconds = Number(response.headers['retry-after']);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0;
  const tooLong = setTimeout(() => response.destroy(), HANDSHAKE_TIMEOUT_MS);
  let text = '';
  try {
    for await (const chunk of response) {
      text += String(chunk);
      if (text.length > MAX_PROBLEM_BYTES) break;
    }
    const body = problem.safeParse(JSON.parse(text)).data;
    return new DialRefused(response.statusCode ?? 0, body?.detail ?? body?.title ?? '', retryAfterMs);
  } catch {
    // The status says what to do; a body that was cut or is no problem document has nothing to add.
    return new DialRefused(response.statusCode ?? 0, '', retryAfterMs);
  } finally {
    clearTimeout(tooLong);
  }
}

/** Round trip to a broker in ms, by the time of a TCP handshake; undefined when it does not answer in time. */
export type Probe = (url: string, timeoutMs: number) => Promise<number | undefined>;

export const probeTcp: Probe = (url, timeoutMs) =>
  new Promise((resolve) => {
    const { hostname, port, protocol } = new URL(url);
    const from = performance.now();
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (protocol === 'wss:' ? 443 : 80) : Number(port),
      timeout: timeoutMs,
    });
    const done = (rttMs: number | undefined): void => {
      resolve(rttMs);
      socket.destroy();
    };
    socket.once('connect', () => done(performance.now() - from));
    socket.once('timeout', () => done(undefined));
    socket.once('error', () => done(undefined));
  });
