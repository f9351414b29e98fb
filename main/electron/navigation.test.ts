import { expect, test } from 'vitest';
import { allowsPermission, externalUrl, isOwnPage, isTrustedSender, navigation, PAGE_URL } from './navigation.ts';

const disguised = [
  'https://evil.example/?app://adit/',
  'https://app:adit@evil.example/',
  'app://adit.evil.example/',
  'app://adit@evil/',
  'app://user@adit/',
  'app://adit:8080/',
  'xapp://adit/',
  'file:///app://adit/',
  'apps://adit/',
];

test('our page is our page and nothing that only looks like it', () => {
  for (const url of [PAGE_URL, 'app://adit/index.html', 'app://adit/?q=https://evil.example#x'])
    expect(isOwnPage(url), url).toBe(true);
  for (const url of [...disguised, '', 'about:blank', 'not a url']) expect(isOwnPage(url), url).toBe(false);
});

test('only addresses of the web go to the browser', () => {
  expect(externalUrl('https://docs.example/a b')).toBe('https://docs.example/a%20b');
  expect(externalUrl('http://petstore.localhost:4000/')).toBe('http://petstore.localhost:4000/');
  for (const url of [
    'file:///etc/passwd',
    'javascript:alert(1)',
    'vscode://open',
    'smb://host/x',
    'ms-msdt:/id',
    'https://user:pass@evil.example/',
    'data:text/html,x',
    '\\\\host\\share',
    '',
  ]) {
    expect(externalUrl(url), url).toBeUndefined();
  }
});

test('the window stays on our page, whatever a link says', () => {
  expect(navigation('app://adit/other')).toEqual({ kind: 'stay' });
  expect(navigation('https://docs.example/')).toEqual({ kind: 'browser', url: 'https://docs.example/' });
  expect(navigation('file:///etc/passwd')).toEqual({ kind: 'refuse' });
  for (const url of disguised) expect(navigation(url).kind, url).not.toBe('stay');
});

test('calls count from the top frame of our page only', () => {
  expect(isTrustedSender({ url: PAGE_URL, parent: null })).toBe(true);
  expect(isTrustedSender({ url: PAGE_URL, parent: {} })).toBe(false);
  expect(isTrustedSender({ url: 'https://evil.example/', parent: null })).toBe(false);
  expect(isTrustedSender(null)).toBe(false);
});

test('nothing is permitted but copying text from our page', () => {
  expect(allowsPermission('clipboard-sanitized-write', PAGE_URL)).toBe(true);
  expect(allowsPermission('clipboard-sanitized-write', 'https://evil.example/')).toBe(false);
  for (const permission of ['media', 'geolocation', 'notifications', 'clipboard-read', 'openExternal', 'fullscreen'])
    expect(allowsPermission(permission, PAGE_URL)).toBe(false);
});
