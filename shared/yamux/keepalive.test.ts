import { describe, expect, it } from 'vitest';
import { memoryChannelPair } from './memory-channel.ts';
import { Session } from './session.ts';
import { ManualClock } from './testing/manual-clock.ts';

/** A session whose peer answers, and the switch that silences it. */
function watched() {
  const clock = new ManualClock();
  const suspicions: boolean[] = [];
  const [near, far] = memoryChannelPair();
  const server = new Session(far, { role: 'server', keepAlive: false });
  const session = new Session(near, { role: 'client', clock, onSuspect: (suspect) => suspicions.push(suspect) });
  return { clock, suspicions, session, far, end: () => server.destroy() };
}

async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('keep-alive', () => {
  it('stays quiet while the peer answers', async () => {
    const { clock, suspicions, session, end } = watched();
    for (let second = 0; second < 30; second++) {
      clock.advance(1_000);
      await turns();
    }
    expect([suspicions, session.suspect, session.canOpen]).toEqual([[], false, true]);
    end();
    await session.closed;
    expect(clock.pending).toBe(0);
  });

  it('suspects after one missed ping and ends after two', async () => {
    const { clock, suspicions, session, far, end } = watched();
    far.hold(true);
    clock.advance(1_000);
    expect(suspicions).toEqual([]);
    clock.advance(1_000);
    expect([suspicions, session.suspect]).toEqual([[true], true]);
    clock.advance(999);
    expect(session.canOpen).toBe(true);
    clock.advance(1);
    expect(await session.closed).toMatchObject({ code: 'yamux-keepalive-timeout' });
    expect(clock.pending).toBe(0);
    end();
  });

  it('trusts again a peer that is heard again', async () => {
    const { clock, suspicions, session, far, end } = watched();
    far.hold(true);
    clock.advance(2_000);
    far.hold(false);
    await turns();
    expect(suspicions).toEqual([true, false]);
    for (let second = 0; second < 5; second++) {
      clock.advance(1_000);
      await turns();
    }
    expect([suspicions, session.canOpen]).toEqual([[true, false], true]);
    session.destroy();
    end();
  });

  it('takes any byte as a sign of life', async () => {
    const clock = new ManualClock();
    const suspicions: boolean[] = [];
    const [near, far] = memoryChannelPair();
    far.attach({ onBytes() {}, onClosed() {} });
    const session = new Session(near, {
      role: 'server',
      clock,
      onStream: () => {},
      onSuspect: (suspect) => suspicions.push(suspect),
    });
    for (let round = 0; round < 10; round++) {
      clock.advance(900);
      far.send([Uint8Array.of(0, 1, 0, 1, 0, 0, 0, round * 2 + 1, 0, 0, 0, 0)], () => {});
      await turns();
    }
    expect([suspicions, session.canOpen]).toEqual([[], true]);
    session.destroy();
  });

  it('does not blame the peer for the time in which this process slept', async () => {
    const { clock, suspicions, session, end } = watched();
    clock.advance(1_000);
    clock.sleep(3_600_000);
    expect(session.canOpen).toBe(true);
    await turns();
    clock.advance(1_000);
    await turns();
    expect([suspicions, session.canOpen]).toEqual([[], true]);
    session.destroy();
    end();
  });

  it('reads what lies in the socket before it judges, when its timer was a little late', async () => {
    const { clock, suspicions, session, far, end } = watched();
    far.hold(true);
    clock.advance(1_000);
    await turns();
    clock.sleep(1_100);
    expect(suspicions).toEqual([]);
    far.hold(false);
    await turns();
    clock.advance(10);
    expect([suspicions, session.canOpen]).toEqual([[], true]);
    session.destroy();
    end();
  });

  it('ends a silent session in the end, however late each timer is', async () => {
    const { clock, session, far, end } = watched();
    far.hold(true);
    for (let late = 0; late < 12; late++) clock.sleep(3_000);
    expect(await session.closed).toMatchObject({ code: 'yamux-keepalive-timeout' });
    end();
  });

  it('keeps a silent session for as long as its owner wants, and trusts it when it is heard', async () => {
    const clock = new ManualClock();
    const suspicions: boolean[] = [];
    const silences: number[] = [];
    let last = true;
    const [near, far] = memoryChannelPair();
    const server = new Session(far, { role: 'server', keepAlive: false });
    const session = new Session(near, {
      role: 'client',
      clock,
      onSuspect: (suspect) => suspicions.push(suspect),
      onSilent: (silentMs) => (silences.push(silentMs), !last),
    });
    far.hold(true);
    clock.advance(5_000);
    expect([silences, session.suspect, session.canOpen]).toEqual([[2_000, 3_000, 4_000], true, true]);
    far.hold(false);
    await turns();
    expect([suspicions, session.suspect]).toEqual([[true, false], false]);
    far.hold(true);
    last = false;
    clock.advance(10_000);
    expect(await session.closed).toMatchObject({ code: 'yamux-keepalive-timeout' });
    expect([silences, clock.pending]).toEqual([[2_000, 3_000, 4_000, 2_000], 0]);
    server.destroy();
  });
});
