import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Texts that only whoever knows the secret can read or make, each for one purpose: AES-256-GCM. */
export class SealedText {
  readonly #key: Buffer;
  readonly #purpose: Buffer;

  /** `context`: what is sealed in another one cannot be opened here. */
  constructor(secret: string, context: string, purpose: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, context, 'adit session', 32));
    this.#purpose = Buffer.from(purpose);
  }

  seal(text: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv).setAAD(this.#purpose);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** Undefined when it was not sealed here, or was changed since. */
  open(sealed: string): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url');
    if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(this.#purpose).setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch (error) {
      // The tag does not fit.
      if (error instanceof Error) return undefined;
      throw error;
    }
  }
}
