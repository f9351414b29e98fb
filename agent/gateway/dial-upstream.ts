import { connect, isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect as connectTls,
  TLSSocket,
  type ConnectionOptions,
  type PeerCertificate,
} from 'node:tls';
import type { TransportConfig } from '../../shared/gateway/service.ts';
import { AgentError } from '../errors.ts';
import { guardedLookup } from './address-guard.ts';
import type { SocketReads } from '../../shared/sockets/socket-reads.ts';
import type { UpstreamTarget } from './upstream-target.ts';

export interface Dial {
  cancel(): void;
}

/** A connection that is ready, and what was agreed to be spoken on it. */
export interface Dialled {
  readonly socket: Socket;
  readonly http2: boolean;
}

/**
 * Calls back once, unless cancelled before. The caller listens to `error` from then on. With `reads` the bytes of a
 * connection without TLS come there, and not as `data`.
 */
export function dialUpstream(
  target: UpstreamTarget,
  timeoutMs: number,
  done: (result: Dialled | AgentError) => void,
  reads?: SocketReads,
): Dial {
  const { hostname: host, port, secure, transport } = target;
  const limit = transport === undefined || transport.dialTimeoutMs === 0 ? timeoutMs : transport.dialTimeoutMs;
  const options = { host, port, lookup: guardedLookup, autoSelectFamily: true, noDelay: true, allowHalfOpen: true };
  const socket: Socket = secure
    ? connectTls({ ...options, ...tlsOptions(target) })
    : connect({ ...options, ...(reads === undefined ? {} : { onread: reads.onread }) });
  const timer = setTimeout(
    () => settle(new AgentError('upstream-timeout', `${target.origin}: no connection within ${limit} ms.`)),
    limit,
  );
  const ready = secure ? 'secureConnect' : 'connect';
  let settled = false;

  const onReady = (): void => settle(undefined);
  const onError = (error: Error): void => settle(unreachable(target, error));
  const onClose = (): void =>
    settle(new AgentError('upstream-unreachable', `${target.origin}: the connection was closed at once.`));
  socket.once(ready, onReady);
  socket.on('error', onError);
  socket.once('close', onClose);

  function settle(error: AgentError | undefined): void {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    socket.off(ready, onReady);
    socket.off('close', onClose);
    if (error === undefined) {
      const agreed = socket instanceof TLSSocket && socket.alpnProtocol === 'h2';
      socket.off('error', onError);
      done({ socket, http2: agreed || target.http2 === 'always' });
    } else {
      socket.destroy();
      done(error);
    }
  }

  return {
    cancel() {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      socket.destroy();
    },
  };
}

function tlsOptions({ hostname, http2, transport }: UpstreamTarget): ConnectionOptions {
  const name = transport?.serverName ?? hostname;
  const offered = http2 === 'offered' ? ['h2', 'http/1.1'] : ['http/1.1'];
  // SNI carries names only (RFC 6066 §3); an address is compared with the certificate all the same.
  const base: ConnectionOptions = { ALPNProtocols: offered, ...(isIP(name) === 0 ? { servername: name } : {}) };
  if (transport === undefined) return base;
  const [certificate] = transport.certificates;
  const ownUri = transport.peerCertURI;
  return {
    ...base,
    // A URI to compare asks for a chain that holds, even where names are not checked.
    rejectUnauthorized: !transport.insecureSkipVerify || ownUri !== undefined,
    ...(transport.rootCAs.length === 0 ? {} : { ca: [...transport.rootCAs] }),
    ...(certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key }),
    checkServerIdentity: (_, peer) => identityProblem(transport, name, peer),
  };
}

function identityProblem(transport: TransportConfig, name: string, peer: PeerCertificate): Error | undefined {
  const { insecureSkipVerify, peerCertURI } = transport;
  if (!insecureSkipVerify) {
    const problem = checkServerIdentity(name, peer);
    if (problem !== undefined) return problem;
  }
  if (peerCertURI === undefined) return undefined;
  const uris = (peer.subjectaltname ?? '').split(', ').filter((each) => each.startsWith('URI:'));
  if (uris.includes(`URI:${peerCertURI}`)) return undefined;
  return Object.assign(new Error(`its certificate is not for ${peerCertURI}`), { code: 'ERR_TLS_CERT_URI' });
}

function unreachable(target: UpstreamTarget, error: Error): AgentError {
  if (error instanceof AgentError) return error;
  const reason =
    error instanceof AggregateError
      ? error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ')
      : error.message;
  const code = target.secure && isUntrusted(error) ? 'upstream-untrusted' : 'upstream-unreachable';
  return new AgentError(code, `${target.origin}: ${reason}.`, { cause: error });
}

/** Codes of OpenSSL for chains that do not hold, as Node names them, and those of the handshake but for alerts of the peer. */
const CHAIN = /CERT|SIGNATURE|SIGNED|ISSUER|CRL|KEYUSAGE|CA$|PURPOSE|PATH_LENGTH/;

function isUntrusted(error: Error): boolean {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code.startsWith('ERR_SSL_')) return !code.includes('ALERT');
  return code.startsWith('ERR_TLS_CERT') || (!code.startsWith('E') && CHAIN.test(code));
}
