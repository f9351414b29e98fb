import { STATUS_CODES } from 'node:http';
import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import type { OwnAnswer } from '../own-answer.ts';

const NONE: readonly HeaderPair[] = [];

/** As Traefik's middlewares answer: the words of the status, or others, and no type. */
export function plainAnswer(
  status: number,
  detail: string,
  more: { readonly text?: string; readonly headers?: readonly HeaderPair[] } = {},
): OwnAnswer {
  const body = Buffer.from(more.text ?? STATUS_CODES[status] ?? '');
  return { status, headers: more.headers ?? NONE, verdict: 'middleware-refused', detail, body };
}
