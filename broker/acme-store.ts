import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificatePair } from './certificate-pair.ts';
import { BrokerOptionsError } from './errors.ts';

/** Keys are for the owner only. */
const PRIVATE = { mode: 0o600, flush: true } as const;
const ACCOUNT = 'account-key.pem';

/**
 * The account key and the certificates of one authority in files. A certificate and its key are in one file, which is
 * replaced as a whole, so that no crash leaves one without the other. Each authority has its own folder.
 */
export class AcmeStore {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Rejects with `BrokerOptionsError` when the folder cannot be made. */
  static async open(root: string, directory: string): Promise<AcmeStore> {
    const mark = createHash('sha256').update(directory).digest('hex').slice(0, 8);
    const folder = join(root, `${new URL(directory).hostname}-${mark}`);
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(folder, 0o700);
    } catch (error) {
      throw new BrokerOptionsError(`the ACME store ${root} cannot be used: ${String(error)}`);
    }
    return new AcmeStore(folder);
  }

  /** PEM; made when there is none. Whoever has it has the account. */
  async accountKey(make: () => Promise<Buffer>): Promise<string> {
    const known = await this.#read(ACCOUNT);
    if (known !== undefined) return known;
    const made = (await make()).toString();
    await this.#write(ACCOUNT, made);
    return made;
  }

  async certificate(host: string): Promise<CertificatePair | undefined> {
    const text = await this.#read(fileOf(host));
    return text === undefined ? undefined : this.#pair(host, text);
  }

  /** PEM texts; resolves when they are on disk. */
  async keep(host: string, made: { readonly cert: string; readonly key: string }): Promise<CertificatePair> {
    const text = `${made.key.trim()}\n${made.cert.trim()}\n`;
    await this.#write(fileOf(host), text);
    return this.#pair(host, text);
  }

  #pair(host: string, text: string): CertificatePair {
    const path = join(this.#folder, fileOf(host));
    return { cert: text, key: text, from: { cert: path, key: path } };
  }

  async #read(name: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#folder, name), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#folder, name);
    await writeFile(`${path}.new`, text, PRIVATE);
    await rename(`${path}.new`, path);
  }
}

/** No host begins with an underscore, and not every file system has names with an asterisk. */
function fileOf(host: string): string {
  return `${host.replace('*', '_')}.pem`;
}
