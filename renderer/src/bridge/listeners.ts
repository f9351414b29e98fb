import type { EventName, EventPayload } from '../../../shared/contract/contract.ts';

type Listener = (payload: never) => void;

export interface Listeners {
  add<E extends EventName>(name: E, listener: (payload: EventPayload<E>) => void): () => void;
  /** `payload` was checked by the application against the contract. */
  tell(name: string, payload: unknown): void;
}

/** Who listens to which event. */
export function createListeners(): Listeners {
  const byName = new Map<string, Set<Listener>>();
  return {
    add(name, listener) {
      const set = byName.get(name) ?? new Set();
      byName.set(name, set.add(listener));
      return () => {
        set.delete(listener);
      };
    },
    tell(name, payload) {
      for (const listener of byName.get(name) ?? []) listener(payload as never);
    },
  };
}
