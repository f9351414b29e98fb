import type {
  Bridge,
  CallName,
  CallOutput,
  EventName,
  EventPayload,
  Handlers,
} from '../../shared/contract/contract.ts';
import { fail, type Result } from '../../shared/result/result.ts';
import { createListeners } from '../src/bridge/listeners.ts';

export type MemoryHandlers = { [N in CallName]?: Handlers[N] };

export interface MemoryBridge extends Bridge {
  tell<E extends EventName>(name: E, payload: EventPayload<E>): void;
  connection(state: 'open' | 'lost'): void;
}

/** A bridge to handlers in the page itself: for looking at the interface in states that are hard to bring about. */
export function memoryBridge(handlers: MemoryHandlers): MemoryBridge {
  const listeners = createListeners();
  const watchers = new Set<(state: 'open' | 'lost') => void>();
  return {
    async call(name, input, signal): Promise<Result<CallOutput<typeof name>>> {
      const handler = handlers[name];
      if (!handler) return fail('not-here', `The memory bridge has no "${name}".`);
      await Promise.resolve();
      // Handlers are indexed by name; input and handler belong together.
      return handler(structuredClone(input) as never, signal ?? new AbortController().signal) as Promise<
        Result<CallOutput<typeof name>>
      >;
    },
    on: (name, listener) => listeners.add(name, listener),
    onConnection(listener) {
      watchers.add(listener);
      listener('open');
      return () => {
        watchers.delete(listener);
      };
    },
    tell: (name, payload) => listeners.tell(name, payload),
    connection(state) {
      for (const watcher of watchers) watcher(state);
    },
  };
}
