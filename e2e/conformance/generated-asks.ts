import fc from 'fast-check';
import type { Ask } from './exchange.ts';
import { ask } from './generated-rules.ts';
import { HOSTS } from './subject.ts';

const MIN = 12;
const MAX = 16;
const afterPath = fc.constantFrom('', '', '', '/', '/a', '/b/', 'x');

/** What is asked of one set of routes. */
export const asks = fc.array(ask, { minLength: MIN, maxLength: MAX });

/** The same, mostly of the hosts and paths that objects in JSON name, so that many requests are served and some almost. */
export function asksOf(manifests: string): fc.Arbitrary<Ask[]> {
  const hosts = HOSTS.filter((host) => manifests.includes(`"${host}"`));
  const paths = [...manifests.matchAll(/"(?:path|value)":"(\/[^"]*)"/g)].map(([, path = '/']) => path);
  const host = hosts.length === 0 ? fc.constantFrom(...HOSTS) : fc.constantFrom(...hosts);
  const named = fc.tuple(ask, host, fc.constantFrom('/', ...paths), afterPath).map(([one, of, path, after]): Ask => {
    const query = one.target.includes('?') ? one.target.slice(one.target.indexOf('?')) : '';
    return { ...one, host: of, target: `${encodeURI(`${path}${after}`).replaceAll(/%25(?=2)/g, '%')}${query}` };
  });
  const either = fc.oneof({ weight: 3, arbitrary: named }, { weight: 1, arbitrary: ask });
  return fc.array(either, { minLength: MIN, maxLength: MAX });
}
