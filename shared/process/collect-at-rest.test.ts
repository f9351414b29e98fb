import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const source = fileURLToPath(new URL('./collect-at-rest.ts', import.meta.url));

/**
 * A process that makes much garbage at its start, and then does `then`. It says `collected` when what it dropped is gone, and ends
 * by itself after `looks` looks at it.
 */
async function run(then: string, looks: number): Promise<string[]> {
  const program = `
    import { collectAtRest } from ${JSON.stringify(source)};
    const stop = collectAtRest({ lookEveryMs: 20, apartMs: 100 });
    let made = Array.from({ length: 200_000 }, (_, index) => ({ index, text: 'x' + index }));
    const dropped = new WeakRef(made);
    // Without this V8 would not have it in the old generation.
    await new Promise((done) => setTimeout(done, 1));
    made = undefined;
    ${then}
    let looks = 0;
    const timer = setInterval(() => {
      looks += 1;
      const gone = dropped.deref() === undefined;
      if (gone) console.log('collected');
      if (!gone && looks < ${looks}) return;
      clearInterval(timer);
      clearInterval(globalThis.busy);
    }, 20);
  `;
  const child = spawn(process.execPath, ['--max-semi-space-size=64', '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(0);
  return lines;
}

test('what a process dropped is collected once it rests, and nothing keeps the process alive for it', async () => {
  expect(await run('', 1_000)).toEqual(['collected']);
});

test('a process that works is left alone', async () => {
  const busy =
    'globalThis.busy = setInterval(() => { for (const end = performance.now() + 10; performance.now() < end;); }, 5);';
  expect(await run(busy, 25)).toEqual([]);
});

test('who stopped it hears no more of it', async () => {
  expect(await run('stop();', 25)).toEqual([]);
});
