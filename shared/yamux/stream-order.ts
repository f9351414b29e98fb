/** How far back an id that was passed over may still come. hashicorp/yamux has 256 opens in flight at most. */
const MAX_GAPS = 256;

/**
 * Checks the ids that the peer opens. They rise by two, but goroutines that open at the same time may put their SYNs
 * on the wire in another order (hashicorp/yamux takes the id and sends the frame in two steps), so an id that was
 * passed over may come late, once.
 */
export class StreamOrder {
  private readonly parity: number;
  private highest: number;
  private readonly gaps = new Set<number>();

  /** `peerIsClient`: the client side uses odd ids. */
  constructor(peerIsClient: boolean) {
    this.parity = peerIsClient ? 1 : 0;
    this.highest = peerIsClient ? -1 : 0;
  }

  /** True when the peer may open this id now; it counts as used from then on. */
  open(id: number): boolean {
    if (id === 0 || id % 2 !== this.parity) return false;
    if (id <= this.highest) return this.gaps.delete(id);
    const first = Math.max(this.highest + 2, id - 2 * MAX_GAPS);
    for (let skipped = first; skipped < id; skipped += 2) this.gaps.add(skipped);
    for (const oldest of this.gaps) {
      if (this.gaps.size <= MAX_GAPS) break;
      this.gaps.delete(oldest);
    }
    this.highest = id;
    return true;
  }

  /** True when the peer opened this id before. */
  wasOpened(id: number): boolean {
    return id % 2 === this.parity && id <= this.highest && !this.gaps.has(id);
  }
}
