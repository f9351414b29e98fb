import type { YamuxStream } from '../shared/yamux/types.ts';

/** What a request travels on: a stream of a session, or a connection to a peer in the same shape. */
export type Wire = Pick<
  YamuxStream,
  'write' | 'end' | 'reset' | 'attach' | 'consumed' | 'accepted' | 'closed' | 'queuedBytes'
>;
