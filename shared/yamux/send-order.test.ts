import { describe, expect, it } from 'vitest';
import { type Ordered, PROMPT_BYTES, QUANTUM_BYTES, REST_BYTES, SendOrder } from './send-order.ts';

class Sender implements Ordered {
  nextReady: Ordered | undefined;
  isReady = false;
  deficitBytes = 0;
  round = 0;
  queuedBytes = 0;
  sent = 0;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Sends `pieces` frames and tells whose they were. */
function send(order: SendOrder<Sender>, pieces: number, frameBytes = QUANTUM_BYTES): string[] {
  const turns: string[] = [];
  for (let count = 0; count < pieces; count++) {
    const next = order.next();
    if (next === undefined) break;
    const bytes = Math.min(order.allowance(next), frameBytes);
    next.queuedBytes -= bytes;
    next.sent += bytes;
    turns.push(next.name);
    order.done(next, bytes, next.queuedBytes > 0);
  }
  return turns;
}

function queue(order: SendOrder<Sender>, sender: Sender, bytes: number): void {
  sender.queuedBytes += bytes;
  order.activate(sender);
}

describe('the order of senders', () => {
  it('serves bulk in turn, and each the same', () => {
    const order = new SendOrder<Sender>();
    const all = ['a', 'b', 'c'].map((name) => new Sender(name));
    for (const sender of all) queue(order, sender, 100 * QUANTUM_BYTES);
    send(order, 30);
    expect(all.map((sender) => sender.sent)).toEqual([10, 10, 10].map((count) => count * QUANTUM_BYTES));
  });

  it('lets a small message pass all bulk', () => {
    const order = new SendOrder<Sender>();
    const bulk = Array.from({ length: 32 }, (_, index) => new Sender(`bulk ${index}`));
    for (const sender of bulk) queue(order, sender, 100 * QUANTUM_BYTES);
    send(order, 40);
    const small = new Sender('small');
    queue(order, small, 100);
    expect(send(order, 1)).toEqual(['small']);
    queue(order, small, 100);
    expect(send(order, 1)).toEqual(['small']);
  });

  it('does not let a stream that wakes up again and again starve the others', () => {
    const order = new SendOrder<Sender>();
    const bulk = new Sender('bulk');
    const greedy = new Sender('greedy');
    queue(order, bulk, 1_000 * QUANTUM_BYTES);
    for (let count = 0; count < 400; count++) {
      queue(order, greedy, QUANTUM_BYTES / 4);
      send(order, 1, QUANTUM_BYTES / 4);
    }
    expect(bulk.sent).toBeGreaterThan(0.9 * greedy.sent);
  });

  it('gives bulk that is cut into small frames the same as bulk in large ones', () => {
    const order = new SendOrder<Sender>();
    const [one, other] = [new Sender('one'), new Sender('other')];
    queue(order, one, 100 * QUANTUM_BYTES);
    queue(order, other, 100 * QUANTUM_BYTES);
    send(order, 160, QUANTUM_BYTES / 16);
    expect(one.sent).toBe(other.sent);
  });

  it('does not let a thousand that send in pieces stand before a small message', () => {
    const order = new SendOrder<Sender>();
    const many = Array.from({ length: 1_000 }, (_, index) => new Sender(`bulk ${index}`));
    for (const sender of many) queue(order, sender, QUANTUM_BYTES / 2);
    const small = new Sender('small');
    for (let round = 0; round < 5; round++) {
      queue(order, small, 100);
      // The few that are left of those before it may go first.
      expect(send(order, 20)).toContain('small');
      send(order, 1_000);
      for (const sender of many) queue(order, sender, QUANTUM_BYTES / 2);
    }
  });

  it('lets few that are larger go first as a whole', () => {
    const order = new SendOrder<Sender>();
    const bulk = new Sender('bulk');
    queue(order, bulk, 10 * QUANTUM_BYTES);
    send(order, 2);
    const answer = new Sender('answer');
    queue(order, answer, 3 * PROMPT_BYTES);
    expect(send(order, 1)).toEqual(['answer']);
    expect(answer.queuedBytes).toBe(0);
  });

  it('ends an answer in the round that leaves little of it', () => {
    const order = new SendOrder<Sender>();
    const answers = ['a', 'b', 'c'].map((name) => new Sender(name));
    for (const answer of answers) queue(order, answer, QUANTUM_BYTES + 300);
    expect(send(order, 3, QUANTUM_BYTES + REST_BYTES)).toEqual(['a', 'b', 'c']);
    expect(answers.map(({ queuedBytes }) => queuedBytes)).toEqual([0, 0, 0]);
  });

  it('does not let one that stayed for its rest, and got more meanwhile, go on', () => {
    const order = new SendOrder<Sender>();
    const [one, other] = [new Sender('one'), new Sender('other')];
    queue(order, other, 10 * QUANTUM_BYTES);
    queue(order, one, QUANTUM_BYTES + 300);
    expect(send(order, 2)).toEqual(['other', 'one']);
    one.queuedBytes += 10 * QUANTUM_BYTES;
    expect(send(order, 4)).toEqual(['other', 'one', 'other', 'one']);
  });

  it('takes back what a stream borrowed for a rest', () => {
    const order = new SendOrder<Sender>();
    const bulk = new Sender('bulk');
    const borrower = new Sender('borrower');
    queue(order, bulk, 1_000 * QUANTUM_BYTES);
    for (let count = 0; count < 1_000; count++) {
      if (!borrower.isReady) queue(order, borrower, QUANTUM_BYTES + REST_BYTES);
      send(order, 1, QUANTUM_BYTES + REST_BYTES);
    }
    expect(borrower.sent).toBeGreaterThan(300 * QUANTUM_BYTES);
    expect(borrower.sent).toBeLessThanOrEqual(bulk.sent + QUANTUM_BYTES + REST_BYTES);
  });

  it('lets go of those that are gone, and the others keep their places', () => {
    const order = new SendOrder<Sender>();
    const bulk = ['a', 'b', 'c', 'd'].map((name) => new Sender(name));
    const small = ['x', 'y', 'z'].map((name) => new Sender(name));
    for (const sender of bulk) queue(order, sender, 10 * QUANTUM_BYTES);
    send(order, 4);
    for (const sender of small) queue(order, sender, 100);
    order.forget(({ name }) => 'adxz'.includes(name));
    expect([...bulk, ...small].map(({ isReady }) => isReady)).toEqual([false, true, true, false, false, true, false]);
    queue(order, new Sender('e'), 100);
    expect(send(order, 6)).toEqual(['y', 'e', 'b', 'c', 'b', 'c']);
    order.forget(() => true);
    expect([order.isEmpty, order.next()]).toEqual([true, undefined]);
  });

  it('does not count those that are gone among the many that want to go first', () => {
    const order = new SendOrder<Sender>();
    const bulk = new Sender('bulk');
    queue(order, bulk, 10 * QUANTUM_BYTES);
    send(order, 2);
    for (let index = 0; index < 100; index++) queue(order, new Sender(`gone ${index}`), 100);
    order.forget(({ name }) => name.startsWith('gone'));
    queue(order, new Sender('answer'), 3 * PROMPT_BYTES);
    expect(send(order, 1)).toEqual(['answer']);
  });
});
