/** What the public facts say of attachment and behaviour, and where it is asked over HTTP. */
export interface Sentence {
  readonly part: '2.1' | '2.2' | '2.3' | '2.4' | '2.5' | '2.6';
  readonly says: string;
  /** `PART: WHAT` of the tests; empty: nothing of a preview could show it, for `why`. */
  readonly cases: readonly string[];
  readonly why?: string;
}

type Row = readonly [says: string, ...cases: string[]];
/** Names of cases are within a part, unless they begin with another one. */
const rows = (part: Sentence['part'], ...list: readonly Row[]): Sentence[] =>
  list.map(([says, ...cases]) => ({
    part,
    says,
    cases: cases.map((name) => (/^\d\.\d: /.test(name) ? name : `${part}: ${name}`)),
  }));
const outside = (part: Sentence['part'], says: string, why: string): Sentence => ({ part, says, cases: [], why });

export const SENTENCES: readonly Sentence[] = [
  ...rows(
    '2.1',
    ['`hub.traefik.io/api` on an IngressRoute', 'the annotation turns authentication on'],
    ['… on an Ingress', 'an Ingress is attached by its annotation'],
    ['… on an HTTPRoute', 'an HTTPRoute is attached by its annotation'],
    ['it names an API of the same namespace', 'an API of another namespace is not meant, and leaves no route open'],
    ['`api-version` names an APIVersion of the same namespace', '2.3: versions by path', 'a version that is not listed by the API of its namespace leaves no route open'],
    ['`api-portal` is NAME@NAMESPACE, on an Ingress to the Service apiportal:9903, of any namespace', 'api-portal names a portal of any namespace as NAME@NAMESPACE; a preview has none, and nothing else answers there', 'api-portal without a namespace means that of the Ingress, and a portal that is not there is told of'],
    ['`router.uplinks` names an Uplink as NAMESPACE-NAME or by its exposeName', 'router.uplinks advertises a route to a parent cluster, and changes no answer here', 'router.uplinks takes the exposeName too, and one that is not there is told of'],
    ['`access-control-policy` names a policy', 'an AccessControlPolicy is attached by its annotation', 'a policy that is not there leaves no route open'],
    ['one annotation an object: all its rules belong to one API', 'all rules of an object belong to its one API'],
    ['several objects may point at the same API', 'several route objects may point at the same API'],
    ['a route without annotation stays unmanaged', 'a route without annotation stays an ordinary unmanaged route'],
    ['adding it turns authentication on: 200 before, 401 after', 'adding the annotation to a route turns authentication on, and taking it away turns it off'],
  ),
  ...rows(
    '2.2',
    ['the hub strips nothing', 'without a stripPrefix Middleware the upstream gets the whole path', 'the hub strips nothing: a stripPrefix Middleware does, after authorisation by the whole path'],
    ['an ordinary stripPrefix Middleware strips', 'a stripPrefix Middleware takes the prefix off and tells it to the upstream'],
    ['`override.servers` tells the portal the public base URL', 'the public base URL in override.servers is for the portal: it changes no route'],
    ['before 2024-03 prefixes were joined', 'pathPrefix of an API, as before 2024-03, makes no route any more'],
    ['before 2024-03 `stripPathPrefix` stripped', 'stripPathPrefix of a version, as before 2024-03, strips nothing any more'],
  ),
  ...rows(
    '2.3',
    ['the strategy is the rule of the router: path', 'versions by path'],
    ['… header', 'versions by header: the more specific rule wins'],
    ['… query', 'versions by query'],
    ['… host', 'versions by host'],
    ['… media type', 'versions by media type'],
    ['the more specific rule wins by its length unless a priority is set', 'versions by header: the more specific rule wins', 'a priority that is set comes before the length of a rule'],
    ['a canary within a version is a weighted TraefikService', 'a canary within one version is a weighted TraefikService'],
    ['`spec.versions` lists 1 to 100 children', 'an empty list of versions is refused, and leaves no route open'],
    ['`release` is a semantic version, with or without v', 'versions by path', 'a release that is no semantic version is refused, and leaves no route open'],
    ['a version has operation sets of its own', 'operation sets of a version count for the filter of a subscription', 'operation sets of a version are its own: those of the API of the same name count for the other versions'],
    ['what the API server would refuse is not there', 'an edit that the API server would refuse changes nothing'],
    ['the portal groups versions', 'the order of versions, by which the portal groups them, changes no route', 'pages, catalog and bundles that group APIs for the portal give no access'],
  ),
  ...rows(
    '2.4',
    ['API keys are the default', 'API keys are the default: Authorization: Bearer, or the query parameter api_key'],
    ['with tokens in force all keys are off', 'when tokens are in force, keys are turned off, and appIdClaim names the application'],
    ['an APIAuth overrides the default of its namespace', 'an APIAuth overrides the places of keys for its namespace', 'an APIAuth that is not the default of its namespace changes nothing', '1.3: a keyless APIAuth asks for no credential', 'a directory that cannot be asked lets nobody in'],
    ['the credential must be right and the subscription of the application too', '2.1: the annotation turns authentication on', '2.5: a valid credential without access to the API is 403'],
    ['a key cannot be shared between applications', 'a key cannot be shared: it counts for the first application that has it, and the second is told of'],
    ['the appId joins credential, application and subscription', 'an application is matched by its appId, also by one that is named in the subscription alone'],
    ['with tokens the application comes from appIdClaim', 'when tokens are in force, keys are turned off, and appIdClaim names the application'],
    ['keys come from Secrets, and nothing tells them', 'a key is taken from the Secret that the application names', 'keys of a policy are known by their SHAKE-256'],
    ['`claims` of a subscription must hold', 'the claims of a ManagedSubscription must hold'],
    ['Equals, Prefix, Contains, SplitContains, OneOf', 'the claims of a ManagedSubscription must hold', 'claims: Prefix', 'claims: Contains of a string and of a list', 'claims: SplitContains', 'a policy with tokens: bad token 401, claims refused 403, query parameter jwt by default'],
    ['&&, || and !', 'claims: !, && and parentheses'],
    ['nested keys by a dot, escaped by a backslash', 'claims: a nested key, and a key with an escaped dot'],
    ['old agents knew OneOf as Ohubf', 'the OneOf of old agents, written Ohubf, is no function: nobody has such claims'],
    ['header first, then a query parameter, jwt by default', 'a policy with tokens: bad token 401, claims refused 403, query parameter jwt by default'],
    ['RS and ES need a kid with key sets', 'with a key set a token of RS or ES is checked by the key that its kid names', 'with a key set a token without kid, or with one that is not in it, is refused', 'the key set of a policy goes by kid too', 'a single public key needs no kid'],
    ['HS by a signing secret', 'when tokens are in force, keys are turned off, and appIdClaim names the application'],
    ['a jwksUrl that begins with / goes by the issuer of the token', 'what cannot be enforced closes the route'],
    ['a bad token is 401, claims that do not hold 403, a header that cannot be forwarded 500', 'a policy with tokens: bad token 401, claims refused 403, query parameter jwt by default', 'a claim that no header can carry is 500'],
  ),
  outside('2.4', 'settings of the dashboard are below an APIAuth', 'there is no dashboard; the objects are all there is'),
  outside('2.4', 'tokenNameClaim names the token in metrics', 'no answer shows it; `agent/gateway/observe` has the test'),
  outside('2.4', 'hashes of keys are sent to the platform', 'there is no platform; that no key is told is a test of its own'),
  ...rows(
    '2.5',
    ['no credential: 401', '2.1: the annotation turns authentication on'],
    ['no access: 403', 'a valid credential without access to the API is 403'],
    ['outside of the operation filter: 403', 'an operation outside of the operationFilter is 403, and an empty filter allows none', 'an empty operationFilter prohibits all operations'],
    ['allowed: the status of the upstream', 'what is allowed has the status of the upstream, with what is left'],
    ['rate exceeded: 429, no body, X-Ratelimit-Remaining: 0', 'a rate limit that is exceeded: 429, no body, X-Ratelimit-Remaining: 0', 'a limit of 0 lets nothing through'],
    ['quota exceeded: 429, no body, X-Quota-Remaining: 0', 'a quota that is exceeded: 429, no body, X-Quota-Remaining: 0'],
    ['only the headers that the plan has', 'a plan with both limits tells of both', 'a rate limit that is exceeded: 429, no body, X-Ratelimit-Remaining: 0', 'a quota that is exceeded: 429, no body, X-Quota-Remaining: 0'],
    ['no plan in force: neither header', 'without a limit in force neither header is there'],
    ['refused calls consume nothing', 'refused calls cost nothing, and consumption survives a change of plan: 5 of 5, then 494 of 500', 'calls without a credential or outside of the filter cost nothing'],
    ['consumption survives a change of plan', 'refused calls cost nothing, and consumption survives a change of plan: 5 of 5, then 494 of 500'],
    ['a bundle has one bucket, apart from that of the API', 'a bundle has one shared bucket, separate from that of one API'],
    ['buckets count by subscription, application and API, or application', 'the bucket subscription counts together what it says', 'the bucket application-api counts together what it says', 'the bucket application counts together what it says', 'without a bucket, a limit counts by subscription'],
    ['the highest weight, else the first by name, even without a limit', 'of several subscriptions that with the highest weight counts, of equal ones the first by name', 'the highest weight counts even when it comes last by name and its plan has no limit', 'of equal weights the first by name counts, even when its plan has no limit'],
    ['a rate is a bucket that fills at limit/period', 'no more passes than the rate, however often is asked'],
    ['calls just over it are delayed, the rest dropped', 'a call just over the rate waits for its token, one that comes too early is refused'],
    ['a quota is of a sliding period', 'a quota slides: what was taken comes back when its period is over'],
    ['plans are counted in Redis', 'plans in Redis'],
  ),
  ...rows(
    '2.6',
    ['`path` on the Service behind the route', 'path: the document is on the Service behind the route; method and path are checked when asked for', 'path: several route objects may lead to the one Service', 'path: each route object has the document of the Service behind it'],
    ['`url`, reachable by the agent', 'url: a JSON document of OpenAPI 3.1, by whose schemas bodies are checked'],
    ['`path` does not go with several Services', 'path does not go with several Services behind a route object: no check of its calls, and a diagnostic'],
    ['YAML or JSON', 'path: the document is on the Service behind the route; method and path are checked when asked for', 'url: a JSON document of OpenAPI 3.1, by whose schemas bodies are checked'],
    ['Swagger 2 and OpenAPI 3', 'Swagger 2, with its basePath', 'url: a JSON document of OpenAPI 3.1, by whose schemas bodies are checked'],
    ['it is refreshed, not more often than each minute', 'a document is fetched anew when its refreshInterval is over', 'a refreshInterval below a minute is refused, and leaves no route open'],
    ['method and path are checked when asked for', 'path: the document is on the Service behind the route; method and path are checked when asked for', 'without the option neither method, path nor body is checked'],
    ['bodies are checked when asked for', 'url: a JSON document of OpenAPI 3.1, by whose schemas bodies are checked'],
    ['a version has a contract of its own', 'a version has checks and a document of its own'],
    ['a document that cannot be had', 'a document that is not there lets no request through'],
    ['operation sets by path, pathPrefix, pathRegex and methods', 'operation sets by path', 'operation sets by the paths of the document, under its public base path', 'operation sets by pathPrefix', 'operation sets by pathRegex', 'operation sets by methods alone, and by methods and path together'],
    ['at most one form of path, at least one property', 'a matcher with two forms of path is refused, and leaves no route open', 'a matcher without any property is refused, and leaves no route open', 'a contract without path and url is refused, and leaves no route open'],
  ),
  outside('2.6', 'the static defaults of validation', 'they are flags of a process that a preview does not run; each API says what it wants'),
]; // prettier-ignore

