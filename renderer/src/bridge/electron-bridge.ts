import type { Bridge } from '../../../shared/contract/contract.ts';
import { errors } from '../errors.ts';
import { readAnswer } from './answer.ts';

/** What the preload script exposes as `window.adit`. */
interface Preload {
  call(name: string, input: unknown): Promise<unknown>;
  on(name: string, listener: (payload: unknown) => void): () => void;
}

declare global {
  interface Window {
    readonly adit?: Preload;
  }
}

/** The bridge of the desktop shell, where the window and the application cannot lose each other. */
export function electronBridge(preload: Preload): Bridge {
  return {
    async call(name, input, signal) {
      if (signal?.aborted) return errors.cancelled(name);
      try {
        const answer = readAnswer(name, await preload.call(name, input));
        return signal?.aborted ? errors.cancelled(name) : answer;
      } catch (reason) {
        return errors.unreachable(name, String(reason));
      }
    },
    on: (name, listener) => preload.on(name, (payload) => listener(payload as never)),
    onConnection(listener) {
      listener('open');
      return () => undefined;
    },
  };
}
