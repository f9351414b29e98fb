import type { ConformanceCase } from '../conformance-case.ts';
import { APP, get, rules } from './manifests.ts';

const refused = (name: string, match: string): ConformanceCase => ({
  name: `rule text: ${name}`,
  manifests: rules(match),
  asks: get('/'),
});
/** Rules of the syntax of Traefik v2. */
function rulesV2(...matches: readonly string[]): string {
  return rules(...matches).replaceAll('    - kind: Rule\n', '    - kind: Rule\n      syntax: v2\n');
}

export const RULE_TEXT_CASES: readonly ConformanceCase[] = [
  refused('no parenthesis at the end', `${APP} && Path(\`/\``),
  refused('unknown matcher', `${APP} && Nonsense(\`/\`)`),
  refused('lower case name', 'host(`app.test`)'),
  refused('two paths in one', `${APP} && Path(\`/\`, \`/x\`)`),
  refused('two hosts in one', 'Host(`app.test`, `api.test`)'),
  refused('no arguments', 'Host()'),
  refused('a path without a slash', `${APP} && Path(\`x\`)`),
  refused('a prefix without a slash', `${APP} && PathPrefix(\`x\`)`),
  refused('v2 Headers', `${APP} && Headers(\`X\`, \`y\`)`),
  refused('v2 Query', `${APP} && Query(\`x=y\`)`),
  refused('v2 template in a host', 'HostRegexp(`{x:[a-z]+}.test`)'),
  refused('one argument for Header', `${APP} && Header(\`X\`)`),
  refused('a broken regular expression', `${APP} && PathRegexp(\`(\`)`),
  refused('a broken CIDR', `${APP} && ClientIP(\`1.2.3\`)`),
  refused('a single ampersand', `${APP} & Path(\`/\`)`),
  refused('not before and', `!Host(\`other.test\`) && !Path(\`/x\`)`),
  refused('double quotes', 'Host("app.test") && Path("/")'),
  refused('not twice', `${APP} && !!Path(\`/\`)`),
  refused('empty path', `${APP} && Path(\`\`)`),
  refused('no spaces', '(Host(`app.test`)&&Path(`/`))||Path(`/x`)'),
  refused('a method in lower case', `${APP} && Method(\`get\`)`),
  refused('a host with a port', 'Host(`app.test:80`)'),
  refused('a host of another alphabet', 'Host(`\u00e9.test`)'),
  {
    name: 'rule text: and binds before or',
    manifests: rules(`${APP} && Path(\`/a\`) || Path(\`/b\`)`, `Path(\`/c\`) || ${APP} && Path(\`/d\`)`),
    asks: ['app.test', 'other.test'].flatMap((host) => ['/a', '/b', '/c', '/d'].map((target) => ({ host, target }))),
  },
  {
    name: 'rule text v2: many values, templates',
    manifests: rulesV2(
      'Host(`app.test`, `api.test`) && Path(`/a`, `/b`)',
      'Host(`app.test`) && PathPrefix(`/items/{id:[0-9]+}`)',
      'HostRegexp(`{sub:[a-z]+}.app.test`)',
    ),
    asks: [
      ...get('/a', '/b', '/c', '/items/1', '/items/x', '/items/12/y'),
      { host: 'api.test', target: '/b' },
      { host: 'www.app.test', target: '/' },
      { host: 'a.b.app.test', target: '/' },
    ],
  },
  {
    name: 'rule text v2: Headers, HeadersRegexp, Query, Method',
    manifests: rulesV2(
      `${APP} && Headers(\`X-A\`, \`1\`)`,
      `${APP} && HeadersRegexp(\`X-B\`, \`^[0-9]+$\`)`,
      `${APP} && Query(\`q=1\`)`,
      `${APP} && Method(\`PUT\`, \`POST\`)`,
    ),
    asks: [
      { target: '/', headers: [['X-A', '1']] },
      { target: '/', headers: [['X-B', '12']] },
      { target: '/?q=1' },
      { target: '/?q=2' },
      { target: '/', method: 'POST' },
      { target: '/' },
    ],
  },
];
