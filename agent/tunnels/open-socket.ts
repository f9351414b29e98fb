import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { AgentError } from '../errors.ts';

import { hostOf, portOf, proxyFor } from './proxy-rules.ts';
import type { ProxyEnvironment } from './proxy-rules.ts';
import { trustOf } from './trust.ts';

const MAX_ANSWER_BYTES = 16 * 1024;
const HEAD_END = '\r\n\r\n';

export interface SocketTarget {
  readonly url: URL;
  /** Certificates in PEM, trusted besides the public ones. */
  readonly ca?: string | undefined;
  /** False: no TLS to the target, whatever its scheme. */
  readonly secure?: boolean | undefined;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A connection through the proxy that the environment names for this URL (CONNECT, RFC 9110 §9.3.6), with TLS to the
 * target where its scheme says so; undefined where none is named. Throws `proxy-invalid`, `proxy-refused`, or the error of a socket.
 */
export async function openThroughProxy(
  target: SocketTarget,
  environment: ProxyEnvironment = process.env,
): Promise<Socket | undefined> {
  const { url, ca, secure = true, timeoutMs, signal } = target;
  const proxy = proxyFor(url, environment);
  if (proxy === undefined) return undefined;
  const authorization = basicAuthorization(proxy);
  const deadline = AbortSignal.timeout(timeoutMs);
  const stop = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
  const address = { host: hostOf(proxy), port: portOf(proxy) };
  const direct =
    proxy.protocol === 'https:'
      ? connectTls({ ...address, ...trustOf(ca), servername: nameFor(address.host) })
      : connect({ ...address, noDelay: true });
  await ready(direct, proxy.protocol === 'https:' ? 'secureConnect' : 'connect', stop);
  await askForTunnel(direct, { proxy, authorization, target: url }, stop);
  if (!secure || (url.protocol !== 'https:' && url.protocol !== 'wss:')) return direct;
  const secured = connectTls({
    socket: direct,
    ...trustOf(ca),
    servername: nameFor(hostOf(url)),
    // Without a name Node would check the certificate against the host of `socket`, which is the proxy.
    host: hostOf(url),
    ALPNProtocols: ['http/1.1'],
  });
  await ready(secured, 'secureConnect', stop);
  return secured;
}

/** SNI has names only (RFC 6066 §3); an address is checked against the certificate all the same. */
function nameFor(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}

function ready(socket: Socket, event: 'connect' | 'secureConnect', stop: AbortSignal): Promise<void> {
  return inTime(socket, stop, (done) => {
    socket.once(event, done);
    return () => socket.off(event, done);
  });
}

/** A field line, or nothing where the proxy asks for none. Throws `proxy-invalid`. */
function basicAuthorization({ username, password, host }: URL): string {
  if (username === '') return '';
  let credentials: string;
  try {
    credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch (error) {
    throw new AgentError('proxy-invalid', `user or password for the proxy ${host} cannot be read`, {
      hint: 'In a URL a % that stands for itself is written %25.',
      cause: error,
    });
  }
  return `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
}

function askForTunnel(
  socket: Socket,
  { proxy, authorization, target }: { proxy: URL; authorization: string; target: URL },
  stop: AbortSignal,
): Promise<void> {
  const authority = `${target.hostname}:${portOf(target)}`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`);
  let head = '';
  return inTime(socket, stop, (done) => {
    const onData = (bytes: Buffer): void => {
      head += bytes.toString('latin1');
      const end = head.indexOf(HEAD_END);
      if (end < 0 && head.length <= MAX_ANSWER_BYTES) return;
      socket.off('data', onData);
      socket.pause();
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
      const rest = head.slice(end + HEAD_END.length);
      if (status?.startsWith('2') === true && end >= 0) {
        if (rest !== '') socket.unshift(Buffer.from(rest, 'latin1'));
        done();
      } else done(refusal(proxy, authority, status));
    };
    socket.on('data', onData);
    return () => socket.off('data', onData);
  });
}

function refusal(proxy: URL, authority: string, status: string | undefined): AgentError {
  const what = status === undefined ? 'did not answer with HTTP' : `answered ${status} to CONNECT ${authority}`;
  return new AgentError('proxy-refused', `the proxy ${proxy.host} ${what}`, {
    hint:
      status === '407'
        ? 'Put user and password into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT.'
        : 'Ask who runs the proxy to let CONNECT through to this address, or name it in NO_PROXY.',
  });
}

/** Runs one step of opening; whatever ends it early destroys the socket. */
function inTime(socket: Socket, stop: AbortSignal, step: (done: (error?: Error) => void) => () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error): void => {
      undo();
      socket.off('error', end);
      socket.off('close', onClose);
      stop.removeEventListener('abort', onStop);
      if (error === undefined) resolve();
      else {
        // What a socket still says after it was destroyed concerns nobody.
        socket.on('error', () => undefined);
        socket.destroy();
        reject(error);
      }
    };
    const onClose = (): void => end(new Error('the connection was closed while it was opened'));
    const onStop = (): void => end(new Error('the connection was not open in time, or given up'));
    const undo = step((error) => end(error instanceof Error ? error : undefined));
    socket.once('error', end);
    socket.once('close', onClose);
    stop.addEventListener('abort', onStop, { once: true });
    if (stop.aborted) onStop();
  });
}
