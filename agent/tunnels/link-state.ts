import { assertNever } from '../../shared/result/result.ts';

import { backoffMs } from './backoff.ts';

/** First retry within 250 ms, doubling to 15 s, for ever. */
export const RETRY = { firstMs: 250, capMs: 15_000 };
/** A refused token is refused again until there is another one; asked again all the same, in case the broker was wrong. */
const REFUSED_RETRY_MS = { least: 5_000, most: 15_000 };
/** A link that held this long failed by chance: its next retry is a first one. */
export const STABLE_MS = 10_000;

/**
 * One link to one broker. Each dial has a generation; what an older session still says changes nothing. Times are
 * milliseconds of a monotonic clock.
 *
 * connecting: dialled, no hello yet · up · suspect: missed a ping · draining: the broker goes, open streams finish ·
 * waiting: for the next dial · gone: never used again.
 */
export type LinkState =
  | { readonly name: 'connecting'; readonly generation: number; readonly failures: number; readonly awaySince: number }
  | {
      readonly name: 'up' | 'suspect';
      readonly generation: number;
      readonly failures: number;
      readonly upSince: number;
      /** Since the last session that held ended. */
      readonly awaySince: number;
    }
  | { readonly name: 'draining'; readonly generation: number; readonly endsAt: number }
  | {
      readonly name: 'waiting';
      readonly failures: number;
      readonly awaySince: number;
      readonly retryAt: number;
      readonly error: string;
      /** The broker refused the token: a new one is a reason to dial at once. */
      readonly refused: boolean;
    }
  | { readonly name: 'gone' };

export type LinkEvent =
  | { readonly type: 'dialled'; readonly generation: number; readonly now: number }
  | { readonly type: 'hello'; readonly generation: number; readonly now: number }
  | { readonly type: 'suspected'; readonly generation: number; readonly suspect: boolean }
  | { readonly type: 'drained'; readonly generation: number; readonly endsAt: number }
  | {
      readonly type: 'closed';
      readonly generation: number;
      readonly now: number;
      readonly error: string;
      readonly refused: boolean;
      /** The broker asked for at least this. */
      readonly retryAfterMs: number;
      /** From 0 to 1. */
      readonly jitter: number;
    }
  | { readonly type: 'abandoned' };

export function firstState(generation: number, now: number): LinkState {
  return { name: 'connecting', generation, failures: 0, awaySince: now };
}

/** The state after the event; the same object when the event does not concern it. */
export function transition(state: LinkState, event: LinkEvent): LinkState {
  if (event.type === 'abandoned') return { name: 'gone' };
  if (event.type === 'dialled') return state.name === 'waiting' ? dialled(state, event.generation) : state;
  if (state.name === 'waiting' || state.name === 'gone' || state.generation !== event.generation) return state;
  switch (event.type) {
    case 'hello':
      return state.name === 'connecting' ? { ...state, name: 'up', upSince: event.now } : state;
    case 'suspected':
      if (state.name !== 'up' && state.name !== 'suspect') return state;
      return (state.name === 'suspect') === event.suspect
        ? state
        : { ...state, name: event.suspect ? 'suspect' : 'up' };
    case 'drained':
      return state.name === 'up' || state.name === 'suspect'
        ? { name: 'draining', generation: state.generation, endsAt: event.endsAt }
        : state;
    case 'closed':
      return closed(state, event);
    default:
      return assertNever(event);
  }
}

function dialled({ failures, awaySince }: LinkState & { name: 'waiting' }, generation: number): LinkState {
  return { name: 'connecting', generation, failures, awaySince };
}

function closed(
  state: Exclude<LinkState, { name: 'waiting' | 'gone' }>,
  { now, error, refused, retryAfterMs, jitter }: LinkEvent & { type: 'closed' },
): LinkState {
  if (state.name === 'draining') return { name: 'gone' };
  const held = state.name !== 'connecting' && now - state.upSince >= STABLE_MS;
  const failures = held ? 1 : state.failures + 1;
  const backoff = refused
    ? REFUSED_RETRY_MS.least + jitter * (REFUSED_RETRY_MS.most - REFUSED_RETRY_MS.least)
    : backoffMs(failures, RETRY, () => jitter);
  // What the broker asks for is heard, within our cap, and not by all agents at the same moment.
  const asked = Math.min(RETRY.capMs, retryAfterMs) * (0.75 + jitter / 4);
  return {
    name: 'waiting',
    failures,
    // A session that did not hold is no return.
    awaySince: held ? now : state.awaySince,
    retryAt: now + Math.max(backoff, asked),
    error,
    refused,
  };
}
