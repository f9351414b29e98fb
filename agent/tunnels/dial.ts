import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';

import { problem } from '../../shared/control/api.ts';
import { TUNNEL_SUBPROTOCOL } from '../../shared/tunnel/protocol.ts';
import { RawWebSocketChannel } from '../../shared/websocket/web-socket-channel.ts';
import type { ByteChannel } from '../../shared/yamux/types.ts';
import { openThroughProxy } from './open-socket.ts';
import { requestUpgrade } from './request-upgrade.ts';

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

export const dialWebSocket: Dial = async ({ url, token, ca, signal }) => {
  const connection = await openThroughProxy({
    url: new URL(url),
    ca,
    timeoutMs: HANDSHAKE_TIMEOUT_MS,
    signal,
  });
  const outcome = await requestUpgrade({
    url,
    ...(connection === undefined ? {} : { connection }),
    subprotocol: TUNNEL_SUBPROTOCOL,
    headers: { authorization: `Bearer ${token}` },
    ca,
    timeoutMs: HANDSHAKE_TIMEOUT_MS,
    signal,
  });
  if (outcome.kind === 'answered') {
    const refusal = await refusalOf(outcome.response);
    outcome.response.destroy();
    throw refusal;
  }
  return new RawWebSocketChannel(outcome.socket, {
    role: 'client',
    head: outcome.head,
    maxMessageBytes: MAX_MESSAGE_BYTES,
  });
};

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

/** Round trip to a broker in ms, by the time that a connection takes; undefined when it does not answer in time. */
export type Probe = (url: string, timeoutMs: number) => Promise<number | undefined>;

export const probeTcp: Probe = async (url, timeoutMs) => {
  const from = performance.now();
  try {
    const through = await openThroughProxy({ url: new URL(url), secure: false, timeoutMs });
    if (through === undefined) return await probeDirectly(url, timeoutMs);
    through.on('error', () => through.destroy()).destroy();
    return performance.now() - from;
  } catch {
    // A proxy that refuses or a time-out: this broker cannot be measured. Why is told when it is dialled.
    return undefined;
  }
};

const probeDirectly: Probe = (url, timeoutMs) =>
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
