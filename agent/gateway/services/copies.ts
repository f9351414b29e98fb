import { HeaderList, type HeaderPair } from '../../../shared/http1/header-list.ts';
import { AgentError } from '../../errors.ts';
import type { ExchangeWatch } from '../../recorder/exchange-watch.ts';
import type { Dial } from '../dial-upstream.ts';
import type { OutgoingRequest } from '../middlewares/outgoing-request.ts';
import type { ResponseSink, UpstreamConnection } from '../upstream-connection.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import { putTrace, writeHead } from '../upstream-request.ts';
import type { Choice, Mirror } from './choice.ts';

interface CopyLimits {
  /** Copies under way at once, and what their bodies hold together: those above are not sent. */
  readonly most: number;
  readonly bodyBytes: number;
  readonly timeoutMs: number;
}

const DEFAULTS: CopyLimits = { most: 64, bodyBytes: 32 * 1024 * 1024, timeoutMs: 60_000 };
/** Mirrors of mirrors of mirrors. */
const MAX_DEPTH = 8;
/** A kept connection that rested no longer is taken to be alive: a copy is not sent twice. */
const FRESH_MS = 1000;

/** Sends copies of requests to mirrors, and drops their answers. Nothing of it reaches a visitor. */
export class Copies {
  readonly #pool: UpstreamPool;
  readonly #limits: CopyLimits;
  readonly #running = new Set<() => void>();
  #bytes = 0;

  constructor(pool: UpstreamPool, limits: Partial<CopyLimits> = {}) {
    this.#pool = pool;
    this.#limits = { ...DEFAULTS, ...limits };
  }

  /** `body`: whole; undefined when it was too large to be kept. */
  send(
    request: OutgoingRequest,
    body: Buffer | undefined,
    mirrors: readonly Mirror[],
    watch?: ExchangeWatch,
    depth = 0,
  ): void {
    for (const { service, mirrorBody, maxBodyBytes } of mirrors) {
      const copied = mirrorBody ? body : Buffer.alloc(0);
      if (copied === undefined || copied.length > maxBodyBytes) continue;
      if (this.#running.size >= this.#limits.most || this.#bytes + copied.length > this.#limits.bodyBytes) return;
      const choice = service.choose(request);
      if (choice.kind === 'refused') continue;
      this.#one(request, choice, copied, watch);
      if (choice.mirrors.length > 0 && depth < MAX_DEPTH) this.send(request, copied, choice.mirrors, watch, depth + 1);
    }
  }

  close(): void {
    for (const cancel of this.#running) cancel();
  }

  #one(request: OutgoingRequest, choice: Choice, body: Buffer, watch: ExchangeWatch | undefined): void {
    const fields = request.headers.clone();
    fields.removeWhere((name) => name === 'content-length' || name === 'transfer-encoding' || name === 'expect');
    const hasBody = body.length > 0 || !['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(request.method);
    const length: HeaderPair[] = hasBody ? [['Content-Length', String(body.length)]] : [];
    const headers = new HeaderList([...fields.pairs, ...length]);
    const { origin, basePath } = choice.target;
    const url = `${origin}${basePath}${request.uri}`;
    const asked = watch?.ask('ReverseProxy', { method: request.method, url, headers, service: choice.service });
    if (asked !== undefined) putTrace(headers, asked.fields);
    const head = writeHead(request, choice, headers);
    this.#bytes += body.length;

    let connection: UpstreamConnection | undefined;
    let dial: Dial | undefined;
    let over = false;
    const end = (): void => {
      if (over) return;
      over = true;
      asked?.ended('no answer came');
      clearTimeout(timer);
      this.#running.delete(end);
      this.#bytes -= body.length;
      dial?.cancel();
      connection?.destroy();
    };
    const sink: ResponseSink = {
      onHead: ({ status, headers }) => {
        if (status >= 200) asked?.answered(status, headers);
        // What follows is no answer, and has no end.
        else if (status === 101) end();
      },
      onBody: (bytes) => asked?.answerBytes(bytes),
      onEnd: (reusable) => {
        const used = connection;
        if (reusable && used !== undefined) {
          connection = undefined;
          this.#pool.giveBack(used);
        }
        end();
      },
      onDrain: () => {},
      onRaw: () => {},
      onRawEnd: () => {},
      onFailed: () => {
        connection = undefined;
        end();
      },
    };
    const use = (ready: UpstreamConnection): void => {
      connection = ready;
      ready.begin(request.method, head, sink);
      if (body.length > 0) ready.write(body);
    };
    const timer = setTimeout(end, this.#limits.timeoutMs).unref();
    this.#running.add(end);
    const kept = this.#pool.take(choice.target, FRESH_MS);
    if (kept !== undefined) {
      use(kept);
      return;
    }
    dial = this.#pool.dial(choice.target, (result) => {
      dial = undefined;
      if (over) {
        if (!(result instanceof AgentError)) result.destroy();
      } else if (result instanceof AgentError) end();
      else use(result);
    });
  }
}
