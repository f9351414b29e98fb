import type { HubAsk, HubCase } from './rig.ts';
import { bearer, hub, managedShop, route, SHOP } from './manifests.ts';

const KEY = [bearer('key-app')];
const plan = (name: string, limits: string): string => hub('APIPlan', name, `{ title: ${name}, ${limits} }`);

/** Names differ from case to case: what was consumed outlives the manifests of a case. */
function subscribed(name: string, planName: string, more = 'apis: [{ name: shop }]', applications = 'app'): string {
  const apps = applications.split(' ').map((application) => `{ name: ${application} }`);
  return hub('ManagedSubscription', name, `{ managedApplications: [${apps.join(', ')}], apiPlan: { name: ${planName} }, ${more} }`); // prettier-ignore
}

const left = (target: string, quota: string | null, key = 'key-app'): HubAsk => ({
  target,
  headers: [bearer(key)],
  status: quota === null ? 403 : 200,
  answer: { 'x-quota-remaining': quota },
});
const spentQuota: HubAsk = {
  target: '/shop',
  headers: KEY,
  status: 429,
  answer: { 'x-quota-remaining': '0', 'content-length': '0', 'retry-after': /^[1-9]\d*$/ },
};
const TOYS =
  hub('API', 'toys', '{}', 'conf', '{ shelf: low }') +
  route('toys', 'Host(`app.test`) && PathPrefix(`/toys`)', { api: 'toys' });

function bucket(name: string, counts: readonly string[]): HubCase {
  const apps = ['one', 'two'].map((app) => hub('ManagedApplication', `${app}-${name}`, `{ appId: ${app}-${name}, owner: o, apiKeys: [{ value: key-${app} }] }`)); // prettier-ignore
  return {
    part: '2.5',
    says: `the bucket ${name} counts together what it says`,
    manifests:
      SHOP +
      TOYS +
      apps.join('') +
      plan('ten', `quota: { limit: 10, period: 1h, bucket: ${name} }`) +
      subscribed(`bucket-${name}`, 'ten', 'apis: [{ name: shop }, { name: toys }]', `one-${name} two-${name}`),
    asks: ['key-one', 'key-two'].flatMap((key, row) =>
      ['/shop', '/toys'].map((target, column) => left(target, counts[row * 2 + column] ?? '', key)),
    ),
  };
}

const switched = (limit: number): string =>
  SHOP + plan('grown', `quota: { limit: ${limit}, period: 1h }`) + subscribed('switched', 'grown');
const filtered = managedShop('openApiSpec: { path: /spec, operationSets: [{ name: read, matchers: [{ methods: [GET] }] }] }') + plan('few', 'quota: { limit: 2, period: 1h }'); // prettier-ignore

/** API `shop` under a plan with these limits, and an unmanaged route; what was consumed is kept by `name`. */
export const limitedShop = (name: string, limits: string): string =>
  SHOP +
  plan('limited', limits) +
  subscribed(name, 'limited') +
  route('open', 'Host(`app.test`) && PathPrefix(`/open`)');

export const RATE_OF_ONE = SHOP + plan('one', 'rateLimit: { limit: 1, period: 1s }') + subscribed('rate-of-one', 'one');
export const QUOTA_OF_TWO = SHOP + plan('pair', 'quota: { limit: 2, period: 2s }') + subscribed('quota-of-two', 'pair');
export const RATE_OF_TWO = SHOP + plan('two', 'rateLimit: { limit: 2, period: 1s }') + subscribed('rate-of-two', 'two');

