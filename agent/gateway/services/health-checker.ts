import { HeaderList, type HeaderPair } from '../../../shared/http1/header-list.ts';
import type { HealthCheckConfig, TransportConfig } from '../../../shared/gateway/service.ts';
import { AgentError, toAgentError } from '../../errors.ts';
import { collectAnswer, type CollectedAnswer } from '../middlewares/collect-answer.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import { upstreamTarget } from '../upstream-target.ts';
import type { Server } from './server.ts';

const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 10;
const GRPC_CHECK = '/grpc.health.v1.Health/Check';
/** A frame of gRPC around an empty HealthCheckRequest, which asks for the server as a whole. */
const GRPC_REQUEST = Buffer.alloc(5);
/** A frame around a HealthCheckResponse of status SERVING: field 1, value 1. */
const GRPC_SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

/** Asks each server of a balancer time and again whether it is well, and takes it out as long as it is not. */
export class HealthChecker {
  readonly #config: HealthCheckConfig;
  readonly #transport: TransportConfig | undefined;
  readonly #pool: UpstreamPool;
  readonly #timers = new Map<Server, NodeJS.Timeout>();
  readonly #asking = new Set<() => void>();
  #closed = false;

  constructor(config: HealthCheckConfig, transport: TransportConfig | undefined, pool: UpstreamPool) {
    this.#config = config;
    this.#transport = transport;
    this.#pool = pool;
  }

  /** Servers count as well until they were asked, the first time after one interval. */
  start(servers: readonly Server[]): void {
    for (const server of servers) this.#later(server);
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    for (const cancel of this.#asking) cancel();
    this.#timers.clear();
    this.#asking.clear();
  }

  #later(server: Server): void {
    if (this.#closed) return;
    const { intervalMs, unhealthyIntervalMs } = this.#config;
    const check = (): void => this.#check(server);
    this.#timers.set(server, setTimeout(check, server.up ? intervalMs : unhealthyIntervalMs).unref());
  }

  #check(server: Server): void {
    const told = (up: boolean): void => {
      if (this.#closed) return;
      server.up = up;
      this.#later(server);
    };
    try {
      if (this.#config.mode === 'grpc') this.#askGrpc(server, told);
      else this.#askHttp(this.#checkUrl(server), MAX_REDIRECTS, told);
    } catch {
      // A path that is no path, an address that is not dialled: the check cannot be passed.
      told(false);
    }
  }

  #askHttp(url: URL, redirects: number, told: (up: boolean) => void): void {
    const { method, headers, hostname, status, followRedirects } = this.#config;
    const fields: HeaderPair[] = [
      ['Host', hostname ?? url.host],
      ['User-Agent', 'Go-http-client/1.1'],
      ...Object.entries(headers),
    ];
    const uri = `${url.pathname}${url.search}`;
    this.#ask(targetUrl(url, ''), { method, uri, headers: new HeaderList(fields) }, (answer) => {
      if (answer instanceof AgentError) {
        told(false);
        return;
      }
      const next = followRedirects ? redirectOf(url, answer) : undefined;
      if (next !== undefined && redirects > 0) this.#askHttp(next, redirects - 1, told);
      else told(status === undefined ? answer.status >= 200 && answer.status < 400 : answer.status === status);
    });
  }

  #askGrpc(server: Server, told: (up: boolean) => void): void {
    const url = this.#checkUrl(server);
    const { scheme = 'http' } = this.#config;
    // Traefik has no credentials for anything else.
    if (scheme !== 'http' && scheme !== 'h2c') {
      told(false);
      return;
    }
    const headers = new HeaderList([
      ['Host', url.host],
      ['Content-Type', 'application/grpc'],
      ['TE', 'trailers'],
      ['Content-Length', String(GRPC_REQUEST.length)],
    ]);
    const request = { method: 'POST', uri: GRPC_CHECK, headers, body: GRPC_REQUEST };
    this.#ask(targetUrl(url, 'h2c:'), request, (answer) =>
      told(!(answer instanceof AgentError) && answer.body.equals(GRPC_SERVING)),
    );
  }

  #ask(
    url: string,
    request: { method: string; uri: string; headers: HeaderList; body?: Buffer },
    done: (answer: CollectedAnswer | AgentError) => void,
  ): void {
    let cancel: (() => void) | undefined;
    const finish = (answer: CollectedAnswer | AgentError): void => {
      if (cancel !== undefined) this.#asking.delete(cancel);
      done(answer);
    };
    const { timeoutMs } = this.#config;
    try {
      const target = upstreamTarget(url, { transport: this.#transport });
      cancel = collectAnswer(this.#pool, { ...request, target, timeoutMs, maxAnswerBytes: MAX_ANSWER_BYTES }, finish);
      this.#asking.add(cancel);
    } catch (error) {
      finish(toAgentError(error, 'upstream-refused'));
    }
  }

  #checkUrl(server: Server): URL {
    const { path, scheme, port } = this.#config;
    const own = new URL(server.url.replace(/^h2c:/, 'http:'));
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(path)) throw new TypeError(`${path} is not relative to the server`);
    const url = new URL(path, own);
    // The name of the scheme is taken as it is: `h2c` has none of its own among URLs.
    if (port !== undefined) url.port = String(port);
    const spoken = scheme ?? (server.url.startsWith('h2c:') ? 'h2c' : undefined);
    if (spoken === 'h2c') url.hash = 'h2c';
    else if (spoken === 'https' || spoken === 'http') url.protocol = `${spoken}:`;
    return url;
  }
}

function targetUrl(url: URL, scheme: string): string {
  const spoken = scheme !== '' ? scheme : url.hash === '#h2c' ? 'h2c:' : url.protocol;
  return `${spoken}//${url.host}`;
}

/** Where an answer leads, if that is the same server: no other is dialled than was said. */
function redirectOf(from: URL, { status, headers }: CollectedAnswer): URL | undefined {
  const location = headers.get('location');
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined || !URL.canParse(location, from.href))
    return undefined;
  const to = new URL(location, from);
  to.hash = from.hash;
  return to.host === from.host && to.protocol === from.protocol ? to : undefined;
}
