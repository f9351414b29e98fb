/**
 * Everything the agent refuses or fails at, once: what crosses HTTP carries a status, and every entry says what to do
 * next. Codes are stable; visitors, the recorder (`verdict`) and the tests rely on them.
 */
interface Entry {
  readonly status: number;
  readonly title: string;
  readonly hint: string;
}

export const catalogue = {
  'bad-request': { status: 400, title: 'The request cannot be understood', hint: 'Send well-formed HTTP/1.1.' },
  'target-form': {
    status: 400,
    title: 'Only origin-form request targets are served',
    hint: 'Ask for /PATH; this is not a forward proxy.',
  },
  'method-refused': { status: 405, title: 'CONNECT is not served', hint: 'This is not a forward proxy.' },
  'no-preview': {
    status: 503,
    title: 'No preview is running',
    hint: 'Start one with `adit preview DIR` or in the application.',
  },
  'no-route': {
    status: 404,
    title: 'No route matches',
    hint: 'Compare host, path, method and headers with the rules of the routes.',
  },
  unauthorized: {
    status: 401,
    title: 'A valid credential is needed',
    hint: 'Send an API key of a ManagedApplication in the place that the APIAuth names.',
  },
  forbidden: {
    status: 403,
    title: 'The application may not call this',
    hint: 'A ManagedSubscription must give the application this API and this operation.',
  },
  'auth-unavailable': {
    status: 503,
    title: 'What the credential is checked with cannot be asked',
    hint: 'Look at whether the directory, the key set or the provider that the object names can be reached from here.',
  },
  'claim-unfit': {
    status: 500,
    title: 'A claim cannot be forwarded',
    hint: 'Look at forwardHeaders, and at what the token says.',
  },
  'auth-unsupported': {
    status: 501,
    title: 'What guards the route cannot be served as it is written',
    hint: 'The diagnostics of the preview tell which field of the object is in the way.',
  },
  'rate-limited': {
    status: 429,
    title: 'The rate limit of the plan is used up',
    hint: 'Wait for Retry-After seconds.',
  },
  'quota-exceeded': { status: 429, title: 'The quota of the plan is used up', hint: 'Wait for Retry-After seconds.' },
  'limits-away': {
    status: 503,
    title: 'What the plan has left cannot be looked up',
    hint: 'Look at whether the Redis server of `limits` in adit.yaml can be reached; `whenAway: allow` lets calls through.',
  },
  'openapi-path': {
    status: 404,
    title: 'The OpenAPI document has no such path',
    hint: 'Compare the path with those of the document, and with its servers or spec.openApiSpec.override.servers.',
  },
  'openapi-method': {
    status: 405,
    title: 'The OpenAPI document has no such method on the path',
    hint: 'Use a method of Allow.',
  },
  'openapi-body': {
    status: 400,
    title: 'The body does not fit the OpenAPI document',
    hint: 'Look at `errors`: a JSON pointer and what is wrong there.',
  },
  'openapi-body-size': {
    status: 413,
    title: 'The body is too large to be checked',
    hint: 'Send a smaller one, or set spec.openApiSpec.validateRequestBodySchema to false.',
  },
  'openapi-away': {
    status: 503,
    title: 'The OpenAPI document that requests are checked against is not there',
    hint: 'Look at whether spec.openApiSpec.path or url of the API answers with a document that can be read.',
  },
  'openapi-unreadable': {
    status: 502,
    title: 'The OpenAPI document cannot be used',
    hint: 'It has to be Swagger 2.0 or OpenAPI 3, in JSON or YAML, with references into itself only.',
  },
  'middleware-refused': {
    status: 403,
    title: 'A middleware of the route answered itself',
    hint: 'Look at the Middleware objects that the route names.',
  },
  'answer-too-large': {
    status: 502,
    title: 'The answer is larger than it may be',
    hint: 'Look at the limits of the Middleware object.',
  },
  'upstream-unknown': {
    status: 503,
    title: 'It is not known where the Service runs',
    hint: 'Set it under `upstreams:` in adit.yaml, for example `upstreams: { NAMESPACE/NAME: { url: "http://127.0.0.1:8080" } }`.',
  },
  'upstream-none': {
    status: 503,
    title: 'No server of the service may be chosen',
    hint: 'Give at least one service a weight above 0; look at health checks and endpoints.',
  },
  'upstream-refused': {
    status: 502,
    title: 'The address of the upstream is not allowed',
    hint: 'Link-local and metadata addresses are never dialled; choose another URL under `upstreams:`.',
  },
  'upstream-unreachable': {
    status: 502,
    title: 'The upstream cannot be reached',
    hint: 'Start it, or correct its URL under `upstreams:` in adit.yaml.',
  },
  'upstream-reset': {
    status: 502,
    title: 'The upstream ended the connection before it answered',
    hint: 'Look at the log of the upstream.',
  },
  'upstream-untrusted': {
    status: 500,
    title: 'The upstream could not prove who it is',
    hint: 'Name its certificate authority in a ServersTransport (rootCAs), or correct serverName and scheme.',
  },
  'upstream-malformed': {
    status: 500,
    title: 'The answer of the upstream is not well-formed HTTP/1.1',
    hint: 'Check that the URL leads to an HTTP/1.1 server, and its scheme.',
  },
  'upstream-stream-reset': {
    status: 500,
    title: 'The upstream ended the HTTP/2 stream before it answered',
    hint: 'Look at the log of the upstream, and whether it speaks HTTP/2 at all.',
  },
  'upstream-timeout': {
    status: 504,
    title: 'The upstream did not answer in time',
    hint: 'Look at what the upstream waits for.',
  },
  'config-refused': {
    status: 422,
    title: 'The manifests have errors; the last good configuration serves on',
    hint: 'Correct what the message names; the application lists all errors under Problems, `adit validate` prints them.',
  },
  'workspace-unreadable': {
    status: 422,
    title: 'The workspace cannot be read',
    hint: 'Check that the folder exists and that you may read it.',
  },
  'workspace-config': { status: 422, title: 'adit.yaml is not valid', hint: 'Correct the named field.' },
  'workspace-too-large': {
    status: 422,
    title: 'The workspace has more files than a preview reads',
    hint: 'List the folders to read under `manifests:` in adit.yaml.',
  },
  'no-control': {
    status: 409,
    title: 'There is no control plane to lease a preview host from',
    hint: 'Start the agent with --control URL, or use `adit up`, which starts one.',
  },
  'api-unauthorized': {
    status: 401,
    title: 'The local API needs its bearer token',
    hint: 'Send Authorization: Bearer TOKEN.',
  },
  'api-host': {
    status: 403,
    title: 'The local API answers on loopback names only',
    hint: 'Use 127.0.0.1 or localhost.',
  },
  'api-origin': {
    status: 403,
    title: 'The local API does not serve web pages',
    hint: 'Call it from a process, not from a browser.',
  },
  'api-input': {
    status: 400,
    title: 'The call does not have the documented shape',
    hint: 'Compare it with shared/agent/api.ts.',
  },
  'api-missing': {
    status: 404,
    title: 'There is nothing at this address',
    hint: 'See shared/agent/api.ts for the calls.',
  },
  'program-replaced': {
    status: 500,
    title: 'A part of Adit that was not loaded yet is gone',
    hint: 'Adit was updated or built while it ran: start it again.',
  },
  'api-failed': { status: 500, title: 'The call failed inside the agent', hint: 'Look at the log of the agent.' },
  'control-unreachable': {
    status: 503,
    title: 'The control plane cannot be reached',
    hint: 'Check its URL and that it runs; the agent keeps trying.',
  },
  'token-expired': {
    status: 503,
    title: 'The tunnel token has expired',
    hint: 'Nothing is served until the control plane answers again; the agent keeps asking.',
  },
  'proxy-invalid': {
    status: 503,
    title: 'The variable that names the proxy is not valid',
    hint: 'Set it to http://HOST:PORT or https://HOST:PORT, with USER:PASSWORD@ where the proxy asks for them.',
  },
  'proxy-refused': {
    status: 503,
    title: 'The proxy does not let the agent through',
    hint: 'Ask who runs the proxy to let CONNECT through to this address, or name it in NO_PROXY.',
  },
  'control-refused': {
    status: 502,
    title: 'The control plane refused the request',
    hint: 'See the detail; the agent tries again, but slowly.',
  },
  'enrolment-refused': {
    status: 502,
    title: 'The control plane does not know the enrolment key',
    hint: 'Set ADIT_ENROLMENT_KEY to a key of this control plane.',
  },
  'lease-stopped': {
    status: 409,
    title: 'The lease was given up while it was awaited',
    hint: 'Start the preview again.',
  },
  'state-unwritable': {
    status: 500,
    title: 'The state folder of the agent cannot be written',
    hint: 'Choose another with --state-dir, or correct its permissions.',
  },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalogue;

/** An error of the catalogue, with what it happened to. `status` is what an HTTP answer of it carries. */
export class AgentError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly hint: string;

  constructor(code: ErrorCode, detail: string, options?: ErrorOptions & { hint?: string }) {
    super(detail, options);
    this.name = 'AgentError';
    this.code = code;
    this.status = catalogue[code].status;
    this.hint = options?.hint ?? catalogue[code].hint;
  }
}

/** RFC 9457 document; `detail` names the object, `hint` the next step. */
export function problemDocument(code: ErrorCode, detail: string, hint: string = catalogue[code].hint): string {
  const { status, title } = catalogue[code];
  return JSON.stringify({ type: 'about:blank', title, status, code, detail, hint });
}

export function toAgentError(error: unknown, code: ErrorCode): AgentError {
  if (error instanceof AgentError) return error;
  if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')
    return new AgentError('program-replaced', error.message, { cause: error });
  return new AgentError(code, error instanceof Error ? error.message : String(error), { cause: error });
}
