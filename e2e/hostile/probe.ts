import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import type { HostileStack } from '../support/hostile-stack.ts';

export interface Probe {
  readonly name: string;
  /** What goes over the wire, in short. */
  readonly sent: string;
  /** What must be seen; see `seenIn`. */
  readonly expected: string;
  run(stack: HostileStack): Promise<string>;
}

/** How long a probe may hang; it only ends one that would never. */
const PATIENCE_MS = 20_000;

/**
 * Statuses in their order, an answer of the broker with its code, an answer of an upstream with its name; `closed` when
 * the other side ended the connection without any.
 */
export function seenIn(text: string): string {
  const answers = text.split(/(?=HTTP\/1\.[01] \d{3} )/).filter((part) => part.startsWith('HTTP/1.'));
  if (answers.length === 0) return text === '' ? 'closed' : `closed after ${text.length} bytes`;
  return answers
    .map((answer) => {
      const status = answer.slice(9, 12);
      const code = /"code":"([a-z.-]+)"/.exec(answer)?.[1];
      const upstream = /\r\n\r\n(?:[0-9a-f]+\r\n)?(shop|bank|home) /.exec(answer)?.[1];
      return [status, code ?? upstream].filter((part) => part !== undefined).join(' ');
    })
    .join(', ');
}

/** What is seen, or `still open` when that takes too long; then `cut` ends it. */
export async function patience(seen: Promise<string>, cut: () => void): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => {
      cut();
      resolve('still open');
    }, PATIENCE_MS);
  });
  // What is cut fails later, when nobody waits for it.
  seen.catch(() => undefined);
  return Promise.race([seen, late]).finally(() => clearTimeout(timer));
}

export function dial(address: string): Socket {
  const [host, port] = address.split(':');
  return connect({ host: host ?? '', port: Number(port), noDelay: true, allowHalfOpen: true });
}

/** Sends the pieces, each once the one before has left, and collects what comes until the other side ends. */
export function exchange(socket: Duplex, pieces: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const timer = setTimeout(() => {
      text += ' and still open';
      socket.destroy();
    }, PATIENCE_MS);
    socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    const next = (at: number): void => {
      const piece = pieces[at];
      if (piece === undefined || socket.destroyed) return;
      socket.write(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece, () => next(at + 1));
    };
    next(0);
  });
}

/** The probe of raw bytes to the broker in the clear. `{host}` and `{other}` stand for the two tenants. */
export function raw(name: string, sent: string, expected: string, text: string): Probe {
  return {
    name,
    sent,
    expected,
    run: async (stack) => seenIn(await exchange(dial(stack.plain.address), [filled(text, stack)])),
  };
}

export function filled(text: string, stack: HostileStack): string {
  const [shop, bank] = stack.tenants;
  return text.replaceAll('{tail}', shop.host.slice(1)).replaceAll('{host}', shop.host).replaceAll('{other}', bank.host);
}

export async function overTls(stack: HostileStack, name: string, text: string): Promise<string> {
  const [host, port] = stack.secure.address.split(':');
  const socket = connectTls({ host: host ?? '', port: Number(port), ca: stack.ca, servername: name });
  return seenIn(await exchange(socket, [text]));
}
