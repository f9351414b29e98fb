import type { CallName, CallOutput } from '../../../shared/contract/contract.ts';
import type { Result } from '../../../shared/result/result.ts';
import { errors } from '../errors.ts';

/**
 * Reads what a shell answered to a call. The envelope is checked here; the value was checked against the contract by
 * the application, which is the same build as this page.
 */
export function readAnswer<N extends CallName>(name: N, answer: unknown): Result<CallOutput<N>> {
  if (typeof answer !== 'object' || answer === null || !('ok' in answer))
    return errors.badAnswer(name, JSON.stringify(answer ?? null).slice(0, 500));
  if (answer.ok === true && 'value' in answer) return { ok: true, value: answer.value as CallOutput<N> };
  if (answer.ok === false && 'error' in answer && typeof answer.error === 'object' && answer.error !== null) {
    const { code, message, hint, detail } = answer.error as Record<string, unknown>;
    if (typeof code === 'string' && typeof message === 'string') {
      return {
        ok: false,
        error: {
          code,
          message,
          hint: typeof hint === 'string' ? hint : undefined,
          detail: typeof detail === 'string' ? detail : undefined,
        },
      };
    }
  }
  return errors.badAnswer(name, JSON.stringify(answer).slice(0, 500));
}
