import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CONTENT_SECURITY_POLICY } from '../page/security-headers.ts';
import { pageResponse } from './page-response.ts';

let base: string;
let root: string;

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'adit-page-'));
  root = path.join(base, 'renderer');
  await mkdir(path.join(root, 'assets'), { recursive: true });
  await mkdir(path.join(base, 'renderer-evil'));
  await writeFile(path.join(root, 'index.html'), 'page');
  await writeFile(path.join(base, 'renderer-evil', 'x.js'), 'stolen');
});
afterEach(() => rm(base, { recursive: true, force: true }));

const get = (url: string, method = 'GET'): Promise<Response> => pageResponse(root, { method, url });

test('serves the page with every protective header', async () => {
  const page = await get('app://adit/');
  expect(page.status).toBe(200);
  expect(await page.text()).toBe('page');
  expect(page.headers.get('content-security-policy')).toBe(CONTENT_SECURITY_POLICY);
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
});

test('serves nothing else: no other host, method, folder or file outside the build', async () => {
  expect((await get('app://other/')).status).toBe(403);
  expect((await get('app://adit/', 'POST')).status).toBe(405);
  for (const target of [
    'assets',
    'missing.js',
    '%2e%2e/renderer-evil/x.js',
    '..%2frenderer-evil/x.js',
    '%5c..%5crenderer-evil%5cx.js',
    'index.html/x',
  ]) {
    expect((await get(`app://adit/${target}`)).status, target).toBe(404);
  }
});
