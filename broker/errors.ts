/** Everything that a broker answers by itself or refuses. `status` is HTTP; `retryAfterSeconds` becomes `Retry-After`. */
const CATALOGUE = {
  'broker.bad-request': { status: 400, title: 'Bad request', hint: 'Send well-formed HTTP/1.1.' },
  'broker.plain-http': { status: 400, title: 'HTTPS is spoken here', hint: 'Begin the address with https://.' },
  'broker.target-too-long': { status: 414, title: 'Request target too long', hint: 'Shorten the path or the query.' },
  'broker.head-too-large': { status: 431, title: 'Request head too large', hint: 'Send fewer or smaller headers.' },
  'broker.head-timeout': { status: 408, title: 'Request timed out', hint: 'Send the whole request head at once.' },
  'broker.body-timeout': { status: 408, title: 'Request body too slow', hint: 'Send the body without long pauses.' },
  'broker.too-many-requests': {
    status: 429,
    title: 'Too many requests from this address',
    hint: 'Send fewer requests, or wait a little.',
    retryAfterSeconds: 1,
  },
  'broker.too-many-connections': {
    status: 429,
    title: 'Too many connections from this address',
    hint: 'Use fewer connections, or try again soon.',
    retryAfterSeconds: 1,
  },
  'broker.not-implemented': { status: 501, title: 'Not implemented', hint: 'Use chunked or Content-Length framing.' },
  'broker.bad-version': { status: 505, title: 'HTTP version not supported', hint: 'Use HTTP/1.1.' },
  'broker.connect-refused': { status: 405, title: 'CONNECT is not served', hint: 'This is no forward proxy.' },
  'broker.misdirected': {
    status: 421,
    title: 'Misdirected request',
    hint: 'Host, the absolute target, :authority and the name of the TLS handshake must be the same.',
  },
  'broker.unknown-host': {
    status: 404,
    title: 'No preview here',
    hint: 'Check the address, or start the preview again.',
  },
  'broker.no-tunnel': {
    status: 503,
    title: 'Preview not connected',
    hint: 'Its agent is not connected. Try again soon.',
    retryAfterSeconds: 2,
  },
  'broker.too-busy': {
    status: 503,
    title: 'Too many requests in flight',
    hint: 'Try again soon.',
    retryAfterSeconds: 1,
  },
  'broker.draining': { status: 503, title: 'Broker going away', hint: 'Connect again.', retryAfterSeconds: 1 },
  'broker.upstream-gone': { status: 502, title: 'Connection to the preview lost', hint: 'Try again.' },
  'broker.upstream-invalid': {
    status: 502,
    title: 'Invalid answer from the preview',
    hint: 'Look at the log of the agent.',
  },
  'broker.upstream-timeout': {
    status: 504,
    title: 'The preview did not answer in time',
    hint: 'Look at the upstream of the preview.',
  },
  'broker.loop': { status: 508, title: 'Loop between brokers', hint: 'Check the --peer settings of the brokers.' },
  'broker.unauthorized': { status: 401, title: 'No valid token', hint: 'Get a new lease from the control plane.' },
  'broker.forbidden': { status: 403, title: 'Not allowed', hint: 'The token is for another audience, issuer or host.' },
  'broker.not-found': { status: 404, title: 'Not found', hint: 'See the documentation of this listener.' },
  'broker.upgrade-required': {
    status: 426,
    title: 'WebSocket required',
    hint: 'Dial with the sub-protocol adit.v1+yamux.',
  },
  'broker.keys-missing': {
    status: 503,
    title: 'No signing keys yet',
    hint: 'The control plane has not been reached. Try again soon.',
    retryAfterSeconds: 2,
  },
  'broker.too-many-dials': {
    status: 429,
    title: 'Too many tunnels dialled from this address',
    hint: 'Wait before the next dial.',
    retryAfterSeconds: 2,
  },
  'broker.too-many-sessions': {
    status: 503,
    title: 'Too many sessions',
    hint: 'Use another broker.',
    retryAfterSeconds: 10,
  },
} as const satisfies Record<string, { status: number; title: string; hint: string; retryAfterSeconds?: number }>;

export type BrokerErrorCode = keyof typeof CATALOGUE;

export interface BrokerErrorEntry {
  readonly status: number;
  readonly title: string;
  readonly hint: string;
  readonly retryAfterSeconds?: number;
}

export function brokerError(code: BrokerErrorCode): BrokerErrorEntry {
  return CATALOGUE[code];
}

/** The answer to a request that `shared/http1` refused. */
export function codeOfStatus(status: number): BrokerErrorCode {
  if (status === 414) return 'broker.target-too-long';
  if (status === 431) return 'broker.head-too-large';
  if (status === 501) return 'broker.not-implemented';
  if (status === 505) return 'broker.bad-version';
  return 'broker.bad-request';
}

/** Options that cannot work; the message names the option. */
export class BrokerOptionsError extends Error {
  readonly code = 'broker.options';
}

/** An authority gave no certificate; the message says at which step and why. */
export class AcmeError extends Error {
  readonly code = 'broker.acme';
}
