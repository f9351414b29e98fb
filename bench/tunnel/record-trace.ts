import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { FlightSample } from '../../shared/yamux/flight-control.ts';
import { certificateIn, goProgram, startPair, tracingAdit } from './stack.ts';

/**
 * Records what one sender sees of its way, for the tests of the estimators: `node bench/tunnel/record-trace.ts FILE
 * [--rtt MS --mbit N] [--tls] [--streams N] [--ms N]`. Without a way it is the loopback,
 * and with `--tls` the session is one over TLS, as that of an agent and a broker is.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rtt: { type: 'string' },
    mbit: { type: 'string', default: '0' },
    tls: { type: 'boolean', default: false },
    streams: { type: 'string', default: '4' },
    ms: { type: 'string', default: '5000' },
  },
});
const MOST_SAMPLES = 400;
const [file] = positionals;
const program = await goProgram();
if (file === undefined || program === undefined) throw new Error('record-trace.ts FILE, and the relay needs Go');
const folder = await mkdtemp(join(tmpdir(), 'adit-trace-'));
const raw = join(folder, 'trace.json');
const mbit = Number(values.mbit);
{
  const way = { program, delayMs: Number(values.rtt) / 2, rate: (mbit * 1e6) / 8 };
  await using pair = await startPair(tracingAdit(raw), {
    ...(values.tls ? { tls: await certificateIn(folder) } : {}),
    ...(values.rtt === undefined ? {} : { way }),
  });
  await pair.broker.startBulk(Number(values.streams));
  await sleep(Number(values.ms));
  await pair.broker.keepTrace();
}
const samples: FlightSample[] = JSON.parse(await readFile(raw, 'utf8'));
await rm(folder, { recursive: true });
const columns = [
  'now',
  'rttMs',
  'ackedBytes',
  'underused',
  'probing',
  'quiet',
  'disturbed',
  'phase',
  'rate',
  'minRttMs',
] as const;
const first = samples[0]?.now ?? 0;
const rows = samples
  .slice(0, MOST_SAMPLES)
  .map((sample) => columns.map((name) => cell(name === 'now' ? sample.now - first : sample[name])));
const lines = rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
const head = JSON.stringify({
  rttMs: Number(values.rtt ?? 0),
  mbit,
  ...(values.tls ? { tls: true } : {}),
  streams: Number(values.streams),
});
await writeFile(
  file,
  `{\n  "way": ${head},\n  "columns": ${JSON.stringify(columns)},\n  "samples": [\n${lines}\n  ]\n}\n`,
);

/** Truth as 0 or 1, and thousandths of a millisecond. */
function cell(value: number | boolean): number {
  return typeof value === 'boolean' ? Number(value) : Math.round(value * 1000) / 1000;
}
