import { describe, expect, it } from 'vitest';
import {
  acceptValue,
  checkUpgradeRequest,
  newKey,
  problemOfUpgradeAnswer,
  upgradeAnswer,
  upgradeHeaders,
} from './handshake.ts';

it('answers the key of RFC 6455 §1.3 as it says', () => {
  expect(acceptValue('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

describe('a server', () => {
  const good = { method: 'GET', httpVersion: '1.1', headers: upgradeHeaders(newKey(), 'p') };
  it('takes what a client of ours asks', () => {
    expect(checkUpgradeRequest(good)).toEqual({ ok: true, value: good.headers['sec-websocket-key'] });
  });

  it.each<[string, Partial<typeof good>, Record<string, string | undefined>]>([
    ['another method', { method: 'POST' }, {}],
    ['HTTP/1.0', { httpVersion: '1.0' }, {}],
    ['another protocol', {}, { upgrade: 'h2c' }],
    ['no upgrade of the connection', {}, { connection: 'keep-alive' }],
    ['no version', {}, { 'sec-websocket-version': undefined }],
    ['version 8', {}, { 'sec-websocket-version': '8' }],
    ['no key', {}, { 'sec-websocket-key': undefined }],
    ['two keys', {}, { 'sec-websocket-key': `${newKey()}, ${newKey()}` }],
    ['a key of 15 bytes', {}, { 'sec-websocket-key': Buffer.alloc(15).toString('base64') }],
    ['a key of 17 bytes', {}, { 'sec-websocket-key': Buffer.alloc(17).toString('base64') }],
    ['a key that is no base64', {}, { 'sec-websocket-key': '!!!!!!!!!!!!!!!!!!!!!!==' }],
  ])('refuses %s', (_name, request, headers) => {
    const checked = checkUpgradeRequest({ ...good, ...request, headers: { ...good.headers, ...headers } });
    expect(checked.ok).toBe(false);
  });
});

describe('a client', () => {
  const key = newKey();
  const good = Object.fromEntries(
    upgradeAnswer(key, 'p')
      .split('\r\n')
      .slice(1)
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  it('takes what a server of ours answers', () => {
    expect(problemOfUpgradeAnswer(good, key, 'p')).toBeUndefined();
  });

  it.each([
    ['another protocol', { upgrade: 'h2c' }],
    ['no upgrade of the connection', { connection: 'close' }],
    ['the answer to another key', { 'sec-websocket-accept': acceptValue(newKey()) }],
    ['an extension', { 'sec-websocket-extensions': 'permessage-deflate' }],
    ['no sub-protocol', { 'sec-websocket-protocol': undefined }],
    ['another sub-protocol', { 'sec-websocket-protocol': 'q' }],
  ])('refuses %s', (_name, headers) => {
    expect(problemOfUpgradeAnswer({ ...good, ...headers }, key, 'p')).toBeTypeOf('string');
  });

  it('refuses a sub-protocol that it did not ask for', () => {
    expect(problemOfUpgradeAnswer(good, key, undefined)).toBeTypeOf('string');
  });
});
