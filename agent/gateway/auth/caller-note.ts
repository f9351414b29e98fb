import type { OutgoingRequest } from '../middlewares/outgoing-request.ts';
import type { Decision } from '../policy.ts';

/** What guards found out about a request on its way, for records and metrics. */
export interface CallerNote {
  readonly application?: string | undefined;
  readonly plan?: string | undefined;
  /** The name of the token, by `tokenNameClaim`. */
  readonly token?: string | undefined;
  /** The user whom a policy let in. */
  readonly user?: string | undefined;
  /** What a plan said in the end. */
  readonly decision?: Decision | undefined;
}

const notes = new WeakMap<OutgoingRequest, CallerNote>();

export function noteCaller(request: OutgoingRequest, note: CallerNote): void {
  notes.set(request, { ...notes.get(request), ...note });
}

export function callerOf(request: OutgoingRequest): CallerNote | undefined {
  return notes.get(request);
}
