import fc from 'fast-check';
import { GATEWAY, path, route, to, type Backend } from './cases/http-routes.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { distinctRanks } from './distinct-ranks.ts';
import { asksOf } from './generated-asks.ts';
import { HOSTS } from './subject.ts';

type Part = Readonly<Record<string, unknown>>;

/** What the API server takes in a path, of a few names, so that several routes overlap. */
const segment = fc.constantFrom('a', 'b', 'ab', 'v1', 'v22', 'x-y', 'A', '~', 'a+b', '(c)', '%20', '%25');
const plainPath = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`);
const pathPart = fc.oneof(
  { weight: 4, arbitrary: plainPath.map((value) => path('PathPrefix', value)) },
  { weight: 3, arbitrary: plainPath.map((value) => path('Exact', value)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('/v[0-9]+', '^/(a|b)/', '/[a-z]{2}$').map((value) => path('RegularExpression', value)),
  },
  { weight: 2, arbitrary: fc.constant({}) },
);
const named = (
  names: readonly string[],
  values: readonly string[],
  patterns: readonly string[],
): fc.Arbitrary<Part[]> =>
  fc.uniqueArray(
    fc
      .tuple(
        fc.constantFrom(...names),
        fc.oneof(
          { weight: 3, arbitrary: fc.constantFrom(...values).map((value): Part => ({ value })) },
          {
            weight: 1,
            arbitrary: fc.constantFrom(...patterns).map((value): Part => ({ type: 'RegularExpression', value })),
          },
        ),
      )
      .map(([name, of]): Part & { name: string } => ({ name, ...of })),
    { maxLength: 2, selector: ({ name }) => name.toLowerCase() },
  );
const often = (key: string, of: fc.Arbitrary<Part[]>): fc.Arbitrary<Part> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: of.map((list) => (list.length > 0 ? { [key]: list } : {})) },
  );
const match = fc
  .tuple(
    pathPart,
    fc
      .option(fc.constantFrom('GET', 'POST', 'DELETE'), { freq: 3 })
      .map((method) => (method === null ? {} : { method })),
    often('headers', named(['X-One', 'x-two', 'Accept'], ['1', '2', 'one', 'a b'], ['^[0-9]$', 'o'])),
    often('queryParams', named(['q', 'r'], ['1', '2', 'one', 'a b'], ['^[0-9]$', 'o'])),
  )
  .map((parts): Part => Object.assign({}, ...parts));

const header = fc.record({
  name: fc.constantFrom('X-One', 'X-Two', 'X-Three'),
  value: fc.constantFrom('1', 'set', 'a,b'),
});
const headers = fc.uniqueArray(header, { minLength: 1, maxLength: 2, selector: ({ name }) => name });
const modifier = fc
  .record(
    {
      set: headers,
      add: headers,
      remove: fc.uniqueArray(fc.constantFrom('X-One', 'X-Two', 'Accept'), { minLength: 1 }),
    },
    { requiredKeys: [] },
  )
  .filter((made) => Object.keys(made).length > 0);
const newPath = (prefix: boolean): fc.Arbitrary<Part> =>
  fc.oneof(
    fc.constantFrom('/', '/new', '/new/').map((value): Part => ({ type: 'ReplaceFullPath', replaceFullPath: value })),
    fc
      .constantFrom('/', '/new', '/new/')
      .map((value): Part =>
        prefix
          ? { type: 'ReplacePrefixMatch', replacePrefixMatch: value }
          : { type: 'ReplaceFullPath', replaceFullPath: value },
      ),
  );
/** `prefix`: the rule has one match, by a prefix, as the API server asks for where it is replaced. */
const filter = (prefix: boolean): fc.Arbitrary<Part> =>
  fc.oneof(
    modifier.map((made): Part => ({ type: 'RequestHeaderModifier', requestHeaderModifier: made })),
    modifier.map((made): Part => ({ type: 'ResponseHeaderModifier', responseHeaderModifier: made })),
    newPath(prefix).map((made): Part => ({ type: 'URLRewrite', urlRewrite: { path: made } })),
    newPath(prefix).map((made): Part => ({ type: 'URLRewrite', urlRewrite: { hostname: 'inside.test', path: made } })),
    // All of the place is given: what is not there comes from the entry point, which differs.
    fc.tuple(newPath(prefix), fc.constantFrom(301, 302)).map(([made, statusCode]): Part => ({
      type: 'RequestRedirect',
      requestRedirect: { scheme: 'https', hostname: 'there.test', port: 8443, path: made, statusCode },
    })),
  );
/** The API server takes each kind once, and no rewrite beside a redirect. */
const filters = (prefix: boolean): fc.Arbitrary<Part[]> =>
  fc.uniqueArray(filter(prefix), {
    maxLength: 2,
    selector: ({ type }) => (type === 'RequestRedirect' ? 'URLRewrite' : type),
  });

const SERVICES = ['echo', 'second', 'third'] as const;
const one = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<string>(...SERVICES) },
  { weight: 1, arbitrary: fc.constant('absent') },
);
/** One that has all of the weight; sometimes none. */
const backends = fc.oneof(
  { weight: 6, arbitrary: one.map((name): Backend[] => [{ name }]) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.shuffledSubarray([...SERVICES], { minLength: 2 }), fc.integer({ min: 0, max: 3 }))
      .map(([names, weight]): Backend[] => names.map((name, at) => ({ name, weight: at === 0 ? weight : 0 }))),
  },
  { weight: 1, arbitrary: fc.constant<Backend[]>([]) },
);

const matches = fc.oneof(
  { weight: 1, arbitrary: plainPath.map((value): Part[] => [path('PathPrefix', value)]) },
  { weight: 2, arbitrary: fc.array(match, { minLength: 1, maxLength: 3 }) },
);
const rule = matches.chain((of): fc.Arbitrary<Part> => {
  const [only] = of;
  const { type } = (only?.['path'] ?? {}) as { type?: string };
  return fc.record({ filters: filters(of.length === 1 && type === 'PathPrefix'), backends }).map((made) => ({
    matches: of,
    ...(made.filters.length === 0 ? {} : { filters: made.filters }),
    // A redirect needs no backend, and the API server takes none beside it.
    ...(made.filters.some((each) => each['type'] === 'RequestRedirect') ? {} : { backendRefs: to(...made.backends) }),
  }));
});
const hostnames = fc.uniqueArray(fc.constantFrom(...HOSTS, '*.app.test', '*.test', '*.example.test'), { maxLength: 3 });
const object = fc.record({ hostnames, rules: fc.array(rule, { minLength: 1, maxLength: 3 }) });

const manifests = fc
  .array(object, { minLength: 1, maxLength: 3 })
  .map((objects) => GATEWAY + objects.map((made, at) => route(made.rules, made.hostnames, `r${at}`)).join(''));

/** HTTPRoutes that overlap: matches and their precedence, hosts with wildcards, filters, weights of 0, backends that are missing. */
export function generatedHttpRoutes(count: number, seed: number): ConformanceCase[] {
  const generated = manifests
    .filter(distinctRanks)
    .chain((made) => fc.record({ manifests: fc.constant(made), asks: asksOf(made) }));
  return fc
    .sample(generated, { numRuns: count, seed })
    .map((made, at) => ({ name: `generated HTTPRoute: ${seed}.${at}`, ...made }));
}
