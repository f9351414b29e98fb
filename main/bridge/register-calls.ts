import type { CallName, Calls, Handlers } from '../../shared/contract/contract.ts';
import type { Result } from '../../shared/result/result.ts';
import { failed, reason } from '../errors.ts';

/** One call by its name, as it comes from a shell: checked on its way in and out, and never an exception. */
export type Dispatch = (name: string, input: unknown, signal: AbortSignal) => Promise<Result<unknown>>;

interface Schema {
  safeParse(
    value: unknown,
  ):
    | { success: true; data: unknown }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
}
type AnyHandler = (input: unknown, signal: AbortSignal) => Promise<Result<unknown>>;

/** Gives both shells the same edge. Only the contract's own names can be called (`toString` is none). */
export function registerCalls(
  calls: Calls,
  handlers: Handlers,
  onFault: (call: string, error: unknown) => void,
): Dispatch {
  const table = new Map<string, { input: Schema; output: Schema; handler: AnyHandler }>();
  for (const name of Object.keys(calls) as CallName[]) {
    // The pair of a name's schema and handler is typed by the contract; the table forgets which name it was.
    table.set(name, { ...calls[name], handler: handlers[name] as AnyHandler });
  }
  return async (name, input, signal) => {
    const entry = table.get(name);
    if (entry === undefined) return failed('unknown-call', { call: name.slice(0, 100) });
    const given = entry.input.safeParse(input);
    if (!given.success) return failed('invalid-input', { call: name, problem: problems(given.error.issues) });
    if (signal.aborted) return failed('aborted', { what: name });
    try {
      const result = await entry.handler(given.data, signal);
      if (!result.ok) return result;
      const answer = entry.output.safeParse(result.value);
      if (answer.success) return { ok: true, value: answer.data };
      const problem = `the answer is not as agreed: ${problems(answer.error.issues)}`;
      onFault(name, new Error(problem));
      return failed('internal', { call: name, problem });
    } catch (error) {
      if (signal.aborted) return failed('aborted', { what: name });
      onFault(name, error);
      return failed('internal', { call: name, problem: reason(error) });
    }
  };
}

function problems(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ');
}
