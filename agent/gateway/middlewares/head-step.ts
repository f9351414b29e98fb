import type { HeaderList } from '../../../shared/http1/header-list.ts';
import type { OwnAnswer } from '../own-answer.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

/**
 * A middleware that looks at heads only, at once and without memory: the same request always gets the same. What it
 * makes may be kept for requests that come again.
 */
export interface HeadStep {
  /** Changes the request, or answers it in place of what is behind. */
  request?(request: OutgoingRequest): OwnAnswer | undefined;
  /** Changes the headers of whatever answer comes from behind. */
  response?(headers: HeaderList, request: OutgoingRequest): void;
  /** What `response` does depends on the request. */
  readonly varies?: boolean;
}
