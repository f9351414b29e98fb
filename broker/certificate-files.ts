import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { BrokerOptionsError } from './errors.ts';
import type { CertificatePair } from './tls-front.ts';

export interface CertificateFile {
  readonly cert: string;
  readonly key: string;
}

/** Polled, since a Secret that Kubernetes mounts changes by a swap of links that no watch of the file tells of. */
const CHECK_EVERY_MS = 1_000;

export interface CertificateFilesOptions {
  readonly files: readonly CertificateFile[];
  readonly log: Logger;
  /** Takes the pairs or throws, in which case those before stay. */
  use(pairs: readonly CertificatePair[]): void;
}

/** Certificates in files, read again when one of them changes. */
export class CertificateFiles {
  readonly #options: CertificateFilesOptions;
  #timer: NodeJS.Timeout | undefined;
  #seen = '';
  /** A state of the files that could not be used: it is said once. */
  #refused = '';
  #stopped = false;

  constructor(options: CertificateFilesOptions) {
    this.#options = options;
  }

  /** Rejects with `BrokerOptionsError` when the files cannot be used now. */
  async start(): Promise<void> {
    await this.#load();
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #load(): Promise<void> {
    const { files, use } = this.#options;
    // Before the reading: a change in between is noticed at the next look.
    const seen = await this.#look();
    const pairs = await Promise.all(
      files.map(async ({ cert, key }) => ({ cert: await read(cert), key: await read(key), from: `${cert}, ${key}` })),
    );
    use(pairs);
    this.#seen = seen;
  }

  async #look(): Promise<string> {
    const paths = this.#options.files.flatMap(({ cert, key }) => [cert, key]);
    const marks = await Promise.all(
      paths.map(async (path) => {
        try {
          const { ino, size, mtimeMs } = await stat(path);
          return `${ino}:${size}:${mtimeMs}`;
        } catch (error) {
          throw new BrokerOptionsError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }),
    );
    return marks.join(' ');
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#check().finally(() => this.#later()), CHECK_EVERY_MS);
    this.#timer.unref();
  }

  async #check(): Promise<void> {
    const { log } = this.#options;
    try {
      const found = await this.#look();
      if (found === this.#seen || found === this.#refused) return;
      this.#refused = found;
      await this.#load();
      log.info('certificates read again');
    } catch (error) {
      // Between the writing of one file and of the other this is usual; the next change is tried again.
      log.warn({ err: error }, 'new certificates cannot be used, the ones before stay');
    }
  }
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new BrokerOptionsError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
