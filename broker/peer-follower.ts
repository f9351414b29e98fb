import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import type { Logger } from 'pino';
import { z } from 'zod';
import { SilenceWatch } from './silence-watch.ts';

/** `GET /routes` of a peer: event `routes` is the whole list, event `change` what differs; a comment twice a second. */
export const routesEvent = z.object({ hosts: z.array(z.string().max(253)).max(100_000) });
export const changeEvent = z.object({ added: z.array(z.string().max(253)), removed: z.array(z.string().max(253)) });
export const ROUTES_PATH = '/routes';
export const ROUTES_PING_MS = 500;

/** A peer that is silent though its connection stands is doubted after the first time, taken for dead after the second. */
const DOUBT_MS = 1_500;
const SILENCE_MS = 6_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 2_000;
/** A peer that was followed for as long was lost by chance: it is asked again at once. */
const HELD_MS = 5_000;
const MAX_EVENT_BYTES = 32 * 1024 * 1024;

export interface PeerFollowerReceiver {
  onHosts(added: readonly string[], removed: readonly string[]): void;
  onUp(): void;
  /** It is silent: another is better; or it is heard again. */
  onDoubt(doubted: boolean): void;
  onDown(reason: string): void;
}

/** Follows the routes of one peer for ever; the end of the connection is the death of the peer. */
export class PeerFollower {
  readonly #peer: string;
  readonly #secret: string;
  readonly #log: Logger;
  readonly #receiver: PeerFollowerReceiver;
  #hosts = new Set<string>();
  #request: ClientRequest | undefined;
  #retry: NodeJS.Timeout | undefined;
  #silence: SilenceWatch | undefined;
  #retryMs = FIRST_RETRY_MS;
  #upAt = 0;
  /** How often in a row it was lost as soon as it was up. */
  #flaps = 0;
  #stopped = false;
  #lastReason: string | undefined;
  up = false;

  constructor(peer: string, secret: string, log: Logger, receiver: PeerFollowerReceiver) {
    this.#peer = peer;
    this.#secret = secret;
    this.#log = log.child({ peer });
    this.#receiver = receiver;
  }

  start(): void {
    this.#dial();
  }

  stop(): void {
    this.#stopped = true;
    this.#end('stopped');
    clearTimeout(this.#retry);
  }

  /** Forgets the routes now and asks again. */
  restart(reason: string): void {
    if (this.up) this.#end(reason);
  }

  #dial(): void {
    if (this.#stopped) return;
    const { host, port } = splitAddress(this.#peer);
    const dialled = request({
      host,
      port,
      path: ROUTES_PATH,
      agent: false,
      headers: { authorization: `Bearer ${this.#secret}`, accept: 'text/event-stream' },
    });
    this.#request = dialled;
    this.#silence?.stop();
    this.#silence = new SilenceWatch({
      doubtMs: DOUBT_MS,
      endMs: SILENCE_MS,
      onDoubt: (doubted) => this.#onDoubt(doubted, dialled),
      onEnd: () => this.#fail(dialled, `it was silent for ${SILENCE_MS} ms`),
    });
    dialled.on('response', (response) => {
      if (response.statusCode !== 200) {
        this.#fail(dialled, `it answered ${response.statusCode}`);
        return;
      }
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        if (this.#request !== dialled) return;
        this.#silence?.heard();
        text += piece;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const event = text.slice(0, end);
          text = text.slice(end + 2);
          if (!this.#take(event)) {
            this.#fail(dialled, 'it sent an event that is not valid');
            return;
          }
        }
        if (text.length > MAX_EVENT_BYTES) this.#fail(dialled, 'it sent an event that is too large');
      });
      response.on('error', (error) => this.#fail(dialled, error.message));
      response.on('close', () => this.#fail(dialled, 'its connection ended'));
    });
    dialled.on('error', (error) => this.#fail(dialled, error.message));
    dialled.end();
  }

  #onDoubt(doubted: boolean, dialled: ClientRequest): void {
    // One that has not answered yet serves nothing that could be doubted: it is dialled again.
    if (!this.up) {
      if (doubted) this.#fail(dialled, `it did not answer within ${DOUBT_MS} ms`);
    } else {
      if (doubted) this.#log.warn({ silentMs: DOUBT_MS }, 'peer is silent; others are preferred');
      this.#receiver.onDoubt(doubted);
    }
  }

  #take(event: string): boolean {
    let type = 'message';
    let data = '';
    for (const line of event.split('\n')) {
      if (line.startsWith('event: ')) type = line.slice(7);
      else if (line.startsWith('data: ')) data += line.slice(6);
    }
    if (data === '') return true;
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      return false;
    }
    if (type === 'routes') {
      const routes = routesEvent.safeParse(value);
      if (!routes.success) return false;
      const hosts = new Set(routes.data.hosts);
      const removed = [...this.#hosts].filter((host) => !hosts.has(host));
      this.#hosts = hosts;
      this.#receiver.onHosts(routes.data.hosts, removed);
      if (!this.up) this.#onUp();
    } else if (type === 'change') {
      const change = changeEvent.safeParse(value);
      if (!change.success) return false;
      for (const host of change.data.removed) this.#hosts.delete(host);
      for (const host of change.data.added) this.#hosts.add(host);
      this.#receiver.onHosts(change.data.added, change.data.removed);
    }
    return true;
  }

  #onUp(): void {
    this.up = true;
    this.#upAt = performance.now();
    this.#lastReason = undefined;
    this.#log.info({ hosts: this.#hosts.size }, 'peer follows');
    this.#receiver.onUp();
  }

  #fail(dialled: ClientRequest, reason: string): void {
    if (this.#request === dialled) this.#end(reason);
  }

  #end(reason: string): void {
    const wasUp = this.up;
    const ended = this.#request;
    this.#request = undefined;
    this.up = false;
    this.#hosts.clear();
    this.#silence?.stop();
    ended?.destroy();
    if (wasUp) {
      this.#flaps = performance.now() - this.#upAt >= HELD_MS ? 0 : Math.min(10, this.#flaps + 1);
      this.#retryMs = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#flaps);
      this.#receiver.onDown(reason);
    }
    if (this.#stopped) return;
    // One line for each new reason, not one for each try.
    if (this.#lastReason !== reason) this.#log.warn({ reason }, 'peer is away');
    this.#lastReason = reason;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#dial(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, MAX_RETRY_MS);
  }
}

/** `HOST:PORT`, IPv6 in brackets. */
export function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  return { host: host.startsWith('[') ? host.slice(1, -1) : host, port: Number(address.slice(colon + 1)) };
}
