import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEvents, openSocket } from '../../e2e/support/long-streams.ts';
import { get } from '../../e2e/support/http-load.ts';

/** One visitor that tries everything once: `probe-process ADDRESS HOST`. Prints what worked as one JSON line. */
const [address = '', host = ''] = process.argv.slice(2);
const [hostname, port] = address.split(':');
const GETS = 100;
const BULK_BYTES = 2 * 1024 * 1024;
const POST_BYTES = 512 * 1024;
const STREAM_MS = 3_000;

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
const latencies: number[] = [];
let failed = 0;
for (let n = 0; n < GETS; n += 4) {
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const from = performance.now();
      const answer = await get(address, host, '/', {}, agent).catch(() => undefined);
      if (answer?.status === 200 && answer.body.length === 1024) latencies.push(performance.now() - from);
      else failed += 1;
    }),
  );
}
agent.destroy();
const sorted = latencies.toSorted((a, b) => a - b);
const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN;

async function timed(work: () => Promise<number>): Promise<number> {
  const from = performance.now();
  const bytes = await work().catch(() => NaN);
  return bytes / 1e6 / ((performance.now() - from) / 1000);
}
const download = await timed(async () => (await get(address, host, `/bytes?n=${BULK_BYTES}`)).body.length);
const echo = await timed(
  () =>
    new Promise<number>((resolve, reject) => {
      const asked = request({
        hostname,
        port: Number(port),
        path: '/echo',
        method: 'POST',
        headers: { host },
        agent: false,
      });
      asked.on('error', reject);
      asked.on('response', (response) => {
        let bytes = 0;
        response.on('data', (piece: Buffer) => (bytes += piece.length));
        response.on('error', reject);
        response.on('end', () => (bytes === POST_BYTES ? resolve(bytes) : reject(new Error('cut'))));
      });
      asked.end(Buffer.alloc(POST_BYTES, 'x'));
    }),
);
const streams = await Promise.all(
  [openEvents(address, host), openSocket(address, host)].map((one) => one.catch(() => undefined)),
);
await sleep(STREAM_MS);
const held = streams.map((stream) => stream !== undefined && stream.end === undefined && stream.received > 3);
for (const stream of streams) stream?.close();
console.log(
  JSON.stringify({
    gets: GETS,
    failed,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    download,
    echo,
    events: held[0],
    socket: held[1],
  }),
);
process.exit();
