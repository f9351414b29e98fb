/** A session that shares a budget with others. */
export interface BudgetMember {
  /** Received and not consumed. */
  readonly bufferedBytes: number;
  /** Resets the stream that holds the most; false when none holds anything. */
  shed(): boolean;
}

/**
 * Bounds what all sessions of a process together hold for their consumers, and by how much their windows may exceed
 * what the specification gives to every stream. Give one object to all of them.
 */
export class ReceiveBudget {
  readonly maxBytes: number;
  bufferedBytes = 0;
  /** By how much windows exceed the 256 KiB of the specification. */
  grownBytes = 0;
  private readonly members = new Set<BudgetMember>();

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  join(member: BudgetMember): void {
    this.members.add(member);
  }

  leave(member: BudgetMember): void {
    this.members.delete(member);
  }

  /** Before so many bytes are taken: where they do not fit, the session that holds the most loses its largest stream. */
  makeRoom(bytes: number): void {
    while (this.bufferedBytes + bytes > this.maxBytes) {
      let largest: BudgetMember | undefined;
      for (const member of this.members) {
        if (largest === undefined || member.bufferedBytes > largest.bufferedBytes) largest = member;
      }
      if (largest === undefined || !largest.shed()) return;
    }
  }
}
