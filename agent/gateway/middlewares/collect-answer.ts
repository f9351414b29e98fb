import type { HeaderList } from '../../../shared/http1/header-list.ts';
import type { ResponseHead } from '../../../shared/http1/message-head.ts';
import { writeRequestHead } from '../../../shared/http1/write-head.ts';
import { AgentError, toAgentError } from '../../errors.ts';
import type { Dial } from '../dial-upstream.ts';
import type { ResponseSink, UpstreamConnection } from '../upstream-connection.ts';
import type { UpstreamPool } from '../upstream-pool.ts';
import type { UpstreamTarget } from '../upstream-target.ts';
import { BodyCollector } from './body-collector.ts';

/** A request of the gateway itself. */
export interface PlainRequest {
  readonly target: UpstreamTarget;
  readonly method: string;
  /** Path and query. */
  readonly uri: string;
  /** With `Host`, and with the length of the body. */
  readonly headers: HeaderList;
  readonly body?: Buffer | undefined;
  readonly timeoutMs: number;
  readonly maxAnswerBytes: number;
}

export interface CollectedAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

/** Asks and waits for the whole answer; `done` is called once, unless cancelled before. */
export function collectAnswer(
  pool: UpstreamPool,
  request: PlainRequest,
  done: (answer: CollectedAnswer | AgentError) => void,
): () => void {
  const { target, method, uri, headers, body, timeoutMs, maxAnswerBytes } = request;
  let connection: UpstreamConnection | undefined;
  let dial: Dial | undefined;
  let head: ResponseHead | undefined;
  let collector: BodyCollector | undefined;
  let settled = false;

  const settle = (result: CollectedAnswer | AgentError | undefined): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    dial?.cancel();
    connection?.destroy();
    if (result !== undefined) done(result);
  };
  const timer = setTimeout(
    () => settle(new AgentError('upstream-timeout', `${target.origin}: no answer within ${timeoutMs} ms.`)),
    timeoutMs,
  );

  const sink: ResponseSink = {
    onHead(received) {
      if (received.status === 101)
        settle(new AgentError('upstream-malformed', `${target.origin} answered 101 unasked.`));
      if (received.status < 200) return;
      head = received;
      collector = new BodyCollector(maxAnswerBytes, received.framing.kind === 'chunked');
    },
    onBody(bytes) {
      if (collector?.push(bytes) === false)
        settle(new AgentError('answer-too-large', `${target.origin} answered with more than ${maxAnswerBytes} bytes.`));
    },
    onEnd(reusable) {
      const answered = connection;
      if (settled || answered === undefined || head === undefined) return;
      if (reusable) {
        connection = undefined;
        pool.giveBack(answered);
      }
      settle({ status: head.status, headers: head.headers, body: collector?.take() ?? Buffer.alloc(0) });
    },
    onDrain: () => {},
    onRaw: () => {},
    onRawEnd: () => {},
    onFailed(error, answered) {
      const stale = connection?.reused === true && !answered;
      connection = undefined;
      if (!stale) settle(error);
      else if (!settled) fresh();
    },
  };

  const use = (ready: UpstreamConnection): void => {
    connection = ready;
    try {
      ready.begin(method, writeRequestHead({ method, target: uri, headers }), sink);
      if (body !== undefined && body.length > 0) ready.write(body);
    } catch (error) {
      settle(toAgentError(error, 'bad-request'));
    }
  };
  const fresh = (): void => {
    dial = pool.dial(target, (result) => {
      dial = undefined;
      if (settled) return;
      if (result instanceof AgentError) settle(result);
      else use(result);
    });
  };

  const kept = pool.take(target);
  if (kept === undefined) fresh();
  else use(kept);
  return () => settle(undefined);
}
