import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, TLSSocket } from 'node:tls';
import type { SecureContext, Server } from 'node:tls';
import { canonicalHost } from '../shared/http1/canonical-host.ts';
import { leafOf } from './certificate-pair.ts';
import type { CertificatePair } from './certificate-pair.ts';
import { BrokerOptionsError } from './errors.ts';

export interface SecuredConnection {
  readonly socket: TLSSocket;
  readonly protocol: 'h2' | 'http/1.1';
  /** Canonical name of the handshake (SNI); undefined when the visitor gave none. */
  readonly serverName: string | undefined;
  /** Version and cipher in the words of Go, such as `1.3 TLS_AES_128_GCM_SHA256`. */
  readonly tls: string;
}

export interface HandshakeEnd {
  onSecure(secured: SecuredConnection): void;
  /** A request without TLS came in place of a handshake; the connection is still open for an answer. */
  onPlainHttp(): void;
}

interface Certificate {
  readonly leaf: X509Certificate;
  readonly context: SecureContext;
}

/** RFC 8737: a certificate authority asks for the challenge certificate of a name. */
const ACME_PROTOCOL = 'acme-tls/1';
/** OpenSSL's reason, as Node names it. */
const PLAIN_HTTP = 'ERR_SSL_HTTP_REQUEST';
const MAX_CACHED_NAMES = 4096;
const PROTOCOLS = ['h2', 'http/1.1'] as const;

/** Ends TLS on connections that somebody else accepted: certificate by name, protocol by ALPN. */
export class TlsFront {
  readonly #server: Server;
  /** Waiting for the end of their handshake, by remote address and port. */
  readonly #waiting = new Map<string, HandshakeEnd>();
  readonly #challenges = new Map<string, readonly SecureContext[]>();
  readonly #byName = new Map<string, SecureContext | undefined>();
  #certificates: readonly Certificate[] = [];
  /** Makes certificates for names that no other is for; undefined for names that it has none for either. */
  issuer: ((name: string) => Promise<SecureContext> | undefined) | undefined;

  constructor(options: { readonly handshakeTimeoutMs: number; onFailed(error: Error): void }) {
    const byName = (name: string): Promise<SecureContext> | SecureContext | undefined => this.#contextFor(name);
    const challenged = new WeakSet<TLSSocket>();
    const challenge = (name: string): readonly SecureContext[] | undefined => this.#challenges.get(name.toLowerCase());
    this.#server = createServer({
      minVersion: 'TLSv1.2',
      handshakeTimeout: options.handshakeTimeoutMs,
      // Over TLS 1.3 this comes after ALPN and would take the certificate of a challenge away again. That `this` is the
      // connection is so in Node 24, and e2e/acme notices when it no longer is.
      SNICallback(this: unknown, name, done) {
        const found = this instanceof TLSSocket && challenged.has(this) ? undefined : byName(name);
        if (found instanceof Promise)
          found.then(
            (context) => done(null, context),
            (error: Error) => done(error),
          );
        else done(null, found);
      },
      // A function, for `this` is the connection: tls.TLSSocket.setKeyCert is made for this place.
      ALPNCallback(this: TLSSocket, { servername, protocols }): string | undefined {
        const contexts = protocols.includes(ACME_PROTOCOL) ? challenge(servername) : undefined;
        if (contexts !== undefined) {
          challenged.add(this);
          for (const context of contexts) this.setKeyCert(context);
          return ACME_PROTOCOL;
        }
        return PROTOCOLS.find((protocol) => protocols.includes(protocol));
      },
    });
    this.#server.on('secureConnection', (socket) => this.#onSecure(socket));
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      options.onFailed(error);
      const waiting = error.code === PLAIN_HTTP ? this.#waiting.get(endpoint(socket) ?? '') : undefined;
      if (waiting === undefined) socket.destroy();
      else waiting.onPlainHttp();
    });
  }

  /**
   * Takes effect for handshakes from now on. The first is for visitors that name nothing or something else; while there
   * are none, no handshake succeeds but that of a challenge. Throws `BrokerOptionsError`, and those before stay.
   */
  use(pairs: readonly CertificatePair[]): void {
    const certificates = pairs.map(certificateOf);
    const [first] = pairs;
    if (first !== undefined) this.#server.setSecureContext({ cert: first.cert, key: first.key, minVersion: 'TLSv1.2' });
    this.#certificates = certificates;
    this.#byName.clear();
  }

  /**
   * The certificates that prove to an authority that `name` leads here (RFC 8737); undefined takes them back. One of each
   * kind of key that is in use: OpenSSL replaces the certificate of the same kind only, and may choose the other.
   */
  challenge(name: string, pairs: readonly { readonly cert: string; readonly key: string }[] | undefined): void {
    if (pairs === undefined) this.#challenges.delete(name.toLowerCase());
    else {
      const contexts = pairs.map(({ cert, key }) => createSecureContext({ cert, key }));
      this.#challenges.set(name.toLowerCase(), contexts);
    }
  }

  /** One of both is called, at most once; a connection whose handshake fails otherwise is closed. */
  handshake(socket: Socket, end: HandshakeEnd): void {
    const key = endpoint(socket);
    if (key === undefined) {
      socket.destroy();
      return;
    }
    this.#waiting.set(key, end);
    socket.once('close', () => {
      if (this.#waiting.get(key) === end) this.#waiting.delete(key);
    });
    this.#server.emit('connection', socket);
  }

  #onSecure(socket: TLSSocket): void {
    const key = endpoint(socket) ?? '';
    const end = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (end === undefined) {
      socket.destroy();
      return;
    }
    if (socket.alpnProtocol === ACME_PROTOCOL) {
      socket.on('error', () => socket.destroy());
      // Not left to the other side: nobody looks after it any more.
      socket.destroySoon();
      return;
    }
    const name = typeof socket.servername === 'string' ? canonicalHost(socket.servername) : undefined;
    end.onSecure({
      socket,
      protocol: socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1',
      serverName: name?.ok === true ? name.value.host : undefined,
      tls: `${socket.getProtocol()?.replace('TLSv', '') ?? 'unknown'} ${socket.getCipher().standardName}`,
    });
  }

  #contextFor(name: string): Promise<SecureContext> | SecureContext | undefined {
    return this.#ownOf(name) ?? this.issuer?.(name) ?? this.#certificates[0]?.context;
  }

  #ownOf(name: string): SecureContext | undefined {
    if (this.#byName.has(name)) return this.#byName.get(name);
    const found = this.#certificates.find(({ leaf }) => leaf.checkHost(name) !== undefined);
    if (this.#byName.size >= MAX_CACHED_NAMES) this.#byName.clear();
    this.#byName.set(name, found?.context);
    return found?.context;
  }
}

function certificateOf(pair: CertificatePair): Certificate {
  const leaf = leafOf(pair);
  try {
    return { leaf, context: createSecureContext({ cert: pair.cert, key: pair.key, minVersion: 'TLSv1.2' }) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BrokerOptionsError(`${pair.from.cert}: cannot be used with ${pair.from.key}: ${reason}`);
  }
}

/** Undefined once the other side has reset the connection, also before that was read: all of those would look the same. */
function endpoint({ remoteAddress, remotePort }: Socket): string | undefined {
  return remotePort === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}
