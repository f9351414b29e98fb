import { z } from 'zod';
import {
  exchange,
  exchangeList,
  previewStatus,
  type Exchange,
  type PreviewRequest,
  type PreviewStatus,
} from '../../shared/agent/api.ts';
import type { Result } from '../../shared/result/result.ts';
import { fail, ok } from '../../shared/result/result.ts';
import { failed, reason } from '../errors.ts';
import type { AgentAccess } from './stack-port.ts';

const CALL_TIMEOUT_MS = 15_000;
const EXCHANGE = '/v1/exchanges/';
/** Problem document (RFC 9457) with the agent's code and hint. */
const problem = z.object({
  title: z.string(),
  detail: z.string().optional(),
  code: z.string().optional(),
  hint: z.string().optional(),
});

/** The calls of the agent's local API (`shared/agent/api.ts`) that the application makes. */
export interface AgentApi {
  status(signal?: AbortSignal): Promise<Result<PreviewStatus>>;
  putPreview(request: PreviewRequest, signal?: AbortSignal): Promise<Result<PreviewStatus>>;
  deletePreview(signal?: AbortSignal): Promise<Result<undefined>>;
  putOverlay(files: Readonly<Record<string, string | null>>, signal?: AbortSignal): Promise<Result<undefined>>;
  exchanges(after: number, limit: number, signal?: AbortSignal): Promise<Result<z.output<typeof exchangeList>>>;
  exchange(id: string, signal?: AbortSignal): Promise<Result<Exchange>>;
  clearExchanges(signal?: AbortSignal): Promise<Result<undefined>>;
}

export function agentApi(access: Pick<AgentAccess, 'address' | 'token'>): AgentApi {
  const { address, token } = access;
  const call = async <T>(
    method: string,
    path: string,
    schema: z.ZodType<T>,
    body: unknown,
    signal?: AbortSignal,
  ): Promise<Result<T>> => {
    try {
      const answer = await fetch(`http://${address}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.any([AbortSignal.timeout(CALL_TIMEOUT_MS), ...(signal === undefined ? [] : [signal])]),
      });
      const text = await answer.text();
      if (!answer.ok) return refusal(method, path, answer.status, text);
      const parsed = schema.safeParse(text === '' ? undefined : JSON.parse(text));
      if (parsed.success) return ok(parsed.data);
      return failed('preview-agent-answer', { method, path, status: answer.status }, z.prettifyError(parsed.error));
    } catch (error) {
      if (signal?.aborted === true) return failed('aborted', { what: `${method} ${path}` });
      return failed('preview-agent-unreachable', { address, problem: causeOf(error) });
    }
  };
  // A status may be answered where nothing is promised; it is not read.
  const nothing = z.unknown().transform(() => undefined);
  return {
    status: (signal) => call('GET', '/v1/status', previewStatus, undefined, signal),
    putPreview: (request, signal) => call('PUT', '/v1/preview', previewStatus, request, signal),
    deletePreview: (signal) => call('DELETE', '/v1/preview', nothing, undefined, signal),
    putOverlay: (files, signal) => call('PUT', '/v1/overlay', nothing, { files }, signal),
    exchanges: (after, limit, signal) =>
      call('GET', `/v1/exchanges?after=${after}&limit=${limit}`, exchangeList, undefined, signal),
    exchange: (id, signal) => call('GET', `${EXCHANGE}${encodeURIComponent(id)}`, exchange, undefined, signal),
    clearExchanges: (signal) => call('DELETE', '/v1/exchanges', nothing, undefined, signal),
  };
}

/** The agent's own words where it gave a problem document. */
function refusal(method: string, path: string, status: number, text: string): Result<never> {
  if (status === 404 && path.startsWith(EXCHANGE))
    return failed('traffic-not-found', { id: decodeURIComponent(path.slice(EXCHANGE.length)) });
  const said = problem.safeParse(parseJson(text));
  if (!said.success) return failed('preview-agent-answer', { method, path, status }, text.slice(0, 2_000));
  const { code, title, detail, hint } = said.data;
  return fail(code ?? 'preview-agent-answer', detail ?? title, hint === undefined ? {} : { hint });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** `fetch` hides the system's words in the cause. */
function causeOf(error: unknown): string {
  return error instanceof Error && error.cause !== undefined ? reason(error.cause) : reason(error);
}
