import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Handlers } from '../../shared/contract/contract.ts';
import { ok } from '../../shared/result/result.ts';
import type { Application, EventListener } from '../application.ts';
import { CONTENT_SECURITY_POLICY } from '../page/security-headers.ts';
import { startWebShell, type WebShell } from './web-shell.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

let base: string;
let shell: WebShell;
let listeners: Set<EventListener>;
let aborted: Promise<void>;
let started: Promise<void>;

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'adit-web-'));
  await mkdir(path.join(base, 'renderer', 'assets'), { recursive: true });
  await mkdir(path.join(base, 'renderer-evil'));
  await writeFile(path.join(base, 'renderer', 'index.html'), '<!doctype html><title>Adit</title>');
  await writeFile(path.join(base, 'renderer', 'assets', 'main-1a2b.js'), 'export {}');
  await writeFile(path.join(base, 'renderer', 'assets', 'engine.wasm'), Buffer.from([0, 97, 115, 109]));
  await writeFile(path.join(base, 'renderer-evil', 'x.js'), 'stolen');
  await writeFile(path.join(base, 'secret'), 'secret');
  listeners = new Set();
  const onAbort = Promise.withResolvers<void>();
  const onStart = Promise.withResolvers<void>();
  [aborted, started] = [onAbort.promise, onStart.promise];
  const handlers: Partial<Handlers> = {
    appInfo: async () => ok({ version: '1', shell: 'web', platform: 'linux', sampleAvailable: true }),
    gitPush: (_input, signal) =>
      new Promise((resolve) => {
        onStart.resolve();
        signal.addEventListener('abort', () => {
          onAbort.resolve();
          resolve(ok({ pushed: false }));
        });
      }),
  };
  const application: Pick<Application, 'handlers' | 'onEvent'> = {
    handlers: handlers as Handlers,
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  shell = await startWebShell({ application, staticDir: path.join(base, 'renderer'), log: pino({ level: 'silent' }) });
});

afterEach(async () => {
  await shell.close();
  await rm(base, { recursive: true, force: true });
});

/** One raw request: `fetch` would tidy up paths and refuses to set `Host` and `Origin`. */
function ask(
  target: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; signal?: AbortSignal } = {},
): Promise<Answer> {
  const [host, port] = shell.address.split(':');
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host, port, path: target, method: options.method ?? 'GET', headers: options.headers, signal: options.signal },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
        answer.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(options.body);
  });
}
const origin = (): string => `http://${shell.address}`;
async function signIn(): Promise<string> {
  const answer = await ask(new URL(shell.newUrl()).pathname + new URL(shell.newUrl()).search);
  return answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}
