import { bodyOf, digestOf } from './upstreams.ts';

export interface TenantHost {
  readonly number: number;
  readonly host: string;
}

/** One request with everything that its answer must have. */
export interface Question {
  readonly tenant: TenantHost;
  readonly id: string;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly target: string;
  readonly body: Buffer | undefined;
  /** Of the request, in HTTP/1.1; in HTTP/2 such a body has no length. */
  readonly bodyInChunks: boolean;
  /** Of the answer. */
  readonly bytes: number;
}

export interface Answered {
  readonly status: number;
  header(name: string): string | undefined;
  readonly body: Buffer;
}

/** A generator of numbers that can be had again (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SIZES = [0, 1, 10, 100, 1_000, 1_000, 4_000, 16_000];

export function ask(random: () => number, tenant: TenantHost, id: string): Question {
  const pick = <T>(list: readonly T[], fallback: T): T => list[Math.floor(random() * list.length)] ?? fallback;
  const method = pick<Question['method']>(['GET', 'GET', 'GET', 'GET', 'HEAD', 'POST', 'POST', 'PUT', 'DELETE'], 'GET');
  // One in five hundred is large.
  const size = (): number => (random() < 0.002 ? 300_000 : Math.floor(pick(SIZES, 10) * (0.5 + random())));
  const bytes = size();
  const chunked = random() < 0.3;
  const body = method === 'POST' || method === 'PUT' ? bodyOf(id, size()) : undefined;
  const target = `/?for=${tenant.number}&n=${bytes}${chunked ? '&chunked=1' : ''}`;
  return { tenant, id, method, target, body, bytes, bodyInChunks: random() < 0.3 };
}

/** What is wrong with the answer; undefined when nothing is. */
export function wrongIn(question: Question, answer: Answered): string | undefined {
  const { tenant, id, method, body } = question;
  const expected = method === 'HEAD' ? Buffer.alloc(0) : bodyOf(`${tenant.number} ${id}`, question.bytes);
  const wrong =
    answer.status !== 200
      ? `status ${answer.status} ${answer.body.toString('latin1', 0, 200)}`
      : answer.header('x-tenant') !== String(tenant.number)
        ? `the answer is of tenant ${answer.header('x-tenant')}`
        : answer.header('x-id') !== id
          ? `the answer is of request ${answer.header('x-id')}`
          : answer.header('x-method') !== method
            ? `the method was ${answer.header('x-method')}`
            : answer.header('x-got') !== digestOf(body ?? Buffer.alloc(0))
              ? 'the upstream got another body'
              : expected.equals(answer.body)
                ? undefined
                : `the body is another (${answer.body.length} bytes of ${expected.length})`;
  return wrong === undefined ? undefined : `${method} ${question.target} of ${tenant.host}, ${id}: ${wrong}`;
}

/** A broker says that it has no session of the agent, or that one ended under the request. */
export function isRefusal(answer: Answered): boolean {
  const ours = answer.body.length === 0 || answer.body.includes('"code":"broker.');
  return (answer.status === 502 || answer.status === 503) && answer.header('x-tenant') === undefined && ours;
}
