import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { toAgentError } from '../../errors.ts';
import { problemAnswer, type OwnAnswer } from '../own-answer.ts';
import { bcryptPool } from './bcrypt-pool.ts';
import { md5Crypt } from './md5-crypt.ts';

/** Passwords that were right are remembered this many, so that each is worked out once. */
const MAX_KNOWN = 1024;
/** Of this process alone: what is remembered tells nobody a password that it could be guessed from faster. */
const KEY = randomBytes(32);

/** Whether a password is right; an answer instead when that could not be found out. */
export type PasswordVerdict = boolean | OwnAnswer;

/** Compares passwords with what htpasswd writes: bcrypt, `{SHA}`, `$apr1$` and `$1$`. */
export class PasswordCheck {
  /** The one that was used longest ago is first. */
  readonly #known = new Set<string>();
  readonly #running = new Map<string, ((verdict: PasswordVerdict) => void)[]>();

  /** Calls back at once where that is possible. */
  check(password: string, digest: string, done: (verdict: PasswordVerdict) => void): void {
    const key = createHmac('sha256', KEY).update(digest).update('\0').update(password).digest('base64');
    if (this.#known.delete(key)) {
      this.#known.add(key);
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
    const asked = [done];
    this.#running.set(key, asked);
    const settle = (verdict: PasswordVerdict): void => {
      this.#running.delete(key);
      this.#settle(key, verdict, asked);
    };
    void bcryptPool.compare({ password, digest }).then(settle, (error: unknown) => {
      const { code, message } = toAgentError(error, 'auth-unavailable');
      settle(problemAnswer(code, message));
    });
  }

  #settle(key: string, verdict: PasswordVerdict, asked: readonly ((verdict: PasswordVerdict) => void)[]): void {
    if (verdict === true) {
      const [oldest] = this.#known;
      if (this.#known.size >= MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
      this.#known.add(key);
    }
    for (const done of asked) done(verdict);
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
