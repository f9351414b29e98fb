import { describe, expect, test } from 'vitest';

import { proxyFor } from './proxy-rules.ts';

const environment = { HTTPS_PROXY: 'http://proxy.corp:3128', HTTP_PROXY: 'http://plain.corp:3128' };
const hostUsed = (url: string, more: Record<string, string> = {}): string | undefined =>
  proxyFor(new URL(url), { ...environment, ...more })?.hostname;

describe('which proxy', () => {
  test.each([
    ['wss://broker.example/tunnel', 'proxy.corp'],
    ['https://control.example', 'proxy.corp'],
    ['ws://broker.example/tunnel', 'plain.corp'],
    ['http://control.example', 'plain.corp'],
  ])('%s goes through %s', (url, host) => {
    expect(hostUsed(url)).toBe(host);
  });

  test('lower case comes first, a scheme may be missing, and nothing set is no proxy', () => {
    expect(hostUsed('wss://b.example', { https_proxy: 'lower.corp:8080' })).toBe('lower.corp');
    expect(proxyFor(new URL('wss://b.example'), {})).toBeUndefined();
    expect(proxyFor(new URL('wss://b.example'), { HTTPS_PROXY: ' ' })).toBeUndefined();
  });

  test.each(['wss://127.0.0.1:9/x', 'wss://localhost/x', 'wss://[::1]:9/x', 'http://shop.localhost/'])(
    'loopback %s is never proxied',
    (url) => {
      expect(hostUsed(url)).toBeUndefined();
    },
  );

  test.each(['socks5://p.corp:1080', 'http://', '::'])('%s is refused without showing it', (value) => {
    expect(() => hostUsed('wss://b.example', { HTTPS_PROXY: value })).toThrow(
      'HTTPS_PROXY is not the URL of an HTTP proxy',
    );
  });
});

describe('NO_PROXY', () => {
  test.each<[list: string, url: string, exempt: boolean]>([
    ['*', 'wss://b.example', true],
    ['b.example', 'wss://b.example', true],
    ['b.example', 'wss://a.b.example', true],
    ['b.example', 'wss://ab.example', false],
    ['.b.example', 'wss://b.example', false],
    ['.b.example', 'wss://a.b.example', true],
    ['*.b.example', 'wss://a.b.example', true],
    ['other, B.Example', 'wss://b.example.', true],
    ['b.example:8443', 'wss://b.example:8443', true],
    ['b.example:8443', 'wss://b.example', false],
    ['b.example:443', 'wss://b.example', true],
    ['10.0.0.0/8', 'wss://10.9.8.7', true],
    ['10.0.0.0/8', 'wss://11.0.0.1', false],
    ['10.0.0.0/8', 'wss://b.example', false],
    ['192.0.2.7', 'wss://192.0.2.7:1', true],
    ['192.0.2.7', 'wss://192.0.2.71', false],
    ['2001:db8::/32', 'wss://[2001:db8::1]', true],
    ['2001:db8::1', 'wss://[2001:db8:0::1]', true],
    ['[2001:db8::1]:443', 'wss://[2001:db8::1]', true],
    ['[2001:db8::1]:444', 'wss://[2001:db8::1]', false],
    ['10.0.0.0/99 ,, /8 :', 'wss://10.0.0.1', false],
    ['', 'wss://b.example', false],
  ])('%j exempts %s: %s', (list, url, exempt) => {
    expect(hostUsed(url, { NO_PROXY: list }) === undefined).toBe(exempt);
  });
});