const call = (name: string, headers: Record<string, string>, body = '{}'): Promise<Answer> =>
  ask(`/bridge/call/${name}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });

test('a link signs in once, and leads to an address without its token', async () => {
  const { pathname, search } = new URL(shell.url);
  const first = await ask(pathname + search);
  expect(first.status).toBe(303);
  expect(first.headers.location).toBe('/');
  const [cookie = ''] = first.headers['set-cookie'] ?? [];
  expect(cookie).toMatch(/^adit-session-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const second = await ask(pathname + search);
  expect(second.status).toBe(401);
  expect(second.headers['set-cookie']).toBeUndefined();
  expect((await ask('/?token=guessed')).status).toBe(401);
});

test('a call needs the session, our own origin and our own host', async () => {
  const cookie = await signIn();
  expect(JSON.parse((await call('appInfo', { cookie, origin: origin() })).text)).toMatchObject({
    ok: true,
    value: { shell: 'web' },
  });
  expect((await call('appInfo', { origin: origin() })).status).toBe(401);
  expect((await call('appInfo', { cookie: `${cookie}x`, origin: origin() })).status).toBe(401);
  expect((await call('appInfo', { cookie })).status).toBe(403);
  for (const other of [
    'http://evil.example',
    'null',
    `https://${shell.address}`,
    origin().replace('127.0.0.1', 'localhost'),
    `${origin()}.evil.example`,
  ]) {
    expect((await call('appInfo', { cookie, origin: other })).status, other).toBe(403);
  }
  expect((await call('appInfo', { cookie, origin: origin(), 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  const rebound = `rebound.example:${shell.address.split(':')[1]}`;
  expect((await call('appInfo', { cookie, host: rebound, origin: `http://${rebound}` })).status).toBe(403);
  expect((await ask('/', { headers: { host: rebound } })).status).toBe(403);
  expect((await ask('/', { headers: { host: '127.0.0.1' } })).status).toBe(403);
  expect((await ask('/', { headers: { origin: 'http://evil.example' } })).status).toBe(403);
});

test('only JSON of a bounded size is taken, and only by POST', async () => {
  const cookie = await signIn();
  const headers = { cookie, origin: origin() };
  expect((await call('appInfo', { ...headers, 'content-type': 'text/plain' })).status).toBe(415);
  expect(
    (await call('appInfo', { ...headers, 'content-type': 'application/x-www-form-urlencoded' }, 'a=b')).status,
  ).toBe(415);
  expect((await call('appInfo', headers, '{"a":')).status).toBe(400);
  expect((await call('appInfo', { ...headers, 'content-length': String(64 * 1024 * 1024) }, '{}')).status).toBe(413);
  expect((await ask('/bridge/call/appInfo', { headers })).status).toBe(404);
  expect((await ask('/', { method: 'DELETE', headers })).status).toBe(403);
  expect(JSON.parse((await call('nothing', headers)).text)).toMatchObject({
    ok: false,
    error: { code: 'unknown-call' },
  });
  expect(JSON.parse((await call('fileRead', headers, '{"path":1}')).text)).toMatchObject({
    ok: false,
    error: { code: 'invalid-input' },
  });
});

test('the page comes with its types and every protective header, and nothing beside the build is served', async () => {
  const page = await ask('/');
  expect(page.status).toBe(200);
  expect(page.text).toContain('<title>Adit</title>');
  expect(page.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  });
  expect(CONTENT_SECURITY_POLICY).toContain("frame-ancestors 'none'");
  const script = await ask('/assets/main-1a2b.js');
  expect(script.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'private, max-age=31536000, immutable',
  });
  expect((await ask('/assets/engine.wasm')).headers['content-type']).toBe('application/wasm');
  const head = await ask('/', { method: 'HEAD' });
  expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', String(page.text.length)]);
  for (const target of [
    '/../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '/assets/..%2f..%2fsecret',
    '/../renderer-evil/x.js',
    '/%2e%2e/renderer-evil/x.js',
    '/assets',
    '/missing.js',
  ]) {
    const answer = await ask(target);
    expect([target, answer.status]).toEqual([target, 404]);
    expect(answer.headers['content-security-policy']).toBe(CONTENT_SECURITY_POLICY);
  }
});

function socket(headers: Record<string, string>, target = '/bridge/events'): Promise<WebSocket | number> {
  const page = new WebSocket(`ws://${shell.address}${target}`, { headers });
  return new Promise((resolve, reject) => {
    page.on('open', () => resolve(page));
    page.on('unexpected-response', (_request, answer) => resolve(answer.statusCode ?? 0));
    page.on('error', reject);
  });
}

test('events reach every page that is signed in, and no other', async () => {
  const cookie = await signIn();
  expect(await socket({ origin: origin() })).toBe(401);
  expect(await socket({ cookie })).toBe(403);
  expect(await socket({ cookie, origin: 'http://evil.example' })).toBe(403);
  expect(await socket({ cookie, origin: origin(), host: 'rebound.example' })).toBe(403);
  expect(await socket({ cookie, origin: origin() }, '/other')).toBe(404);
  const page = await socket({ cookie, origin: origin() });
  if (typeof page === 'number') throw new Error(`refused with ${page}`);
  const message = new Promise<unknown>((resolve) =>
    page.once('message', (data: Buffer) => resolve(JSON.parse(data.toString('utf8')))),
  );
  for (const listener of listeners) listener('fileChanged', { path: 'a.yaml', version: null });
  expect(await message).toEqual({ event: 'fileChanged', payload: { path: 'a.yaml', version: null } });
  page.terminate();
});

test('a page that goes away cancels its call', async () => {
  const cookie = await signIn();
  const abort = new AbortController();
  const pending = ask('/bridge/call/gitPush', {
    method: 'POST',
    headers: { cookie, origin: origin(), 'content-type': 'application/json' },
    body: '{}',
    signal: abort.signal,
  });
  pending.catch(() => undefined);
  await started;
  abort.abort();
  await aborted;
  await expect(pending).rejects.toThrow();
});

test('closes although a page listens', async () => {
  const cookie = await signIn();
  const page = await socket({ cookie, origin: origin() });
  if (typeof page === 'number') throw new Error(`refused with ${page}`);
  const gone = new Promise((resolve) => page.once('close', resolve));
  await shell.close();
  await gone;
  expect(listeners.size).toBe(0);
  await expect(ask('/')).rejects.toThrow('ECONNREFUSED');
});
