import { createHash, timingSafeEqual } from 'node:crypto';
import { canonicalHost } from '../shared/http1/canonical-host.ts';
import type { RequestHead } from '../shared/http1/message-head.ts';
import { INTERNAL_HEADERS } from '../shared/tunnel/protocol.ts';
import type { Admission, Entrance, LocalResponse } from './entrance.ts';
import {
  makeRelayed,
  RELAY_HOP_HEADER,
  RELAY_OTHERS_HEADER,
  RELAY_SECRET_HEADER,
  wantedUpgrade,
} from './request-headers.ts';
import { nextRequestId } from './request-id.ts';

export interface PeerEntranceOptions {
  readonly secret: string | undefined;
  /** Path → answer, without a secret: health and metrics. */
  readonly open: ReadonlyMap<string, (out: LocalResponse) => void>;
  /** Path → answer, with `Authorization: Bearer SECRET`. */
  readonly guarded: ReadonlyMap<string, (out: LocalResponse) => void>;
}

/** Other brokers, with the common secret: requests they relay, once at most, and what they ask of this broker. */
export class PeerEntrance implements Entrance {
  readonly toPeer = true;
  readonly #options: PeerEntranceOptions;

  constructor(options: PeerEntranceOptions) {
    this.#options = options;
  }

  admit(head: RequestHead): Admission {
    const hop = head.headers.get(RELAY_HOP_HEADER);
    return hop === undefined ? this.#local(head) : this.#relayed(head, hop);
  }

  #relayed(head: RequestHead, hop: string): Admission {
    const requestId = head.headers.get(INTERNAL_HEADERS.requestId) ?? nextRequestId();
    if (!sameSecret(head.headers.get(RELAY_SECRET_HEADER), this.#options.secret))
      return { kind: 'refuse', code: 'broker.forbidden', requestId };
    if (hop !== '1') return { kind: 'refuse', code: 'broker.loop', requestId };
    const host = canonicalHost(head.headers.get('host') ?? '');
    if (!host.ok || head.method === 'CONNECT') return { kind: 'refuse', code: 'broker.bad-request', requestId };
    const attempt = Number(head.headers.get(INTERNAL_HEADERS.attempt) ?? '1');
    const upgrade = wantedUpgrade(head);
    const othersElsewhere = head.headers.get(RELAY_OTHERS_HEADER) === '1';
    makeRelayed(head, upgrade);
    const triesBefore = Number.isInteger(attempt) && attempt > 0 && attempt < 100 ? attempt - 1 : 0;
    return {
      kind: 'forward',
      request: { head, host: host.value.host, requestId, upgrade, triesBefore, relayed: true, othersElsewhere },
    };
  }

  #local(head: RequestHead): Admission {
    const query = head.target.indexOf('?');
    const path = query < 0 ? head.target : head.target.slice(0, query);
    if (head.method !== 'GET') return { kind: 'refuse', code: 'broker.not-found' };
    const open = this.#options.open.get(path);
    if (open !== undefined) return { kind: 'local', respond: open };
    const guarded = this.#options.guarded.get(path);
    if (guarded === undefined) return { kind: 'refuse', code: 'broker.not-found' };
    const authorization = head.headers.get('authorization') ?? '';
    const bearer = authorization.toLowerCase().startsWith('bearer ') ? authorization.slice(7) : undefined;
    if (!sameSecret(bearer, this.#options.secret))
      return { kind: 'refuse', code: 'broker.forbidden', detail: 'The peer secret is wrong.' };
    return { kind: 'local', respond: guarded };
  }
}

/** Compares digests, so that neither length nor content shows in the time. No secret: nothing matches. */
function sameSecret(given: string | undefined, secret: string | undefined): boolean {
  if (given === undefined || secret === undefined || secret === '') return false;
  return timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(secret).digest());
}
