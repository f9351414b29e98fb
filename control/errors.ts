/**
 * Every failure of the control plane. The API answers them as problem documents (RFC 9457) with `code`; those without
 * a status stop the process from starting.
 */
const catalogue = {
  unauthorized: { status: 401, title: 'The credential is missing or wrong' },
  'invalid-request': { status: 400, title: 'The request does not match the API' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  'unknown-route': { status: 404, title: 'There is nothing at this path' },
  'unknown-lease': { status: 404, title: 'No such lease of this agent' },
  'unknown-agent': { status: 404, title: 'No such agent' },
  'revocation-limit': { status: 503, title: 'No more tokens can be revoked one by one' },
  'lease-limit': { status: 409, title: 'The agent holds as many leases or hosts as it may' },
  'agent-limit': { status: 503, title: 'No more agents can be enrolled' },
  'broker-limit': { status: 503, title: 'No more brokers or edges can be registered' },
  'listener-limit': { status: 503, title: 'Too many listeners follow the directory' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'no-edge': { status: 503, title: 'No edge has registered a public URL yet' },
  'name-exhausted': { status: 503, title: 'No free host was found for this name' },
  internal: { status: 500, title: 'The control plane failed' },
  'invalid-option': { status: undefined, title: 'An option is wrong' },
  'database-unusable': { status: undefined, title: 'The database cannot be used' },
  'database-in-use': { status: undefined, title: 'Another control plane uses the database' },
  'address-unavailable': { status: undefined, title: 'The address cannot be listened on' },
} as const satisfies Record<string, { status: number | undefined; title: string }>;

type ControlErrorCode = keyof typeof catalogue;

export class ControlError extends Error {
  readonly code: ControlErrorCode;
  /** HTTP status; absent for what only happens at start. */
  readonly status: number | undefined;
  readonly title: string;
  readonly hint: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ControlErrorCode,
    detail: string,
    more: { hint?: string; retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(detail, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'ControlError';
    this.code = code;
    this.status = catalogue[code].status;
    this.title = catalogue[code].title;
    this.hint = more.hint;
    this.retryAfterSeconds = more.retryAfterSeconds;
  }
}
