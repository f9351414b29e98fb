import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runAdit } from './support/run-adit.ts';
import { adit, root, RunningProgram } from './support/running-stack.ts';

let home: string;
let workspace: string;
let program: RunningProgram | undefined;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'adit-https-'));
  workspace = join(home, 'petstore');
  cpSync(join(root, 'examples/petstore'), workspace, { recursive: true });
});
afterEach(async () => {
  await program?.stop();
  program = undefined;
  rmSync(home, { recursive: true, force: true });
});

async function up(...flags: string[]): Promise<{ url: URL; edge: string }> {
  await program?.stop();
  program = new RunningProgram(process.execPath, [adit, 'up', '--json', '--preview', workspace, ...flags], {
    env: { ADIT_STATE_DIR: join(home, 'state') },
  });
  const ready = await program.line((line) => line.event === 'ready' || line.event === 'failed');
  expect(ready).toMatchObject({ event: 'ready' });
  const edge = ready['edge'] as { address: string };
  return { url: new URL(String(ready['url'])), edge: edge.address };
}

async function authority(): Promise<{ file: string; fingerprint: string }> {
  const { code, out } = await runAdit(['ca', '--json'], { env: { ADIT_STATE_DIR: join(home, 'state') } });
  expect(code).toBe(0);
  return JSON.parse(out) as { file: string; fingerprint: string };
}

/** The status, for a visitor who trusts `ca` (PEM) besides the roots of Node. */
async function visit(url: URL, edge: string, ca?: string): Promise<number | undefined> {
  const [host, port] = edge.split(':');
  const asked = request({ host, port, servername: url.hostname, headers: { host: url.host }, ...(ca ? { ca } : {}) });
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response.statusCode;
}

test('adit up --https: visitors who trust the development CA come by HTTPS, others are warned', async () => {
  const { url, edge } = await up('--https');
  expect(url.protocol).toBe('https:');
  expect(url.hostname).toMatch(/^petstore-[a-z0-9]+\.localhost$/);
  const { file, fingerprint } = await authority();
  expect(await visit(url, edge, readFileSync(file, 'utf8')), 'without an API key').toBe(401);
  await expect(visit(url, edge)).rejects.toThrow(/certificate|issuer/i);
  await expect(visit(new URL('https://other.example'), edge, readFileSync(file, 'utf8'))).rejects.toThrow(/other/);

  // Trusting it once is enough: the next run has the same.
  const again = await up('--https');
  expect((await authority()).fingerprint).toBe(fingerprint);
  expect(await visit(again.url, again.edge, readFileSync(file, 'utf8'))).toBe(401);
});

test('a workspace whose adit.yaml says so is by HTTPS, unless it is told otherwise', async () => {
  const config = join(workspace, 'adit.yaml');
  writeFileSync(config, `${readFileSync(config, 'utf8')}\npreview: { https: true }\n`);
  const { url, edge } = await up();
  expect(url.protocol).toBe('https:');
  expect(await visit(url, edge, readFileSync((await authority()).file, 'utf8'))).toBe(401);
  expect((await up('--no-https')).url.protocol).toBe('http:');
});

test('a development CA that cannot be used is told with its files, and nothing starts', async () => {
  const { file } = await authority();
  writeFileSync(file, 'nonsense');
  program = new RunningProgram(process.execPath, [adit, 'up', '--json', '--https', '--preview', workspace], {
    env: { ADIT_STATE_DIR: join(home, 'state') },
  });
  const failed = await program.line((line) => line.event === 'ready' || line.event === 'failed');
  expect(failed.event).toBe('failed');
  expect(String(failed['message'])).toContain(file);
  expect(readFileSync(file, 'utf8')).toBe('nonsense');
  const shown = await runAdit(['ca'], { env: { ADIT_STATE_DIR: join(home, 'state') } });
  expect([shown.code, shown.out]).toEqual([3, '']);
  expect(shown.err).toContain(`adit: ${file}`);
});
