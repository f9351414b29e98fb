import type { Bridge } from '../../../shared/contract/contract.ts';
import { errors } from '../errors.ts';
import { readAnswer } from './answer.ts';
import { backoffMs } from './backoff.ts';
import { createListeners } from './listeners.ts';

export interface WebBridge extends Bridge {
  close(): void;
}

/**
 * The bridge of the web shell: `POST /bridge/call/NAME` with a JSON body, and a WebSocket `/bridge/events` with messages
 * `{event, payload}`. The cookie that the one-time link left behind signs both; `onSignedOut` is called on a 401.
 */
export function webBridge(base: URL, onSignedOut: () => void): WebBridge {
  const listeners = createListeners();
  const connection = new Set<(state: 'open' | 'lost') => void>();
  let state: 'open' | 'lost' = 'lost';
  let socket: WebSocket | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  let closed = false;

  function become(next: 'open' | 'lost'): void {
    if (next === state) return;
    state = next;
    for (const listener of connection) listener(next);
  }

  function connect(): void {
    const url = new URL('bridge/events', base);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    const own = new WebSocket(url);
    socket = own;
    own.addEventListener('open', () => {
      failures = 0;
      become('open');
    });
    own.addEventListener('message', (message) => {
      const read = readEvent(message.data);
      if (read) listeners.tell(read.event, read.payload);
    });
    own.addEventListener('close', () => {
      if (closed || socket !== own) return;
      become('lost');
      retry = setTimeout(connect, backoffMs(failures));
      failures += 1;
    });
  }
  connect();

  function close(): void {
    closed = true;
    clearTimeout(retry);
    socket?.close();
  }

  return {
    async call(name, input, signal) {
      let text = '';
      try {
        const answer = await fetch(new URL(`bridge/call/${name}`, base), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(input),
          credentials: 'same-origin',
          signal: signal ?? null,
        });
        if (answer.status === 401) {
          close();
          onSignedOut();
          return errors.signedOut();
        }
        text = await answer.text();
      } catch (reason) {
        return signal?.aborted ? errors.cancelled(name) : errors.unreachable(name, String(reason));
      }
      try {
        return readAnswer(name, JSON.parse(text));
      } catch {
        return errors.badAnswer(name, text.slice(0, 500));
      }
    },
    on: (name, listener) => listeners.add(name, listener),
    onConnection(listener) {
      connection.add(listener);
      listener(state);
      return () => {
        connection.delete(listener);
      };
    },
    close,
  };
}

function readEvent(data: unknown): { event: string; payload: unknown } | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    const message: unknown = JSON.parse(data);
    if (
      typeof message === 'object' &&
      message !== null &&
      'event' in message &&
      typeof message.event === 'string' &&
      'payload' in message
    ) {
      return { event: message.event, payload: message.payload };
    }
  } catch {
    // A message that is not JSON carries nothing to show; the state is read anew when the socket comes back.
  }
  return undefined;
}