export const planCases: readonly HubCase[] = [
  {
    part: '2.5',
    says: 'a rate limit that is exceeded: 429, no body, X-Ratelimit-Remaining: 0',
    manifests: SHOP + plan('slow', 'rateLimit: { limit: 2, period: 1h }') + subscribed('rated', 'slow'),
    asks: [
      { target: '/shop', headers: KEY, status: 200, answer: { 'x-ratelimit-remaining': '1', 'x-quota-remaining': null, 'retry-after': null } },
      { target: '/shop', headers: KEY, status: 200, answer: { 'x-ratelimit-remaining': '0' } },
      { target: '/shop', headers: KEY, status: 429, answer: { 'x-ratelimit-remaining': '0', 'x-quota-remaining': null, 'content-length': '0', 'retry-after': /^1[78]\d\d$/ } },
    ],
  },
  {
    part: '2.5',
    says: 'a quota that is exceeded: 429, no body, X-Quota-Remaining: 0',
    manifests: SHOP + plan('few', 'quota: { limit: 2, period: 1h }') + subscribed('quoted', 'few'),
    asks: [
      { ...left('/shop', '1'), answer: { 'x-quota-remaining': '1', 'x-ratelimit-remaining': null, 'retry-after': null } },
      left('/shop', '0'),
      { ...spentQuota, answer: { ...spentQuota.answer, 'x-ratelimit-remaining': null } },
    ],
  },
  {
    part: '2.5',
    says: 'a plan with both limits tells of both',
    manifests: SHOP + plan('both', 'rateLimit: { limit: 9, period: 1h }, quota: { limit: 5, period: 1h }') + subscribed('both', 'both'),
    asks: [{ target: '/shop', headers: KEY, status: 200, answer: { 'x-ratelimit-remaining': '8', 'x-quota-remaining': '4' } }],
  },
  {
    part: '2.5',
    says: 'a limit of 0 lets nothing through',
    manifests: SHOP + plan('none', 'quota: { limit: 0, period: 1h }') + subscribed('nothing', 'none'),
    asks: [spentQuota],
  },
  {
    part: '2.5',
    says: 'what is allowed has the status of the upstream, with what is left',
    manifests: SHOP + plan('few', 'quota: { limit: 9, period: 1h }') + subscribed('statuses', 'few'),
    asks: [
      { target: '/shop?status=404', headers: KEY, status: 404, reaches: true, answer: { 'x-quota-remaining': '8' } },
      { target: '/shop?status=503', headers: KEY, status: 503, reaches: true, answer: { 'x-quota-remaining': '7' } },
    ],
  },
  {
    part: '2.5',
    says: 'refused calls cost nothing, and consumption survives a change of plan: 5 of 5, then 494 of 500',
    manifests: switched(5),
    asks: [
      ...['4', '3', '2', '1', '0'].map((count) => left('/shop', count)),
      spentQuota,
      spentQuota,
      spentQuota,
      { ...left('/shop', '494'), manifests: switched(500) },
    ],
  },
  {
    part: '2.5',
    says: 'calls without a credential or outside of the filter cost nothing',
    manifests: filtered + subscribed('costs', 'few', 'apis: [{ name: shop }], operationFilter: { include: [read] }'),
    asks: [
      { target: '/shop', status: 401, answer: { 'x-quota-remaining': null } },
      { target: '/shop', method: 'PATCH', headers: KEY, status: 403, answer: { 'x-quota-remaining': null } },
      left('/shop', '1'),
    ],
  },
  {
    part: '2.5',
    says: 'a bundle has one shared bucket, separate from that of one API',
    manifests:
      SHOP +
      TOYS +
      plan('large', 'quota: { limit: 500, period: 1h }') +
      subscribed('alone', 'large') +
      hub('APIBundle', 'all', '{ apis: [{ name: shop }, { name: toys }] }'),
    asks: [
      left('/shop', '499'),
      left('/toys', null),
      {
        ...left('/shop', '499'),
        manifests: SHOP + TOYS + plan('large', 'quota: { limit: 500, period: 1h }') + hub('APIBundle', 'all', '{ apis: [{ name: shop }], apiSelector: { matchLabels: { shelf: low } } }') + subscribed('bundled', 'large', 'apiBundles: [{ name: all }]'),
      },
      left('/toys', '498'),
    ],
  },
  {
    part: '1.3',
    says: 'an empty selector matches all APIs and applications, an absent one none',
    manifests: SHOP + TOYS + hub('ManagedSubscription', 'every', '{ apiSelector: {}, managedApplicationSelector: {}, apiPlan: { name: free } }'),
    asks: [
      { target: '/shop', headers: [bearer('key-stranger')], status: 200 },
      { target: '/toys', headers: KEY, status: 200 },
      { target: '/toys', headers: KEY, status: 403, manifests: SHOP + TOYS + subscribed('some', 'free') },
    ],
  },
  bucket('subscription', ['9', '8', '7', '6']),
  bucket('application-api', ['9', '9', '9', '9']),
  bucket('application', ['9', '8', '9', '8']),
  {
    part: '2.5',
    says: 'without a bucket, a limit counts by subscription',
    manifests: SHOP + TOYS + plan('few', 'rateLimit: { limit: 9, period: 1h }') + subscribed('default-bucket', 'few', 'apis: [{ name: shop }, { name: toys }]', 'app stranger'),
    asks: [
      { target: '/shop', headers: KEY, status: 200, answer: { 'x-ratelimit-remaining': '8' } },
      { target: '/toys', headers: [bearer('key-stranger')], status: 200, answer: { 'x-ratelimit-remaining': '7' } },
    ],
  },
  {
    part: '2.5',
    says: 'the highest weight counts even when it comes last by name and its plan has no limit',
    manifests: SHOP + plan('few', 'quota: { limit: 2, period: 1h }') + subscribed('aa-limited', 'few', 'apis: [{ name: shop }], weight: 1') + subscribed('zz-free', 'free', 'apis: [{ name: shop }], weight: 2'),
    asks: [left('/shop', null), left('/shop', null)].map((ask) => ({ ...ask, status: 200 })),
  },
  {
    part: '2.5',
    says: 'of equal weights the first by name counts, even when its plan has no limit',
    manifests: SHOP + plan('few', 'quota: { limit: 2, period: 1h }') + subscribed('tie-b', 'few') + subscribed('tie-a', 'free'),
    asks: [{ target: '/shop', headers: KEY, status: 200, answer: { 'x-quota-remaining': null } }],
  },
]; // prettier-ignore
