import { parentPort } from 'node:worker_threads';
import bcrypt from 'bcryptjs';

/** What a thread of `BcryptPool` is asked; it answers with a boolean, one question after the other. */
export interface BcryptQuestion {
  readonly password: string;
  readonly digest: string;
}

parentPort?.on('message', ({ password, digest }: BcryptQuestion) => {
  parentPort?.postMessage(compare(password, digest));
});

function compare(password: string, digest: string): boolean {
  try {
    // The library does not know the letter x, which tells of a fault that only some old digests have.
    return bcrypt.compareSync(password, digest.replace(/^\$2x\$/, '$2a$'));
  } catch {
    // It throws for a digest that no password makes.
    return false;
  }
}
