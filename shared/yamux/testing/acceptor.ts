import type { YamuxStream } from '../types.ts';
import { StreamReader } from './stream-reader.ts';

/** Collects the streams that a session accepts. */
export function acceptor(options: { consume?: boolean } = {}) {
  const readers: StreamReader[] = [];
  const waiters: (() => void)[] = [];
  const onStream = (stream: YamuxStream): void => {
    readers.push(new StreamReader(stream, options));
    for (const wake of waiters.splice(0)) wake();
  };
  const next = async (count = 1): Promise<StreamReader> => {
    while (readers.length < count) await new Promise<void>((resolve) => waiters.push(resolve));
    const reader = readers[count - 1];
    if (!reader) throw new Error('no such stream');
    return reader;
  };
  return { onStream, readers, next };
}
