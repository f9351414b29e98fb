const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs work that has something to clean up: Ctrl-C and the like cancel it by `signal`, and end this process as they always
 * do once it is done with that. A second one ends it at once.
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const cancel = new AbortController();
  let received: (typeof SIGNALS)[number] | undefined;
  const listeners = SIGNALS.map((name) => {
    const listener = (): void => {
      received = name;
      stopListening();
      cancel.abort(new Error(`interrupted by ${name}`));
    };
    return { name, listener };
  });
  const stopListening = (): void => {
    for (const { name, listener } of listeners) process.off(name, listener);
  };
  for (const { name, listener } of listeners) process.on(name, listener);
  try {
    return await work(cancel.signal);
  } finally {
    stopListening();
    if (received !== undefined) process.kill(process.pid, received);
  }
}
