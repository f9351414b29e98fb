import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { isExpired, leafOf } from './certificate-pair.ts';
import type { CertificatePair } from './certificate-pair.ts';
import { BrokerOptionsError } from './errors.ts';

export interface CertificateFile {
  readonly cert: string;
  readonly key: string;
}

/** Polled, since a Secret that Kubernetes mounts changes by a swap of links that no watch of the file tells of. */
const CHECK_EVERY_MS = 1_000;

export interface CertificateFilesOptions {
  readonly files: readonly CertificateFile[];
  readonly log: Logger;
  use(pairs: readonly CertificatePair[]): void;
}

/** One pair of files. */
interface Watched {
  readonly file: CertificateFile;
  /** The state of the files at the last reading, good or bad. */
  seen: string;
  /** The last good reading: it serves until there is another. */
  pair: CertificatePair;
}

/** Certificates in files, read again when one of them changes. A pair that cannot be used leaves the one before. */
export class CertificateFiles {
  readonly #options: CertificateFilesOptions;
  #watched: Watched[] = [];
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: CertificateFilesOptions) {
    this.#options = options;
  }

  /** Rejects with `BrokerOptionsError` when one of the files cannot be used now. */
  async start(): Promise<void> {
    const { files, log } = this.#options;
    this.#watched = await Promise.all(
      files.map(async (file) => {
        const seen = await stateOf(file);
        const pair = await load(file);
        // A broker that starts has nothing better to show.
        if (isExpired(leafOf(pair), Date.now())) log.warn({ certificate: file.cert }, 'the certificate has expired');
        return { file, seen, pair };
      }),
    );
    this.#use();
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#check().finally(() => this.#later()), CHECK_EVERY_MS);
    this.#timer.unref();
  }

  async #check(): Promise<void> {
    for (const watched of this.#watched) {
      // Before the reading: a change in between is noticed at the next look.
      const state = await stateOf(watched.file);
      if (state === watched.seen) continue;
      watched.seen = state;
      await this.#reload(watched);
    }
  }

  async #reload(watched: Watched): Promise<void> {
    const { log } = this.#options;
    const { file, pair: before } = watched;
    try {
      const pair = await load(file);
      const leaf = leafOf(pair);
      if (isExpired(leaf, Date.now())) throw new BrokerOptionsError(`${file.cert}: expired on ${leaf.validTo}`);
      if (this.#stopped) return;
      watched.pair = pair;
      this.#use();
      log.info({ certificate: file.cert, until: leaf.validTo }, 'certificate read again');
    } catch (error) {
      watched.pair = before;
      // Between the writing of one file and of the other this is usual; the next change is tried again.
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ certificate: file.cert, reason }, 'a new certificate cannot be used, the one before stays');
    }
  }

  #use(): void {
    this.#options.use(this.#watched.map(({ pair }) => pair));
  }
}

/** Changes when one of the files does, appears or goes. */
async function stateOf({ cert, key }: CertificateFile): Promise<string> {
  const marks = await Promise.all(
    [cert, key].map((path) =>
      stat(path).then(
        ({ ino, size, mtimeMs }) => `${ino}:${size}:${mtimeMs}`,
        () => 'missing',
      ),
    ),
  );
  return marks.join(' ');
}

async function load(file: CertificateFile): Promise<CertificatePair> {
  const [cert, key] = await Promise.all([read(file.cert), read(file.key)]);
  const pair = { cert, key, from: file };
  leafOf(pair);
  return pair;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new BrokerOptionsError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
