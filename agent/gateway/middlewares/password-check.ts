import { createHash, timingSafeEqual } from 'node:crypto';
import bcrypt from 'bcryptjs';
import { md5Crypt } from './md5-crypt.ts';

/** Passwords that were right are remembered this many, by digest, so that each is worked out once. */
const MAX_KNOWN = 1024;
/** Checks that run at the same time; more are refused, for each costs a tenth of a second. */
const MAX_RUNNING = 64;

/** Compares passwords with what htpasswd writes: bcrypt, `{SHA}`, `$apr1$` and `$1$`. */
export class PasswordCheck {
  readonly #known = new Set<string>();
  readonly #running = new Map<string, ((right: boolean) => void)[]>();

  /** Calls back at once where that is possible. */
  check(password: string, digest: string, done: (right: boolean) => void): void {
    const key = createHash('sha256').update(digest).update('\0').update(password).digest('base64');
    if (this.#known.has(key)) {
      done(true);
      return;
    }
    if (!/^\$2[abxy]\$/.test(digest)) {
      this.#settle(key, plainlyRight(password, digest), [done]);
      return;
    }
    const waiting = this.#running.get(key);
    if (waiting !== undefined) {
      waiting.push(done);
      return;
    }
    if (this.#running.size >= MAX_RUNNING) {
      done(false);
      return;
    }
    const asked = [done];
    this.#running.set(key, asked);
    const settle = (right: boolean): void => {
      this.#running.delete(key);
      this.#settle(key, right, asked);
    };
    // The library does not know the letter x, which tells of a fault that only some old digests have.
    bcrypt.compare(password, digest.replace(/^\$2x\$/, '$2a$')).then(settle, () => settle(false));
  }

  #settle(key: string, right: boolean, asked: readonly ((right: boolean) => void)[]): void {
    if (right) {
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.add(key);
    }
    for (const done of asked) done(right);
  }
}

function plainlyRight(password: string, digest: string): boolean {
  if (digest.startsWith('{SHA}')) return same(digest.slice(5), createHash('sha1').update(password).digest('base64'));
  const [start, magic, salt] = digest.split('$', 4);
  if (start === undefined || magic === undefined || salt === undefined || digest.split('$').length < 4) return false;
  return same(digest, md5Crypt(password, salt, `$${magic}$`));
}

function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
