import { z } from 'zod';
import type { Failure } from '../../shared/result/result.ts';
import type { Access } from './access.ts';
import { kubeFailure } from './errors.ts';
import type { KubeErrorCode } from './errors.ts';

/** `Status` of the API server. Source: apimachinery `pkg/apis/meta/v1/types.go`. */
const status = z.object({
  kind: z.literal('Status'),
  message: z.string().default(''),
  reason: z.string().default(''),
  code: z.number().default(0),
  details: z
    .object({
      causes: z
        .array(
          z.object({ reason: z.string().default(''), message: z.string().default(''), field: z.string().default('') }),
        )
        .nullish(),
      retryAfterSeconds: z.number().nullish(),
    })
    .nullish(),
});

export interface ApiCause {
  readonly type: string;
  readonly field: string;
  readonly message: string;
}

/** An answer of the server that is not a success. */
export interface ApiRefusal {
  readonly status: number;
  readonly reason: string;
  /** The server's own words. */
  readonly message: string;
  readonly causes: readonly ApiCause[];
}

/** `retry`: the same request may succeed later. `refusal`: only when the server answered. */
export interface ApiError {
  readonly failure: Failure;
  readonly retry: boolean;
  readonly refusal?: ApiRefusal;
}

export type ApiResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ApiError };

export function apiOk<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

export function apiFail(failure: Failure, retry: boolean, refusal?: ApiRefusal): { ok: false; error: ApiError } {
  return { ok: false, error: { failure, retry, ...(refusal ? { refusal } : {}) } };
}

/** Who, where: the end of every message. */
function place(access: Access): string {
  return `cluster ${access.cluster} (${access.server.href}) as user ${access.user}`;
}

const MAX_WORDS = 4_000;

export function refusalOf(access: Access, httpStatus: number, body: string): ApiError {
  const parsed = status.safeParse(parseJson(body));
  const refusal: ApiRefusal = parsed.success
    ? {
        status: httpStatus,
        reason: parsed.data.reason,
        message: parsed.data.message,
        causes: (parsed.data.details?.causes ?? []).map(({ reason, field, message }) => ({
          type: reason,
          field,
          message,
        })),
      }
    : { status: httpStatus, reason: '', message: body.slice(0, MAX_WORDS), causes: [] };
  const words = refusal.message || `HTTP ${httpStatus}`;
  const code: KubeErrorCode =
    httpStatus === 401 ? 'kube-unauthorized' : httpStatus === 403 ? 'kube-forbidden' : 'kube-server';
  const retry = httpStatus === 429 || httpStatus >= 500;
  return { failure: kubeFailure(code, `${words}; ${place(access)}`), retry, refusal };
}

export function notKubernetes(access: Access, what: string, body: string): ApiError {
  return { failure: kubeFailure('kube-answer', `${what}; ${place(access)}`, body.slice(0, 500)), retry: false };
}

const TLS_CODES = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;

/** Turns what the HTTP client threw into words. */
export function transportError(
  access: Access,
  error: unknown,
  signal: AbortSignal | undefined,
  timeoutMs: number,
): ApiError {
  if (signal?.aborted) {
    const timedOut = signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError';
    return timedOut
      ? {
          failure: kubeFailure('kube-timeout', `No answer within ${timeoutMs / 1000} s: ${place(access)}`),
          retry: true,
        }
      : { failure: kubeFailure('kube-cancelled', `Cancelled: ${place(access)}`), retry: false };
  }
  const { code, message } = deepest(error);
  if (TLS_CODES.test(code))
    return { failure: kubeFailure('kube-tls', `${message} (${code}): ${place(access)}`), retry: false };
  if (/TIMEOUT|TIMEDOUT/.test(code))
    return { failure: kubeFailure('kube-timeout', `${message} (${code}): ${place(access)}`), retry: true };
  return {
    failure: kubeFailure('kube-unreachable', `${message}${code ? ` (${code})` : ''}: ${place(access)}`),
    retry: true,
  };
}

/** The cause that says most: clients wrap the error of the socket, and Node wraps those of several addresses. */
function deepest(error: unknown): { code: string; message: string } {
  let at: unknown = error;
  for (let depth = 0; depth < 8 && at instanceof Error; depth += 1) {
    const inner: unknown = at instanceof AggregateError ? at.errors[0] : at.cause;
    if (!(inner instanceof Error)) break;
    at = inner;
  }
  if (!(at instanceof Error)) return { code: '', message: String(at) };
  return { code: 'code' in at ? String(at.code) : '', message: at.message };
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
