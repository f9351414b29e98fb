/** Every way in which a WebSocket can fail once the handshake is over, and the close code that tells the peer (RFC 6455 §7.4.1). */
const catalogue = {
  'websocket-reserved-bits': {
    closeCode: 1002,
    message: 'the peer set reserved bits, but no extension was agreed on',
    hint: 'turn compression off at the peer',
  },
  'websocket-bad-opcode': {
    closeCode: 1002,
    message: 'the peer sent a frame of a reserved kind',
    hint: 'update the peer',
  },
  'websocket-bad-order': {
    closeCode: 1002,
    message: 'the peer began a message inside another, or continued none',
    hint: 'update the peer',
  },
  'websocket-bad-control': {
    closeCode: 1002,
    message: 'the peer sent a control frame that is in parts or longer than 125 bytes',
    hint: 'update the peer',
  },
  'websocket-not-masked': {
    closeCode: 1002,
    message: 'the client sent a frame without a mask',
    hint: 'update the client',
  },
  'websocket-masked': { closeCode: 1002, message: 'the server sent a frame with a mask', hint: 'update the server' },
  'websocket-bad-length': {
    closeCode: 1002,
    message: 'the peer wrote a length that is not in its shortest form or not below 2^63',
    hint: 'update the peer',
  },
  'websocket-bad-close': { closeCode: 1002, message: 'the peer sent a malformed close frame', hint: 'update the peer' },
  'websocket-bad-text': {
    closeCode: 1007,
    message: 'the peer sent a close reason that is not UTF-8',
    hint: 'update the peer',
  },
  'websocket-not-binary': {
    closeCode: 1003,
    message: 'the peer sent a text message where only binary ones are expected',
    hint: 'check that the peer speaks the sub-protocol that was agreed on',
  },
  'websocket-too-large': {
    closeCode: 1009,
    message: 'the peer sent a message above the limit',
    hint: 'send smaller messages or raise the limit',
  },
  'websocket-flood': {
    closeCode: 1008,
    message: 'the peer sent too many frames that carry nothing',
    hint: 'check the peer',
  },
  'websocket-closed-by-peer': {
    closeCode: 1000,
    message: 'the peer closed the WebSocket',
    hint: 'see the log of the peer',
  },
  'websocket-cut': {
    closeCode: 1006,
    message: 'the connection ended without a close frame',
    hint: 'check the network between the peers',
  },
} as const;

export type WebSocketErrorCode = keyof typeof catalogue;

export class WebSocketError extends Error {
  readonly code: WebSocketErrorCode;
  readonly closeCode: number;
  readonly hint: string;

  constructor(code: WebSocketErrorCode, detail?: string) {
    const entry = catalogue[code];
    super(detail === undefined ? entry.message : `${entry.message}: ${detail}`);
    this.name = 'WebSocketError';
    this.code = code;
    this.closeCode = entry.closeCode;
    this.hint = entry.hint;
  }
}
