import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';

import { memoryChannelPair } from '../../shared/yamux/memory-channel.ts';
import { Session } from '../../shared/yamux/session.ts';
import { ManualClock } from '../../shared/yamux/testing/manual-clock.ts';

import { answerWithin } from './answer-within.ts';

function asked() {
  const clock = new ManualClock();
  const [near, far] = memoryChannelPair();
  const peer = new Session(far, { role: 'server', keepAlive: false });
  const session = new Session(near, { role: 'client', keepAlive: false });
  const silences: number[] = [];
  answerWithin(session, 1_000, clock, () => silences.push(clock.now()));
  const end = (): void => {
    session.destroy();
    peer.destroy();
  };
  return { clock, far, session, silences, end };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

test('an answer in time ends the wait', async () => {
  const { clock, silences, end } = asked();
  await turns();
  expect(clock.pending).toBe(0);
  end();
  expect(silences).toEqual([]);
});

test('no answer is told once', async () => {
  const { clock, far, silences, end } = asked();
  far.hold(true);
  clock.advance(1_000);
  await turns();
  expect([silences, clock.pending]).toEqual([[1_000], 0]);
  end();
});

test('an answer that lies unread while this process is away is waited for', async () => {
  const { clock, far, silences, end } = asked();
  far.hold(true);
  clock.sleep(5_000);
  await turns();
  far.hold(false);
  await turns();
  expect([silences, clock.pending]).toEqual([[], 0]);
  end();
});

test('a process that is always late ends the wait all the same', async () => {
  const { clock, far, silences, end } = asked();
  far.hold(true);
  for (let late = 0; late < 5; late++) clock.sleep(2_000);
  await turns();
  expect(silences).toHaveLength(1);
  end();
});
