import { expect, test } from 'vitest';
import { ManualClock } from '../shared/yamux/testing/manual-clock.ts';
import { SilenceWatch } from './silence-watch.ts';

function watched() {
  const clock = new ManualClock();
  const told: (boolean | 'end')[] = [];
  const watch = new SilenceWatch({
    doubtMs: 600,
    endMs: 2_400,
    clock,
    onDoubt: (doubted) => told.push(doubted),
    onEnd: () => told.push('end'),
  });
  return { clock, told, watch };
}

test('one that is silent is doubted, then taken for dead', () => {
  const { clock, told } = watched();
  clock.advance(599);
  expect(told).toEqual([]);
  clock.advance(1);
  expect(told).toEqual([true]);
  clock.advance(1_799);
  expect(told).toEqual([true]);
  clock.advance(1);
  expect(told).toEqual([true, 'end']);
  expect(clock.pending).toBe(0);
});

test('one that is heard again is trusted again', () => {
  const { clock, told, watch } = watched();
  clock.advance(2_000);
  watch.heard();
  clock.advance(599);
  expect(told).toEqual([true, false]);
  watch.stop();
  expect(clock.pending).toBe(0);
});

test('the time in which this process got no processor is not silence', () => {
  const { clock, told, watch } = watched();
  for (let stop = 0; stop < 5; stop += 1) {
    clock.sleep(60_000);
    expect(told).toEqual([]);
  }
  watch.heard();
  clock.sleep(60_000);
  expect(told).toEqual([]);
  watch.stop();
});