/** `docs/hub-kinds.md`. */
export function sentencesDocument(tests: number): string {
  const lines = [
    '# What the kinds of the hub do',
    '',
    '<!-- Written by the run itself: ADIT_WRITE_DOCS=1 npx vitest run --config e2e/vitest.config.ts e2e/hub-kinds -->',
    '',
    'The product of `hub.traefik.io` is not public; what its documents, tutorials and older sources say of attachment and behaviour is',
    `listed here sentence by sentence, with the cases of \`e2e/hub-kinds\` that ask for it: ${tests} tests, manifests in and HTTP exchanges out,`,
    'against a whole `adit up --preview`.',
  ];
  for (const [part, sentences] of Map.groupBy(SENTENCES, ({ part: of }) => of)) {
    lines.push('', `## ${part} ${TITLES[part]}`, '', '| sentence | cases |', '|---|---|');
    for (const { says, cases, why = '' } of sentences)
      lines.push(
        `| ${escaped(says)} | ${cases.length === 0 ? `not over HTTP: ${escaped(why)}` : cases.map(escaped).join('; ')} |`,
      );
  }
  return `${lines.join('\n')}\n`;
}

const TITLES: Readonly<Record<Sentence['part'], string>> = {
  '2.1': 'Attachment',
  '2.2': 'Prefixes of paths',
  '2.3': 'Versions',
  '2.4': 'Who calls',
  '2.5': 'Statuses, headers, plans',
  '2.6': 'OpenAPI',
};

function escaped(text: string): string {
  return text.replaceAll('|', '\\|');
}
