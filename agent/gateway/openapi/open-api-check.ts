import type { OpenApiConfig } from '../../../shared/gateway/open-api.ts';
import type { HeaderPair } from '../../../shared/http1/header-list.ts';
import { catalogue, toAgentError, type ErrorCode } from '../../errors.ts';
import { answerWith, type AnswerSink, type Call, type Handler, type Wrap } from '../middlewares/handler.ts';
import { problemAnswer, type OwnAnswer } from '../own-answer.ts';
import type { Contract, Failure } from './contract.ts';
import type { OpenApiKeeper } from './open-api-keeper.ts';

/** Larger bodies are not checked but refused. */
const MAX_BODY_BYTES = 1024 * 1024;

/** Lets requests to the service only as the OpenAPI document of the API has them. */
export function openApiCheck(config: OpenApiConfig, keeper: OpenApiKeeper): Wrap {
  return (next) => (call, sink) => {
    const { contract } = keeper;
    const go = (loaded: Contract | string): void => {
      if (call.over) return;
      if (typeof loaded === 'string') refuse(call, sink, problemAnswer('openapi-away', loaded));
      else check(config, loaded, next, call, sink);
    };
    if (contract instanceof Promise) void contract.then(go);
    else go(contract);
  };
}

function check(config: OpenApiConfig, contract: Contract, next: Handler, call: Call, sink: AnswerSink): void {
  const { method, path, headers } = call.request;
  const found = contract.find(method, path === '' ? '/' : path);
  const called = `${method} ${path}`;
  if (found.kind !== 'found') {
    if (!config.methodAndPath) next(call, sink);
    else if (found.kind === 'no-path')
      refuse(call, sink, refusal('openapi-path', `The OpenAPI document has no path for ${called}.`));
    else {
      const allow = found.allow.join(', ');
      const detail = `The OpenAPI document has no ${called}, but ${allow}.`;
      refuse(call, sink, refusal('openapi-method', detail, { headers: [['Allow', allow]] }));
    }
    return;
  }
  const { operation } = found;
  if (!config.body || operation.body === undefined) {
    next(call, sink);
    return;
  }
  call.readBody(MAX_BODY_BYTES, (body) => {
    if (body === 'too-large') {
      refuse(call, sink, refusal('openapi-body-size', `The body has more than ${MAX_BODY_BYTES} bytes.`));
      return;
    }
    let failures: readonly Failure[];
    try {
      failures = contract.bodyFailures(operation, headers.get('content-type') ?? '', body);
    } catch (error) {
      refuse(call, sink, problemAnswer('openapi-away', toAgentError(error, 'openapi-unreadable').message));
      return;
    }
    if (failures.length === 0) next(call, sink);
    else
      refuse(
        call,
        sink,
        refusal('openapi-body', `The body of ${called} is not as the OpenAPI document says.`, { failures }),
      );
  });
}

/** Refused calls cost nothing. */
function refuse(call: Call, sink: AnswerSink, answer: OwnAnswer): void {
  call.refund();
  answerWith(sink, answer);
}

/** RFC 9457, with what failed under `errors`. */
function refusal(
  code: ErrorCode,
  detail: string,
  more: { readonly headers?: readonly HeaderPair[]; readonly failures?: readonly Failure[] } = {},
): OwnAnswer {
  const answer = problemAnswer(code, detail, { headers: more.headers ?? [] });
  if (more.failures === undefined) return answer;
  const { status, title, hint } = catalogue[code];
  const document = { type: 'about:blank', title, status, code, detail, hint, errors: more.failures };
  return { ...answer, body: Buffer.from(JSON.stringify(document)) };
}
