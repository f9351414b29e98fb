import { connect, isIP, type Socket } from 'node:net';
import { getCACertificates } from 'node:tls';
import type { Client } from 'ldapts';
import type { LdapConfig } from '../../../shared/gateway/auth.ts';
import { AgentError } from '../../errors.ts';
import { guardedLookup, isRefusedAddress } from '../address-guard.ts';
import { dnValue, filterValue } from './ldap-text.ts';

const MAX_CONNECTIONS = 4;
/** Checks that wait for a connection; more are told that the directory is not there. */
const MAX_WAITING = 64;
const OPERATION_MS = 5_000;
/** Kept connections without work are closed after this long. */
const IDLE_MS = 10_000;
const MAX_LENGTH = 512;
/** RFC 4511 appendix A: the directory itself is in trouble, which says nothing about who asks. */
const UNAVAILABLE: ReadonlySet<number> = new Set([1, 2, 3, 8, 11, 13, 51, 52]);

interface Kept {
  readonly client: Client;
  idle?: NodeJS.Timeout;
}

/** Checks names and passwords with a directory, on a few kept connections. */
export class Directory {
  readonly #config: LdapConfig;
  readonly #rest: Kept[] = [];
  #open = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(config: LdapConfig) {
    this.#config = config;
  }

  /** Undefined when the password is right, else why not. Throws AgentError `auth-unavailable`. */
  async check(user: string, password: string, signal: AbortSignal): Promise<string | undefined> {
    // RFC 4513 §5.1.2: a bind without password succeeds, and proves nothing.
    if (user === '' || password === '') return 'the name or the password is empty';
    if (user.length > MAX_LENGTH || password.length > MAX_LENGTH) return 'the name or the password is too long';
    await this.#turn(signal);
    let kept: Kept | undefined;
    try {
      kept = this.#rest.pop();
      clearTimeout(kept?.idle);
      if (kept !== undefined && !kept.client.isConnected) kept = undefined;
      kept ??= await this.#connect();
      const { client } = kept;
      const found = await this.#nameOf(client, user);
      if (found === undefined) {
        this.#giveBack(kept);
        return 'the directory has no such user, or more than one';
      }
      const refusal = await this.#bind(client, found, password);
      this.#giveBack(kept);
      return refusal;
    } catch (error) {
      if (kept !== undefined) close(kept.client);
      const { url, source } = this.#config;
      const why = error instanceof Error ? error.message : String(error);
      throw new AgentError('auth-unavailable', `${url} of APIAuth ${source.namespace}/${source.name}: ${why}`, {
        cause: error,
      });
    } finally {
      this.#open -= 1;
      this.#waiting.shift()?.();
    }
  }

  /** What to bind as. */
  async #nameOf(client: Client, user: string): Promise<string | undefined> {
    const { attribute, baseDn, bindDn, bindPassword, searchFilter } = this.#config;
    if (searchFilter === undefined) return `${attribute}=${dnValue(user)}${baseDn === '' ? '' : `,${baseDn}`}`;
    // The connection may be bound as whoever was checked before.
    await client.bind(bindDn ?? '', bindPassword ?? '');
    const { searchEntries } = await client.search(baseDn, {
      scope: 'sub',
      filter: searchFilter.trim().replaceAll('%s', () => filterValue(user)),
      attributes: ['1.1'],
      sizeLimit: 2,
      timeLimit: Math.ceil(OPERATION_MS / 1000),
    }).catch((error: unknown) => {
      // More than the two that were asked for.
      if ([4, 32].includes(resultCode(error) ?? 0)) return { searchEntries: [] };
      throw error;
    });
    const [only] = searchEntries;
    return searchEntries.length === 1 ? only?.dn : undefined;
  } // prettier-ignore

  async #bind(client: Client, name: string, password: string): Promise<string | undefined> {
    try {
      await client.bind(name, password);
      return undefined;
    } catch (error) {
      const code = resultCode(error);
      if (code !== undefined && !UNAVAILABLE.has(code)) return `the directory answered with code ${code}`;
      throw error;
    }
  }

  async #connect(): Promise<Kept> {
    const { url, startTls, ca, insecureSkipVerify } = this.#config;
    const { hostname } = new URL(url.replace(/^ldaps?:/, 'http:'));
    const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
    if (isIP(bare) !== 0 && isRefusedAddress(bare))
      throw new Error('it is never asked: the address leads to metadata services');
    const tls = {
      rejectUnauthorized: !insecureSkipVerify,
      ...(ca === undefined ? {} : { ca: [...getCACertificates('default'), ca] }),
      lookup: guardedLookup,
      host: hostname,
    };
    const ldap = await import('ldapts');
    let connections = 0;
    const client = new ldap.Client({
      url,
      timeout: OPERATION_MS,
      connectTimeout: OPERATION_MS,
      strictDN: false,
      ...(url.startsWith('ldaps:') ? { tlsOptions: tls } : {}),
      // By itself the client would connect again without StartTLS, and send the password in clear.
      createConnection: ((port: number, host: string): Socket => {
        connections += 1;
        if (connections > 1) throw new Error('the directory closed the connection');
        return connect({ port, host, lookup: guardedLookup });
      }) as typeof connect,
    });
    try {
      if (startTls) await client.startTLS(tls);
    } catch (error) {
      close(client);
      throw error;
    }
    return { client };
  }

  #giveBack(kept: Kept): void {
    kept.idle = setTimeout(() => {
      const at = this.#rest.indexOf(kept);
      if (at >= 0) this.#rest.splice(at, 1);
      close(kept.client);
    }, IDLE_MS).unref();
    this.#rest.push(kept);
  }

  async #turn(signal: AbortSignal): Promise<void> {
    if (this.#open >= MAX_CONNECTIONS) {
      if (this.#waiting.length >= MAX_WAITING)
        throw new AgentError('auth-unavailable', `${MAX_WAITING} others wait for ${this.#config.url}.`);
      await new Promise<void>((resolve, reject) => {
        const go = (): void => {
          signal.removeEventListener('abort', gone);
          resolve();
        };
        const gone = (): void => {
          const at = this.#waiting.indexOf(go);
          if (at >= 0) this.#waiting.splice(at, 1);
          reject(new AgentError('auth-unavailable', 'The visitor went away.'));
        };
        signal.addEventListener('abort', gone, { once: true });
        this.#waiting.push(go);
      });
    }
    this.#open += 1;
  }
}

/** Of an answer of the directory; undefined when there was none. */
function resultCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

function close(client: Client): void {
  // It is given up: how its last message fares changes nothing.
  client.unbind().catch(() => undefined);
}
