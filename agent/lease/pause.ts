import { setTimeout as timeout } from 'node:timers/promises';

/** Resolves after `ms`, or early when aborted. Keeps no process alive. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

export const pause: Pause = async (ms, signal) => {
  try {
    await timeout(ms, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
};
