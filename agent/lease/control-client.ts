import type { IncomingMessage } from 'node:http';

import type { z } from 'zod';

import { brokerList, enrolReply, lease, problem } from '../../shared/control/api.ts';
import type { BrokerRecord, EnrolReply, Lease } from '../../shared/control/api.ts';
import { AgentError } from '../errors.ts';

import { EventStreamParser } from './event-stream.ts';
import { HttpCaller } from './http-call.ts';
import type { HttpCall } from './http-call.ts';

const ANSWER_TIMEOUT_MS = 5000;
/** What stands still no longer than that, and does not end either. */
const CALL_MS = 15_000;
/** The control plane sends a comment every 3 s; a stream that is silent for longer is dead. */
const EVENTS_SILENCE_MS = 9_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/** An answer other than success. `code` is the control plane's own, `retryAfterMs` what it asked for. */
export class ControlRefusal extends AgentError {
  readonly answerStatus: number;
  readonly answerCode: string | undefined;
  readonly retryAfterMs: number;

  constructor(what: string, status: number, body: z.infer<typeof problem> | undefined, retryAfterMs: number) {
    // A gateway in front of a control plane that is down answers like this too.
    const gone = status === 502 || status === 503 || status === 504;
    super(
      gone && body?.code === undefined ? 'control-unreachable' : 'control-refused',
      `${what}: ${status}${body === undefined ? '' : ` ${body.detail ?? body.title}`}`,
    );
    this.answerStatus = status;
    this.answerCode = body?.code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The calls of an agent to the control plane. Each throws `ControlRefusal`, or `AgentError` `control-unreachable`. */
export class ControlClient {
  readonly #base: URL;
  readonly #caller: HttpCaller;
  readonly #callMs: number;

  /** `ca`: certificates in PEM, trusted besides the public ones. `callMs`: what one call may take, but to follow. */
  constructor(url: string, ca?: string, callMs = CALL_MS) {
    this.#callMs = callMs;
    this.#base = new URL(url.endsWith('/') ? url : `${url}/`);
    this.#caller = new HttpCaller(ca);
  }

  enrol(key: string, name: string, signal: AbortSignal): Promise<EnrolReply> {
    return this.#call('enrol', {
      method: 'POST',
      path: 'v1/agents',
      bearer: key,
      body: { name },
      reply: enrolReply,
      signal,
    });
  }

  grant(secret: string, names: readonly string[], ttlSeconds: number, signal: AbortSignal): Promise<Lease> {
    const body = { names, ttlSeconds };
    return this.#call('lease hosts', { method: 'POST', path: 'v1/leases', bearer: secret, body, reply: lease, signal });
  }

  renew(secret: string, id: string, ttlSeconds: number, signal: AbortSignal): Promise<Lease> {
    const path = `v1/leases/${encodeURIComponent(id)}/renew`;
    return this.#call('renew the lease', {
      method: 'POST',
      path,
      bearer: secret,
      body: { ttlSeconds },
      reply: lease,
      signal,
    });
  }

  async release(secret: string, id: string, signal: AbortSignal): Promise<void> {
    const path = `v1/leases/${encodeURIComponent(id)}`;
    await this.#call('give the lease back', { method: 'DELETE', path, bearer: secret, signal });
  }

  /**
   * Follows the directory until the stream ends (then it returns), fails or is aborted (then it throws). `onOpen` is
   * called once it is connected.
   */
  async follow(onOpen: () => void, onBrokers: (brokers: BrokerRecord[]) => void, signal: AbortSignal): Promise<void> {
    const what = 'follow the brokers';
    const answer = await this.#request(what, 'v1/brokers/events', {
      method: 'GET',
      headers: { accept: 'text/event-stream' },
      silenceMs: EVENTS_SILENCE_MS,
      signal,
    });
    if (answer.statusCode !== 200) throw await refusal(what, answer);
    onOpen();
    const parser = new EventStreamParser();
    answer.setEncoding('utf8');
    try {
      for await (const text of answer) {
        for (const { event, data } of parser.push(String(text))) {
          if (event !== 'brokers') continue;
          const parsed = brokerList.safeParse(JSON.parse(data));
          if (parsed.success) onBrokers(parsed.data.brokers);
        }
      }
    } catch (error) {
      throw unreachable(what, this.#base, error);
    }
  }

  close(): void {
    this.#caller.close();
  }

  #call<T>(what: string, call: Call & { readonly reply: z.ZodType<T> }): Promise<T>;
  #call(what: string, call: Call): Promise<undefined>;
  async #call<T>(what: string, call: Call & { readonly reply?: z.ZodType<T> }): Promise<T | undefined> {
    const deadline = AbortSignal.timeout(this.#callMs);
    try {
      return await this.#ask(what, { ...call, signal: AbortSignal.any([call.signal, deadline]) });
    } catch (error) {
      if (!deadline.aborted || error instanceof ControlRefusal) throw error;
      throw unreachable(what, this.#base, new Error(`no whole answer within ${this.#callMs} ms`));
    }
  }

  async #ask<T>(what: string, call: Call & { readonly reply?: z.ZodType<T> }): Promise<T | undefined> {
    const { method, path, bearer, body, reply, signal } = call;
    const answer = await this.#request(what, path, {
      method,
      silenceMs: ANSWER_TIMEOUT_MS,
      headers: {
        authorization: `Bearer ${bearer}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal,
    });
    if (!isSuccess(answer)) throw await refusal(what, answer);
    const text = await readBounded(what, answer, this.#base);
    if (reply === undefined) return undefined;
    const parsed = reply.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    throw new AgentError(
      'control-refused',
      `${what}: the answer does not match the API: ${parsed.error.issues[0]?.message ?? ''}`,
      {
        hint: `Check that ${this.#base.href} is the control plane.`,
      },
    );
  }

  async #request(what: string, path: string, call: HttpCall): Promise<IncomingMessage> {
    try {
      return await this.#caller.call(new URL(path, this.#base), call);
    } catch (error) {
      throw unreachable(what, this.#base, error);
    }
  }
}

interface Call {
  readonly method: 'POST' | 'DELETE';
  readonly path: string;
  readonly bearer: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

function unreachable(what: string, base: URL, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const cause =
    error instanceof Error
      ? ('code' in error && typeof error.code === 'string' ? `${error.code} ` : '') + error.message
      : String(error);
  return new AgentError('control-unreachable', `${what}: ${base.host} does not answer: ${cause.trim()}`, {
    cause: error,
  });
}

async function refusal(what: string, answer: IncomingMessage): Promise<ControlRefusal> {
  const seconds = Number(answer.headers['retry-after']);
  const retryAfterMs = Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 300) * 1000 : 0;
  let text = '';
  try {
    text = await readBounded(what, answer, undefined);
  } catch (error) {
    // The status alone says what to do; a body that cannot be read only takes the explanation away.
    if (!(error instanceof AgentError)) throw error;
  }
  const body = problem.safeParse(parseJson(text));
  return new ControlRefusal(what, answer.statusCode ?? 0, body.data, retryAfterMs);
}

async function readBounded(what: string, answer: IncomingMessage, base: URL | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer) {
      const piece = Buffer.from(chunk);
      bytes += piece.length;
      if (bytes > MAX_ANSWER_BYTES)
        throw new AgentError('control-refused', `${what}: the answer has more than ${MAX_ANSWER_BYTES} bytes`);
      chunks.push(piece);
    }
  } catch (error) {
    if (base !== undefined) throw unreachable(what, base, error);
    throw new AgentError('control-unreachable', `${what}: the answer was cut: ${String(error)}`, { cause: error });
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode <= 299;
}
