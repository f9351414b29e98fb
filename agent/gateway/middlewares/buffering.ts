import { STATUS_CODES } from 'node:http';
import type { BufferingConfig } from '../../../shared/gateway/middleware.ts';
import { parsePredicate, retryFunctions, type Predicate } from '../../../shared/gateway/predicate-expression.ts';
import { AgentError } from '../../errors.ts';
import { BodyCollector, MAX_KEPT_BYTES } from './body-collector.ts';
import { answerWith, type AnswerHead, type AnswerSink, type Call, type Wrap } from './handler.ts';
import { plainAnswer } from './plain-answer.ts';

const MAX_ATTEMPTS = 10;
/** Up to here Go's server finds out the length of an answer by itself. */
const COUNTED_BYTES = 2048;

/** Reads requests and answers whole, within limits; can try again with the same body. Throws AgentError `config-refused`. */
export function buffering(config: BufferingConfig): Wrap {
  const again = retryCondition(config);
  const maxRequest = config.maxRequestBytes ?? MAX_KEPT_BYTES;
  const maxAnswer = config.maxResponseBytes ?? MAX_KEPT_BYTES;
  const tooLarge = plainAnswer(413, `The body has more than ${maxRequest} bytes.`);
  const failed = (detail: string) => plainAnswer(500, detail);

  return (next) => (call, sink) => {
    const attempt = (number: number): void => {
      let head: AnswerHead | undefined;
      let collector: BodyCollector | undefined;
      let broken = false;
      next(call, {
        head(received) {
          head = received;
          collector = new BodyCollector(maxAnswer, received.framing === 'chunked');
        },
        body(bytes) {
          if (broken || collector?.push(bytes) !== false) return;
          broken = true;
          call.drop();
          answerWith(sink, failed(`The answer has more than ${maxAnswer} bytes.`));
        },
        end() {
          if (broken || head === undefined) return;
          const { status } = head;
          if (number <= MAX_ATTEMPTS && again?.((name) => valueOf(name, call, number, status)) === true) {
            attempt(number + 1);
            return;
          }
          const body = collector?.take() ?? Buffer.alloc(0);
          // As Traefik: an answer that should have a body, and does not say that it has none, is taken for broken.
          if (body.length === 0 && expectsBody(call, head)) answerWith(sink, failed('The answer has no body.'));
          else passOn(sink, head, body);
        },
      });
    };
    if (call.bodyLength !== undefined && call.bodyLength > maxRequest) {
      answerWith(sink, tooLarge);
      return;
    }
    call.readBody(maxRequest, (body) => {
      if (body === 'too-large') answerWith(sink, tooLarge);
      else attempt(1);
    });
  };
}

function retryCondition({ retryExpression, source }: BufferingConfig): Predicate | undefined {
  if (retryExpression === undefined) return undefined;
  const condition = parsePredicate(retryExpression, retryFunctions);
  if (typeof condition === 'function') return condition;
  throw new AgentError('config-refused', `Middleware ${source.namespace}/${source.name}: ${condition.problem}.`);
}

function valueOf(name: string, call: Call, attempt: number, status: number): number | string | boolean {
  switch (name) {
    case 'RequestMethod':
      return call.request.method;
    case 'Attempts':
      return attempt;
    case 'IsNetworkError':
      return status === 502 || status === 504;
    default:
      return status;
  }
}

function expectsBody(call: Call, { status, headers }: AnswerHead): boolean {
  if (call.request.method === 'HEAD' || status === 204 || status === 304) return false;
  const grpc = headers.get('grpc-status') ?? '0';
  return headers.get('content-length') !== '0' && (grpc === '0' || grpc === '');
}

function passOn(sink: AnswerSink, head: AnswerHead, body: Buffer): void {
  const { headers } = head;
  headers.removeWhere((name) => name === 'transfer-encoding' || name === 'trailer');
  const counted = headers.has('content-length') || head.framing === 'none';
  if (!counted && body.length <= COUNTED_BYTES) headers.set('Content-Length', String(body.length));
  const framing = counted || body.length <= COUNTED_BYTES ? 'length' : 'until-close';
  sink.head({ ...head, reason: head.reason || (STATUS_CODES[head.status] ?? ''), framing });
  if (body.length > 0) sink.body(body);
  sink.end();
}
