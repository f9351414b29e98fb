import type { HubCase } from './rig.ts';
import { bearer, managedShop, subscription } from './manifests.ts';

const cors = (options: string): string => managedShop(`cors: { ${options} }`) + subscription('s');
const from = (origin: string): [string, string][] => [bearer('key-app'), ['Origin', origin]];
const preflight = (origin: string) => ({
  target: '/shop',
  method: 'OPTIONS',
  headers: [['Origin', origin], ['Access-Control-Request-Method', 'PUT']] as [string, string][],
  status: 200,
  reaches: false,
}); // prettier-ignore
const ALLOWED = 'access-control-allow-origin';

export const corsCases: readonly HubCase[] = [
  {
    part: '1.3',
    says: 'cors: a preflight is answered without a credential, with methods, headers and age',
    manifests: cors('allowOriginsList: ["https://a.test"], allowMethodsList: [GET, PUT], allowHeadersList: [X-One, X-Two], maxAge: 60'),
    asks: [
      {
        ...preflight('https://a.test'),
        answer: {
          [ALLOWED]: 'https://a.test',
          'access-control-allow-methods': 'GET,PUT',
          'access-control-allow-headers': 'X-One,X-Two',
          'access-control-max-age': '60',
          'access-control-allow-credentials': null,
        },
      },
      { ...preflight('https://b.test'), answer: { [ALLOWED]: null } },
    ],
  },
  {
    part: '1.3',
    says: 'cors: only an origin of the list is allowed',
    manifests: cors('allowOriginsList: ["https://a.test"]'),
    asks: [
      { target: '/shop', headers: from('https://a.test'), status: 200, answer: { [ALLOWED]: 'https://a.test' } },
      { target: '/shop', headers: from('https://b.test'), status: 200, answer: { [ALLOWED]: null } },
      { target: '/shop', headers: [['Origin', 'https://a.test']], status: 401, answer: { [ALLOWED]: 'https://a.test' } },
    ],
  },
  {
    part: '1.3',
    says: 'cors: the wildcard origin',
    manifests: cors('allowOriginsList: ["*"]'),
    asks: [{ target: '/shop', headers: from('https://any.test'), status: 200, answer: { [ALLOWED]: '*' } }],
  },
  {
    part: '1.3',
    says: 'cors: origins by regular expression',
    manifests: cors("allowOriginListRegex: ['^https://[a-z]+\\.shop\\.test$']"),
    asks: [
      { target: '/shop', headers: from('https://www.shop.test'), status: 200, answer: { [ALLOWED]: 'https://www.shop.test' } },
      { target: '/shop', headers: from('https://www.shop.test.evil.test'), status: 200, answer: { [ALLOWED]: null } },
    ],
  },
  {
    part: '1.3',
    says: 'cors: credentials, exposed headers and Vary',
    manifests: cors('allowOriginsList: ["https://a.test"], allowCredentials: true, exposeHeadersList: [X-One, X-Two], addVaryHeader: true'),
    asks: [
      {
        target: '/shop',
        headers: from('https://a.test'),
        status: 200,
        answer: { 'access-control-allow-credentials': 'true', 'access-control-expose-headers': 'X-One,X-Two', vary: 'Origin' },
      },
      { ...preflight('https://a.test'), answer: { 'access-control-allow-credentials': 'true' } },
    ],
  },
  {
    part: '1.3',
    says: 'without cors a preflight is a request as any other',
    manifests: managedShop('') + subscription('s'),
    asks: [{ ...preflight('https://a.test'), status: 401, answer: { [ALLOWED]: null } }],
  },
]; // prettier-ignore
