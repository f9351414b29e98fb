import { expect, test } from 'vitest';
import { Mask } from '../../recorder/mask.ts';
import { Recorder } from '../../recorder/recorder.ts';
import { Observers } from './observers.ts';

test('what cannot be counted is said once, and fails neither the exchange nor the others who want to know', () => {
  const said: string[] = [];
  let told = 0;
  const faulty = {
    begin: () => {
      throw new Error('no span');
    },
    finished: () => {
      throw new Error('no count');
    },
  };
  const observers = new Observers([faulty, { finished: () => (told += 1) }], (message) => said.push(message));
  const recorder = new Recorder();
  recorder.watchFor = (record) => observers.watch(record);
  for (const id of ['one', 'two']) {
    const start = { id, method: 'GET', host: 'h', target: '/', headers: [], broker: 'b', attempt: 1, mask: new Mask() };
    recorder.begin(start).finish();
  }
  expect([told, said.length]).toEqual([2, 1]);
  expect(said[0]).toContain('no span');
});
