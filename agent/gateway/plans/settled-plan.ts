import { setTimeout as sleep } from 'node:timers/promises';
import type { Decision } from '../policy.ts';

/** Waits for what a plan says in the end. Gives back what was taken when `signal` says that nobody waits any more. */
export async function settledPlan(decision: Decision, signal: AbortSignal): Promise<Decision> {
  if (!decision.allowed || decision.wait === undefined) return decision;
  const { wait, refund } = decision;
  if (wait.kind === 'store') {
    const later = await wait.decision;
    if (!signal.aborted) return settledPlan(later, signal);
    if (later.allowed) later.refund?.();
    return later;
  }
  try {
    await sleep(wait.delayMs, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
    refund?.();
  }
  return { ...decision, wait: undefined };
}
