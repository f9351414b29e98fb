import type { HeaderPair } from '../../../shared/http1/header-list.ts';

/** Where a visitor's request stands in a trace that began before us (https://www.w3.org/TR/trace-context-2/). */
export interface TraceParent {
  /** 32 hex digits, lower case, not all 0. */
  readonly traceId: string;
  /** 16 hex digits, lower case, not all 0: the visitor's own span. */
  readonly spanId: string;
  readonly sampled: boolean;
  /** The trace id is random, as whoever began it says. */
  readonly random: boolean;
}

/** Version, trace id, span id, flags; what a later version has more comes after another dash. */
const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
const SAMPLED = 1;
const RANDOM = 2;

/** §3.2: the values of all `traceparent` fields. Undefined: there is none, or nothing to go on with. */
export function readTraceParent(values: readonly string[]): TraceParent | undefined {
  const [value] = values;
  if (value === undefined || values.length > 1) return undefined;
  const [, version = 'ff', traceId = '', spanId = '', flags = '', more] = TRACE_PARENT.exec(value.trim()) ?? [];
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  const bits = Number.parseInt(flags, 16);
  return { traceId, spanId, sampled: (bits & SAMPLED) !== 0, random: (bits & RANDOM) !== 0 };
}

/** `sampled`: as decided here, not as the visitor said. */
export function writeTraceParent({ traceId, spanId, sampled, random }: TraceParent): string {
  const flags = (sampled ? SAMPLED : 0) | (random ? RANDOM : 0);
  return `00-${traceId}-${spanId}-0${flags}`;
}

const MAX_MEMBERS = 32;
const MEMBER_KEY = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
const MEMBER_VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** §3.3: the values of all `tracestate` fields as one. Undefined: there is none, or it is no list of members. */
export function readTraceState(values: readonly string[]): string | undefined {
  const keys = new Set<string>();
  const members: string[] = [];
  for (const part of values.join(',').split(',')) {
    const member = part.trim();
    if (member === '') continue;
    const equals = member.indexOf('=');
    const key = member.slice(0, Math.max(equals, 0));
    if (keys.has(key) || !MEMBER_KEY.test(key) || !MEMBER_VALUE.test(member.slice(equals + 1))) return undefined;
    keys.add(key);
    members.push(member);
  }
  return members.length === 0 || members.length > MAX_MEMBERS ? undefined : members.join(',');
}

/** The values of both in a head. A `tracestate` without a `traceparent` to go with means nothing (§3.3.1.1). */
export function readTraceContext(headers: Iterable<HeaderPair>): { parent?: TraceParent; state?: string } {
  const parents: string[] = [];
  const states: string[] = [];
  for (const [name, value] of headers) {
    if (name.length !== 11 && name.length !== 10) continue;
    const lower = name.toLowerCase();
    if (lower === 'traceparent') parents.push(value);
    else if (lower === 'tracestate') states.push(value);
  }
  const parent = readTraceParent(parents);
  if (parent === undefined) return {};
  const state = readTraceState(states);
  return { parent, ...(state === undefined ? {} : { state }) };
}
