import type { LocalResponse } from './entrance.ts';
import { ROUTES_PING_MS } from './peer-follower.ts';
import type { RoutingTable } from './routing-table.ts';

/** `GET /routes` for edges: the hosts with a live session here, and each change, as server-sent events. */
export class RouteFeed {
  readonly #table: RoutingTable;
  readonly #followers = new Set<{ write(text: string): void; end(): void }>();
  readonly #stopListening: () => void;
  readonly #pinger: NodeJS.Timeout;

  constructor(table: RoutingTable) {
    this.#table = table;
    this.#stopListening = table.onChange((change) => this.#send(`event: change\ndata: ${JSON.stringify(change)}\n\n`));
    this.#pinger = setInterval(() => this.#send(': ping\n\n'), ROUTES_PING_MS);
    this.#pinger.unref();
  }

  follow(out: LocalResponse): void {
    const follower = out.stream(() => this.#followers.delete(follower));
    this.#followers.add(follower);
    follower.write(`event: routes\ndata: ${JSON.stringify({ hosts: this.#table.hosts })}\n\n`);
  }

  close(): void {
    clearInterval(this.#pinger);
    this.#stopListening();
    for (const follower of this.#followers) follower.end();
  }

  #send(text: string): void {
    for (const follower of this.#followers) follower.write(text);
  }
}
