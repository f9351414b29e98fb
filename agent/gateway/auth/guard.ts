import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import { AgentError, toAgentError } from '../../errors.ts';
import { HeadView } from '../head-view.ts';
import { answerWith, type AnswerSink, type Call, type Wrap } from '../middlewares/handler.ts';
import type { OutgoingRequest } from '../middlewares/outgoing-request.ts';
import { problemAnswer, type OwnAnswer } from '../own-answer.ts';
import { readRequestPath } from '../request-path.ts';
import type { RequestView } from '../request-view.ts';

/** The request may go on; `headers` go into the answer. */
export interface Passed {
  readonly passed: true;
  readonly headers?: readonly HeaderPair[] | undefined;
  /** Added to the answer, each on a line of its own. */
  readonly cookies?: readonly string[] | undefined;
}

export type Judgement = Passed | OwnAnswer;

export const PASSED: Passed = { passed: true };

/** Looks at a request on its way, and may ask others; `signal`: nobody waits any more. */
export type Judge = (
  request: OutgoingRequest,
  view: RequestView,
  signal: AbortSignal,
) => Judgement | Promise<Judgement>;

/** Lets nothing behind it see a request before it was judged. What fails lets nobody in. */
function guard(judge: Judge): Wrap {
  return (next) => (call, sink) => {
    const settle = (judgement: Judgement): void => {
      if (call.over) return;
      if ('passed' in judgement) next(call, withHeaders(sink, judgement));
      else answerWith(sink, judgement);
    };
    const failed = (error: unknown): void => {
      const { code, message } = toAgentError(error, 'auth-unavailable');
      settle(problemAnswer(code, message));
    };
    try {
      const judgement = judge(call.request, viewOf(call.request), signalOf(call));
      if (judgement instanceof Promise) judgement.then(settle).catch(failed);
      else settle(judgement);
    } catch (error) {
      failed(error);
    }
  };
}

function withHeaders(sink: AnswerSink, { headers = [], cookies = [] }: Passed): AnswerSink {
  if (headers.length === 0 && cookies.length === 0) return sink;
  return {
    head(head) {
      for (const [name, value] of headers) head.headers.set(name, value);
      for (const cookie of cookies) head.headers.append('Set-Cookie', cookie);
      sink.head(head);
    },
    body: (bytes) => sink.body(bytes),
    end: () => sink.end(),
  };
}

function signalOf(call: Call): AbortSignal {
  const controller = new AbortController();
  call.atEnd(() => controller.abort());
  return controller.signal;
}

/** The first is the outermost; undefined when there is none. */
export function guarded(judges: readonly Judge[]): Wrap | undefined {
  if (judges.length === 0) return undefined;
  const guards = judges.map(guard);
  return (next) => guards.reduceRight((inner, outer) => outer(inner), next);
}

/** The request as rules see it, before any middleware changed it. */
function viewOf({ method, host, rawPath, query, headers }: OutgoingRequest): RequestView {
  const path = readRequestPath(rawPath);
  if (path === undefined) throw new AgentError('bad-request', 'A % in the path is not followed by two hex digits.');
  return new HeadView({ method, host, path: path.routing, rawQuery: query.slice(1), headers });
}
