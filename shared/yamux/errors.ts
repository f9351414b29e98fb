/**
 * Every way in which a session or a stream can fail. The first group ends the session with GoAway(1), because after a
 * broken frame nothing that follows can be trusted.
 */
const catalogue = {
  'yamux-bad-version': {
    message: 'the peer sent a frame of an unknown Yamux version',
    hint: 'check that both sides speak Yamux on this connection',
  },
  'yamux-bad-type': {
    message: 'the peer sent a frame of an unknown type',
    hint: 'check that both sides speak Yamux on this connection',
  },
  'yamux-bad-flags': { message: 'the peer sent flags that do not fit the frame', hint: 'update the peer' },
  'yamux-bad-stream-id': {
    message: 'the peer named a stream id that it may not use',
    hint: 'check that one side is the Yamux client and the other the server',
  },
  'yamux-unknown-stream': {
    message: 'the peer sent a frame for a stream that was never opened',
    hint: 'update the peer',
  },
  'yamux-window-exceeded': { message: 'the peer sent more bytes than its window allows', hint: 'update the peer' },
  'yamux-window-overflow': { message: 'the peer raised a window beyond 2^32-1 bytes', hint: 'update the peer' },
  'yamux-flood': {
    message: 'the peer sent too many frames that carry nothing',
    hint: 'raise the flood limits if the peer is trusted',
  },
  'yamux-control-overflow': {
    message: 'the peer asks for answers and does not read them',
    hint: 'check the connection to the peer',
  },
  'yamux-internal': { message: 'a receiver of the session threw', hint: 'see the cause; this is a defect' },
  'yamux-peer-protocol-error': {
    message: 'the peer ended the session: it saw a protocol error',
    hint: 'see the log of the peer',
  },
  'yamux-peer-internal-error': {
    message: 'the peer ended the session: it had an internal error',
    hint: 'see the log of the peer',
  },
  'yamux-keepalive-timeout': { message: 'the peer answered no ping', hint: 'check the network between the peers' },
  'yamux-write-timeout': {
    message: 'the peer, though it is heard, takes nothing that is sent to it',
    hint: 'check the connection to the peer',
  },
  'yamux-connection-lost': { message: 'the connection under the session ended', hint: 'connect again' },
  'yamux-session-closed': { message: 'the session is closed', hint: 'use another session' },
  'yamux-peer-went-away': { message: 'the peer takes no new streams (GoAway)', hint: 'use another session' },
  'yamux-too-many-unacknowledged': {
    message: 'too many streams wait for the peer to accept them',
    hint: 'try again later or use another session',
  },
  'yamux-too-many-streams': {
    message: 'the session has its maximum of open streams',
    hint: 'try again later or use another session',
  },
  'yamux-stream-ids-used-up': { message: 'the session has no stream ids left', hint: 'use a new session' },
  'yamux-too-many-pings': { message: 'too many pings wait for their answer', hint: 'check the connection to the peer' },
  'yamux-stream-refused': {
    message: 'the peer refused the stream before it accepted it',
    hint: 'the peer is overloaded or going away; use another session',
  },
  'yamux-stream-reset': { message: 'the peer reset the stream', hint: 'the request was given up on the other side' },
  'yamux-stream-reset-here': { message: 'the stream was reset on this side', hint: 'none' },
  'yamux-data-after-end': { message: 'the peer sent data after the end of the stream', hint: 'update the peer' },
  'yamux-open-timeout': {
    message: 'the peer did not accept the stream in time',
    hint: 'the peer is overloaded; use another session',
  },
  'yamux-half-close-timeout': {
    message: 'the peer did not end its direction in time',
    hint: 'raise halfCloseTimeoutMs if that is expected',
  },
  'yamux-session-budget': {
    message: 'the stream held the most of a session that buffers too much',
    hint: 'read faster or raise sessionBudgetBytes',
  },
} as const;

export type YamuxErrorCode = keyof typeof catalogue;

export class YamuxError extends Error {
  readonly code: YamuxErrorCode;
  readonly hint: string;

  constructor(code: YamuxErrorCode, detail?: string, options?: ErrorOptions) {
    const entry = catalogue[code];
    super(detail === undefined ? entry.message : `${entry.message}: ${detail}`, options);
    this.name = 'YamuxError';
    this.code = code;
    this.hint = entry.hint;
  }
}
