import { expect, test } from 'vitest';

import { MachineWatch } from './machine-watch.ts';
import { HandClock } from './testing/hand-clock.ts';

function watched() {
  const clock = new HandClock();
  const state = { wall: 1_000_000, addresses: 'eth0 10.0.0.2/24' };
  const reasons: string[] = [];
  const watch = new MachineWatch({
    clock,
    now: () => state.wall,
    addresses: () => state.addresses,
    onChange: (reason) => reasons.push(reason),
  });
  const pass = (seconds: number): void => {
    for (let n = 0; n < seconds; n += 1) {
      state.wall += 1_000;
      clock.forward(1_000);
    }
  };
  return { clock, state, reasons, watch, pass };
}

test('says nothing while time passes as it should, also when the wall clock is set back', () => {
  const { state, reasons, pass } = watched();
  pass(10);
  state.wall -= 3_600_000;
  pass(10);
  expect(reasons).toEqual([]);
});

test('notices a sleep during which the clock stood still', () => {
  const { state, reasons, pass } = watched();
  pass(2);
  state.wall += 60_000;
  pass(1);
  expect(reasons).toEqual(['the machine slept']);
  pass(5);
  expect(reasons).toHaveLength(1);
});

test('notices other addresses once, and nothing after close', () => {
  const { clock, state, reasons, watch, pass } = watched();
  state.addresses = 'wlan0 192.168.1.7/24';
  pass(3);
  expect(reasons).toEqual(['the addresses of the machine changed']);
  watch.close();
  expect(clock.due()).toEqual([]);
});
