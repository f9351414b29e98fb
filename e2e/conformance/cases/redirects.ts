import type { ConformanceCase } from '../conformance-case.ts';
import { get, middleware, through } from './manifests.ts';

const methods = (target: string, ...names: string[]) => names.map((method) => ({ method, target }));

export const REDIRECT_CASES: readonly ConformanceCase[] = [
  {
    name: 'redirectRegex: on the whole URL',
    manifests:
      middleware('m', '{ redirectRegex: { regex: "^http://[^/]+/old/(.*)", replacement: "https://new.test/${1}" } }') +
      through('m'),
    asks: [...get('/old/a', '/old/a?b=1', '/x', '/old/'), ...methods('/old/a', 'POST', 'PUT', 'HEAD', 'DELETE')],
  },
  {
    name: 'redirectRegex: permanent',
    manifests:
      middleware('m', '{ redirectRegex: { regex: "/old/(.*)", replacement: "/new/$1", permanent: true } }') +
      through('m'),
    asks: [...get('/x'), ...methods('/x', 'POST')],
  },
  {
    name: 'redirectRegex: a relative place by path',
    manifests:
      middleware(
        'm',
        '{ redirectRegex: { regex: "^https?://[^/]+/old/(.*)", replacement: "https://there.test/new/$1", permanent: true } }',
      ) + through('m'),
    asks: [
      ...get('/old/a', '/old/a%20b', '/old/caf%C3%A9?q=%20'),
      ...methods('/old/a', 'GET', 'POST', 'PATCH', 'OPTIONS', 'HEAD'),
    ],
  },
  {
    name: 'redirectScheme: to https',
    manifests: middleware('m', '{ redirectScheme: { scheme: https, port: "8443" } }') + through('m'),
    asks: [...get('/', '/x?y=1', '/a%20b'), ...methods('/x', 'POST', 'HEAD')],
    allowed: { headers: ['location'], why: 'the place names the preview host that the visitor asked for' },
  },
  {
    name: 'redirectScheme: permanent',
    manifests: middleware('m', '{ redirectScheme: { scheme: https, permanent: true } }') + through('m'),
    asks: [...get('/'), ...methods('/x', 'POST', 'PUT', 'DELETE', 'OPTIONS')],
    allowed: { headers: ['location'], why: 'the place names the preview host that the visitor asked for' },
  },
  {
    name: 'redirectScheme: already there',
    manifests: middleware('m', '{ redirectScheme: { scheme: http } }') + through('m'),
    asks: get('/'),
    allowed: { headers: ['location'], why: 'the place names the preview host that the visitor asked for' },
  },
];
