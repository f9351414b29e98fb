import { expect, test } from 'vitest';
import type { Exchange } from '../../../shared/agent/api.ts';
import { decodeText, hexDump, prettyJson } from './decode-body.ts';
import { toCurl } from './to-curl.ts';

function exchange(
  method: string,
  headers: [string, string][],
  body: string | Uint8Array = '',
  truncated = false,
): Exchange {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  return {
    seq: 1,
    id: 'a',
    startedAt: '2026-01-01T00:00:00Z',
    method,
    host: 'h',
    target: '/a?b=1',
    broker: 'fra',
    attempt: 1,
    requestBytes: bytes.length,
    responseBytes: 0,
    request: { headers, body: { data: btoa(String.fromCodePoint(...bytes)), bytes: bytes.length, truncated } },
  };
}

test('a plain GET is one address', () => {
  expect(toCurl(exchange('GET', [['Host', 'h']]), 'http://x.localhost:1/')).toBe(
    "curl \\\n  'http://x.localhost:1/a?b=1'",
  );
});

test('no secret is in the command', () => {
  const text = toCurl(
    exchange('GET', [
      ['Authorization', 'Bearer abc'],
      ['X-Api-Key', 's3cret'],
      ['Cookie', 'sid=1'],
    ]),
    'http://x',
  );
  expect(text).not.toMatch(/abc|s3cret|sid=1/);
  expect(text).toContain('"Authorization: Bearer $AUTHORIZATION"');
  expect(text).toContain('"X-Api-Key: $X_API_KEY"');
});

test('quotes in body and header cannot leave their quotes', () => {
  const text = toCurl(exchange('POST', [['x', "a'; rm -rf /"]], "it's"), 'http://x');
  expect(text).toContain(`-H 'x: a'\\''; rm -rf /'`);
  expect(text).toContain(`--data-binary 'it'\\''s'`);
});

test('a body that was cut or is binary is left out and said so', () => {
  expect(toCurl(exchange('POST', [], 'half', true), 'http://x')).toMatch(
    /^# the body of 4 bytes is left out: only its start/,
  );
  expect(toCurl(exchange('POST', [], new Uint8Array([0, 255])), 'http://x')).toMatch(/it is not text/);
});

test('bodies are shown as text, JSON or bytes', () => {
  expect(decodeText(btoa('a\nb'))).toBe('a\nb');
  expect(decodeText(btoa('\u0000'))).toBeUndefined();
  expect(prettyJson('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(prettyJson('no')).toBeUndefined();
  expect(hexDump(new Uint8Array([65, 0]))).toBe(`000000  41 00${' '.repeat(42)}  A.`);
});
