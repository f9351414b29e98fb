/** A snapshot of one session, for metrics and tests. */
export interface SessionStats {
  readonly role: 'client' | 'server';
  readonly streams: number;
  /** Incoming streams that nobody has attached to yet. */
  readonly backlog: number;
  /** Own streams that the peer has not accepted yet. */
  readonly unacknowledged: number;
  readonly opened: number;
  readonly admitted: number;
  /** Incoming streams that were reset at once, for lack of room or because nobody takes them. */
  readonly refused: number;
  /** Received and not consumed. */
  readonly bufferedBytes: number;
  /** Written and not sent. */
  readonly queuedBytes: number;
  readonly dataBytesReceived: number;
  readonly dataBytesSent: number;
  readonly framesSent: number;
  /** Smoothed, of pings that somebody waited for. */
  readonly rttMs: number;
  /** Without queues; 0 while unknown. */
  readonly minRttMs: number;
  /** Sent, and not known to have arrived; and how much that may be. */
  readonly inFlightBytes: number;
  readonly boundBytes: number;
  readonly suspect: boolean;
  readonly peerWentAway: boolean;
}
