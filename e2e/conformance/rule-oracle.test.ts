import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { buildRouter } from '../../agent/gateway/build-router.ts';
import { HeadView } from '../../agent/gateway/head-view.ts';
import { loadRe2 } from '../../agent/gateway/re2.ts';
import { readRequestPath } from '../../agent/gateway/request-path.ts';
import { HeaderList } from '../../shared/http1/header-list.ts';
import { analyze } from '../../shared/manifests/index.ts';
import type { Ask } from './exchange.ts';
import { ask, damaged, rule, ruleV2 } from './generated-rules.ts';
import { RuleOracle, type RuleRoute, type RuleVerdict } from './rule-oracle.ts';

const EXCHANGES_A_SET = 40;
/** About ten seconds of processor time; 1,000 sets are 130,000 exchanges. */
const SETS = Number(process.env['ADIT_ORACLE_SETS'] ?? 250);
const withinMs = 60_000 + SETS * 200;
const seed = Number(process.env['ADIT_CONFORMANCE_SEED'] ?? 1);

const oracle = await RuleOracle.start();
await loadRe2();

describe.skipIf(oracle === undefined)("Traefik's own muxer and the preview take the same route", () => {
  afterAll(() => oracle?.stop());

  for (const [syntax, text] of [
    ['v3', rule],
    ['v2', ruleV2],
  ] as const) {
    test(`${SETS * EXCHANGES_A_SET} generated requests, rules of ${syntax}`, { timeout: withinMs }, async () => {
      for (const set of sampled(syntax, text, SETS)) await agree(set);
    });
  }
  test('rules of both syntaxes beside each other', { timeout: withinMs }, async () => {
    const both = fc.oneof(routeOf('v3', rule), routeOf('v2', ruleV2));
    for (const set of fc.sample(setOf(both), { numRuns: SETS / 4, seed })) await agree(set);
  });
  test('what a mistake makes of a rule', { timeout: withinMs }, async () => {
    for (const syntax of ['v3', 'v2'] as const)
      for (const set of sampled(syntax, damaged(syntax === 'v3' ? rule : ruleV2), SETS / 2)) await agree(set);
  });
});

interface RuleSet {
  readonly routes: readonly RuleRoute[];
  readonly asks: readonly Ask[];
  readonly peer: string;
}

function routeOf(syntax: 'v2' | 'v3', text: fc.Arbitrary<string>): fc.Arbitrary<RuleRoute> {
  const priority = fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { arbitrary: fc.integer({ min: -5, max: 70 }), weight: 1 },
  );
  return fc.record({ rule: text, syntax: fc.constant(syntax), priority });
}

/** Which of two routes of one rank is taken Traefik leaves to chance. */
const rank = ({ rule: text, priority }: RuleRoute): number => priority || Buffer.byteLength(text);

function setOf(route: fc.Arbitrary<RuleRoute>): fc.Arbitrary<RuleSet> {
  return fc.record({
    // A provider knows a route by its rule: two of one rule are the provider's to tell apart.
    routes: fc
      .uniqueArray(route, { minLength: 3, maxLength: 12, selector: rank })
      .map((routes) => [...new Map(routes.map((one) => [one.rule, one])).values()]),
    asks: fc.array(ask, { minLength: EXCHANGES_A_SET, maxLength: EXCHANGES_A_SET }),
    peer: fc.constantFrom('127.0.0.1', '10.1.2.3', '[2001:db8::1]', '[::ffff:10.1.2.3]'),
  });
}

function sampled(syntax: 'v2' | 'v3', text: fc.Arbitrary<string>, numRuns: number): RuleSet[] {
  return fc.sample(setOf(routeOf(syntax, text)), { numRuns, seed });
}

async function agree(set: RuleSet): Promise<void> {
  if (oracle === undefined) return;
  const { routes, asks, peer } = set;
  const theirs = await oracle.judge(routes, asks, peer);
  const ours = judge(set);
  const found = [
    ...routes.flatMap((route, at) =>
      (theirs.refused[at] === '') === (ours.refused[at] === '')
        ? []
        : [`${JSON.stringify(route)}: Traefik says "${theirs.refused[at]}", adit "${ours.refused[at]}"`],
    ),
    ...asks.flatMap((one, at) =>
      theirs.taken[at] === ours.taken[at]
        ? []
        : [`${JSON.stringify(one)} from ${peer}: Traefik takes ${theirs.taken[at]}, adit ${ours.taken[at]}`],
    ),
  ];
  expect(found, JSON.stringify(routes, null, 1)).toEqual([]);
}

const SERVICE = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } };

/** By the way that a request goes in a preview: manifests, compiler, router. */
function judge({ routes, asks, peer }: RuleSet): RuleVerdict {
  const object = {
    apiVersion: 'traefik.io/v1alpha1',
    kind: 'IngressRoute',
    metadata: { name: 'rules' },
    spec: {
      routes: routes.map(({ rule: match, syntax, priority }) => ({
        kind: 'Rule',
        match,
        syntax,
        ...(priority === 0 ? {} : { priority }),
        services: [{ name: 'web', port: 80 }],
      })),
    },
  };
  const text = `${JSON.stringify(SERVICE)}\n---\n${JSON.stringify(object)}\n`;
  const { config, diagnostics } = analyze([{ path: 'rules.yaml', text }], { namespace: 'ns' });
  const router = buildRouter(config.routes);
  const indexOf = (id: string | undefined): number => (id === undefined ? -1 : Number(id.split('#')[1]));
  const served = new Set(config.routes.map(({ id }) => indexOf(id)));
  return {
    refused: routes.map((_, at) =>
      served.has(at) ? '' : diagnostics.map(({ path, message }) => `${path}: ${message}`).join('; '),
    ),
    taken: asks.map((one) => indexOf(router.match(viewOf(one, peer))?.id)),
  };
}

/** The broker adds the address of the connection to what a trusted proxy says, as Traefik does, but before the rules. */
function viewOf({ method = 'GET', host = '', target, headers = [] }: Ask, peer: string): HeadView {
  const [path = '', rawQuery = ''] = target.split('?');
  const list = new HeaderList(headers.map(([name, value]) => [name, value]));
  list.set('X-Forwarded-For', [...list.getAll('x-forwarded-for'), peer.replace(/^\[|\]$/g, '')].join(', '));
  return new HeadView({ method, host, path: readRequestPath(path)?.routing ?? '', rawQuery, headers: list });
}
