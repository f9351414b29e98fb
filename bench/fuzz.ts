import { parseArgs } from 'node:util';
import { fuzzHttp1 } from './fuzz-http1.ts';
import { fuzzWebSocket } from './fuzz-websocket.ts';
import { fuzzYamux } from './fuzz-yamux.ts';

/** Every fuzzer by the name of what it attacks: resolves to false when it found a failure. */
const targets: Readonly<Record<string, (minutes: number, seed: number) => Promise<boolean>>> = {
  http1: fuzzHttp1,
  websocket: fuzzWebSocket,
  yamux: fuzzYamux,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
});
const target = targets[positionals[0] ?? ''];
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);

if (target === undefined || !(minutes > 0) || !Number.isInteger(seed)) {
  console.error(`usage: npm run fuzz -- ${Object.keys(targets).join('|')} [--minutes N] [--seed N]`);
  process.exitCode = 2;
} else if (!(await target(minutes, seed))) {
  process.exitCode = 1;
}
