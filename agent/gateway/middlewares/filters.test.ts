import { describe, expect, test } from 'vitest';
import type { NewPath, RequestRedirectConfig } from '../../../shared/gateway/filter.ts';
import { HeaderList } from '../../../shared/http1/header-list.ts';
import { requestHeaderModifier, responseHeaderModifier } from './header-modifier.ts';
import { replacedPath } from './new-path.ts';
import { OutgoingRequest } from './outgoing-request.ts';
import { requestRedirect } from './request-redirect.ts';
import { urlRewrite } from './url-rewrite.ts';

const source = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', namespace: 'ns', name: 'r' };
function request(
  rawPath = '/',
  more: { query?: string; host?: string; headers?: [string, string][] } = {},
): OutgoingRequest {
  const { query = '', host = 'a.example', headers = [] } = more;
  return new OutgoingRequest({ method: 'GET', rawPath, query, host, headers: new HeaderList(headers) });
}

describe('a new path', () => {
  test.each<[string, NewPath, string]>([
    ['/prefix', { path: '/new', prefix: '/prefix' }, '/new'],
    ['/prefix/', { path: '/new', prefix: '/prefix' }, '/new/'],
    ['/prefix/a/b', { path: '/new', prefix: '/prefix' }, '/new/a/b'],
    ['/prefix/a%20b%2Fc', { path: '/new', prefix: '/prefix' }, '/new/a%20b/c'],
    ['/root', { path: '/', prefix: '/root' }, '/'],
    ['/root/x/', { path: '/', prefix: '/root' }, '/x/'],
    ['/root', { path: '', prefix: '/root' }, ''],
    ['/a/x', { path: '/new/', prefix: '/a/' }, '/new/x'],
    ['/other', { path: '/new', prefix: '/prefix' }, '/new/other'],
    ['/a', { path: '/ä b' }, '/%C3%A4%20b'],
    ['/a', { path: '/x/../y' }, '/x/../y'],
    ['/a%21', { path: '/a!' }, '/a%21'],
  ])('%s %j', (before, path, after) => {
    expect(replacedPath(before, path)).toBe(after);
  });
});

test('headers are set, then added, then removed, and the visitor stays the last of X-Forwarded-For', () => {
  const step = requestHeaderModifier({
    kind: 'request-header-modifier', source,
    set: { 'x-set': 'set', host: 'other' }, add: { 'X-Add': 'added', 'X-Set': 'twice', 'X-Forwarded-For': '10.0.0.1' }, remove: ['x-gone'],
  }); // prettier-ignore
  const sent = request('/', {
    headers: [['X-Set', 'old'], ['X-Add', 'old'], ['X-Gone', 'old'], ['X-Forwarded-For', '192.0.2.7']],
  }); // prettier-ignore
  expect(step.request?.(sent)).toBeUndefined();
  expect(sent.headers.getAll('x-set')).toEqual(['set', 'twice']);
  expect(sent.headers.getAll('x-add')).toEqual(['old', 'added']);
  expect(sent.headers.get('x-gone')).toBeUndefined();
  expect(sent.headers.get('host')).toBeUndefined();
  expect(sent.headers.getAll('x-forwarded-for')).toEqual(['10.0.0.1, 192.0.2.7']);
  expect(sent.host).toBe('a.example');
});

test('headers of the answer are changed, but for its framing', () => {
  const step = responseHeaderModifier({
    kind: 'response-header-modifier',
    source,
    set: { 'X-Set': 'set', 'Content-Length': '0' },
    add: { 'X-Add': 'added' },
    remove: ['X-Gone'],
  });
  const headers = new HeaderList([['X-Gone', 'x'], ['X-Set', 'old'], ['Content-Length', '5']]); // prettier-ignore
  step.response?.(headers, request());
  expect(headers.pairs.map(([name, value]) => `${name}: ${value}`).toSorted()).toEqual([
    'Content-Length: 5',
    'X-Add: added',
    'X-Set: set',
  ]);
});

test('the upstream gets another host and path', () => {
  const sent = request('/a/x');
  urlRewrite({ kind: 'url-rewrite', source, hostname: 'b.example', path: { path: '/b', prefix: '/a' } }).request?.(
    sent,
  );
  expect([sent.host, sent.rawPath]).toEqual(['b.example', '/b/x']);
});

describe('a redirect leads to', () => {
  const to = (
    config: Partial<RequestRedirectConfig>,
    of = request('/a/x', { query: '?q=1', host: 'a.example:8080' }),
  ): string => {
    const answer = requestRedirect({ kind: 'request-redirect', source, status: 302, ...config }).request?.(of);
    return `${answer?.status} ${answer?.headers.map(([name, value]) => `${name}: ${value}`).join()} ${answer?.body.toString()}`;
  };
  test.each<[Partial<RequestRedirectConfig>, string]>([
    [{ scheme: 'https', port: '' }, '302 Location: https://a.example/a/x?q=1 Found'],
    [{ hostname: 'b.example', status: 301 }, '301 Location: //b.example:8080/a/x?q=1 Moved Permanently'],
    [
      { scheme: 'http', port: '81', path: { path: '/b', prefix: '/a' } },
      '302 Location: http://a.example:81/b/x?q=1 Found',
    ],
    [{ port: '', path: { path: '/whole' } }, '302 Location: //a.example/whole?q=1 Found'],
  ])('%j', (config, expected) => {
    expect(to(config)).toBe(expected);
  });
});
