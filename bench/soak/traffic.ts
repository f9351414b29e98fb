import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEvents, openSocket } from '../../e2e/support/long-streams.ts';

const LARGE_BYTES = 8 * 1024 * 1024;
const PIECE_BYTES = 64 * 1024;

export interface Count {
  done: number;
  failed: number;
  lastError: string;
}

export interface Traffic {
  readonly counts: Readonly<Record<string, Count>>;
  stop(): Promise<void>;
}

/** What an API has besides small GETs, each kind again and again until stopped: bodies, streams, and visitors that leave. */
export function startTraffic(address: string, host: string): Traffic {
  const [hostname, port] = address.split(':');
  const base = { hostname, port: Number(port), headers: { host }, agent: false } as const;
  const stopping = new AbortController();
  const counts: Record<string, Count> = {};

  const post = (bytes: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const body = randomBytes(bytes);
      const asked = request({ ...base, path: '/echo', method: 'POST' }, (response) => {
        const hash = createHash('sha256');
        response.on('data', (piece: Buffer) => hash.update(piece));
        response.on('error', reject);
        response.on('end', () => {
          const same = hash.digest('hex') === createHash('sha256').update(body).digest('hex');
          if (response.statusCode === 200 && same) resolve();
          else reject(new Error(response.statusCode === 200 ? 'another body came back' : `${response.statusCode}`));
        });
      });
      asked.on('error', reject);
      for (let at = 0; at < body.length; at += PIECE_BYTES) asked.write(body.subarray(at, at + PIECE_BYTES));
      asked.end();
    });
  const download = (leaveAfter: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const asked = request({ ...base, path: `/bytes?n=${LARGE_BYTES}` }, (response) => {
        let seen = 0;
        response.on('data', (piece: Buffer) => {
          seen += piece.length;
          if (seen < leaveAfter) return;
          resolve();
          asked.destroy();
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200 && seen === LARGE_BYTES) resolve();
          else reject(new Error(`${response.statusCode} and ${seen} bytes`));
        });
      });
      asked.on('error', reject);
      asked.end();
    });
  const follow = async (open: typeof openEvents): Promise<void> => {
    const stream = await open(address, host);
    await sleep(500 + Math.random() * 4_000, undefined, { signal: stopping.signal }).catch(() => undefined);
    stream.close();
  };

  const loop = async (name: string, pauseMs: number, once: () => Promise<void>): Promise<void> => {
    const count = (counts[name] ??= { done: 0, failed: 0, lastError: '' });
    while (!stopping.signal.aborted) {
      try {
        await once();
        count.done += 1;
      } catch (error) {
        count.failed += 1;
        count.lastError = error instanceof Error ? error.message : String(error);
      }
      await sleep(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  const times = (n: number, start: () => Promise<void>): Promise<void>[] => Array.from({ length: n }, start);
  const loops = [
    ...times(4, () => loop('POST 1 KiB', 20, () => post(1024))),
    ...times(2, () => loop('POST 1 MiB', 200, () => post(1024 * 1024))),
    ...times(1, () => loop('GET 8 MiB', 500, () => download(Infinity))),
    ...times(2, () => loop('left in the middle', 200, () => download(1024 * 1024))),
    ...times(10, () => loop('event streams', 50, () => follow(openEvents))),
    ...times(10, () => loop('WebSockets', 50, () => follow(openSocket))),
  ];
  return {
    counts,
    async stop() {
      stopping.abort();
      await Promise.all(loops);
    },
  };
}
