/** What middlewares remember, by what they are: a configuration that comes after goes on from where this one is. */
export class MiddlewareStates {
  #kept: ReadonlyMap<string, object> = new Map();

  /** For one configuration that is being compiled; it counts from `commit` on. */
  begin(): StatesInMaking {
    const before = this.#kept;
    const made = new Map<string, object>();
    return {
      of(type, key, make) {
        const known = made.get(key) ?? before.get(key);
        const state = known instanceof type ? known : make();
        made.set(key, state);
        return state;
      },
      commit: () => {
        this.#kept = made;
      },
    };
  }
}

export interface StatesInMaking {
  /** The state of this key from before, when it is of the type; else a new one. */
  of<T extends object>(type: new (...parameters: never[]) => T, key: string, make: () => T): T;
  commit(): void;
}
