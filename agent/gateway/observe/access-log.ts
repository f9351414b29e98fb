import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ExchangeRecord } from '../../recorder/exchange-record.ts';
import type { WatchedExchange } from './watched-exchange.ts';

/** Then the file becomes `….1`, in the place of the one before. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
/** What a slow disk may have waiting; more is left out, and counted. */
const MAX_WAITING_BYTES = 1024 * 1024;

/** One JSON object a line for each exchange, with Traefik's names of fields; queries are masked as in the recorder. */
export class AccessLog {
  readonly #path: string;
  readonly #onTrouble: (message: string) => void;
  #stream: WriteStream | undefined;
  #bytes = 0;
  #count = 0;
  #leftOut = 0;
  #turning: Promise<void> | undefined;
  #closed = false;

  constructor(path: string, onTrouble: (message: string) => void) {
    this.#path = path;
    this.#onTrouble = onTrouble;
    this.#turning = this.#open();
  }

  write(record: ExchangeRecord, watched: WatchedExchange): void {
    this.#count += 1;
    const stream = this.#stream;
    if (stream === undefined || stream.writableLength > MAX_WAITING_BYTES) {
      if (this.#leftOut === 0) this.#onTrouble(`${this.#path} is slower than the requests; lines are left out.`);
      this.#leftOut += 1;
      return;
    }
    const line = `${JSON.stringify(fieldsOf(record, watched, this.#count))}\n`;
    this.#bytes += line.length;
    stream.write(line);
    if (this.#bytes > MAX_FILE_BYTES) this.#turning ??= this.#turn();
  }

  /** Resolves once what was written is in the file. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turning;
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream !== undefined) await new Promise<void>((resolve) => stream.end(() => resolve()));
  }

  /** Resolves once lines are taken. */
  get ready(): Promise<void> {
    return this.#turning ?? Promise.resolve();
  }

  async #open(): Promise<void> {
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
      this.#bytes = await stat(this.#path).then(
        ({ size }) => size,
        () => 0,
      );
      const stream = createWriteStream(this.#path, { flags: 'a', mode: 0o600 });
      stream.on('error', (error) => {
        this.#stream = undefined;
        this.#onTrouble(`${this.#path}: ${error.message}`);
      });
      this.#stream = stream;
    } catch (error) {
      this.#onTrouble(`${this.#path}: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      this.#turning = undefined;
    }
  }

  async #turn(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    await new Promise<void>((resolve) => (stream === undefined ? resolve() : stream.end(() => resolve())));
    await rename(this.#path, `${this.#path}.1`).catch((error: unknown) => this.#onTrouble(String(error)));
    if (!this.#closed) await this.#open();
  }
}

function fieldsOf(record: ExchangeRecord, { server }: WatchedExchange, count: number): Record<string, unknown> {
  const {
    startedAt,
    tookMs = 0,
    method,
    host,
    target,
    status = 0,
    route,
    requestBytes,
    responseBytes,
    verdict,
    application,
  } = record.summary();
  const header = new Map([...record.start.headers].map(([name, value]) => [name.toLowerCase(), value]));
  const client = header.get('x-forwarded-for')?.split(',').at(-1)?.trim() ?? '';
  const colon = host.lastIndexOf(':');
  const serverUrl = server?.url;
  return {
    level: 'info',
    msg: '',
    time: new Date().toISOString(),
    StartUTC: startedAt,
    StartLocal: startedAt,
    Duration: Math.round(tookMs * 1e6),
    RouterName: route,
    ServiceURL: serverUrl,
    ServiceAddr: serverUrl === undefined ? undefined : URL.parse(serverUrl)?.host,
    ClientAddr: client,
    ClientHost: client,
    ClientUsername: application ?? '-',
    RequestAddr: header.get('host') ?? host,
    RequestHost: colon < 0 ? host : host.slice(0, colon),
    RequestPort: colon < 0 ? '-' : host.slice(colon + 1),
    RequestMethod: method,
    RequestPath: target,
    RequestProtocol: 'HTTP/1.1',
    RequestScheme: header.get('x-forwarded-proto') ?? 'http',
    RequestContentSize: requestBytes,
    OriginStatus: verdict === undefined ? status : 0,
    DownstreamStatus: status,
    DownstreamContentSize: responseBytes,
    RequestCount: count,
  };
}
