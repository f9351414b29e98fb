import type { ModelObject } from '../../shared/contract/contract.ts';
import { fields, isFields, items, text, texts, type Fields } from '../../shared/manifests/field.ts';
import {
  API_ANNOTATION,
  API_VERSION_ANNOTATION,
  CORE,
  HUB,
  NETWORKING,
  TRAEFIK,
} from '../../shared/manifests/kinds.ts';
import type { ManifestDocument } from '../../shared/manifests/types.ts';

type ObjectFields = NonNullable<ModelObject['fields']>;
/** A label and what stands there; several lines become one value, no line none. */
type Row = readonly [label: string, lines: unknown];

const MAX_FIELDS = 12;
const MAX_LINES = 6;
const MAX_LINE = 160;
const known = new WeakMap<ManifestDocument, ObjectFields>();

/** What matters of an object by its kind, for people: matches of a route, limits of a plan. No value of a Secret. */
export function objectFields(document: ManifestDocument): ObjectFields {
  const done = known.get(document);
  if (done !== undefined) return done;
  const made = [...rowsOf(document), ...annotationRows(document)]
    .flatMap(([label, lines]) => {
      const value = shown(lines);
      return value === '' ? [] : [{ label, value }];
    })
    .slice(0, MAX_FIELDS);
  known.set(document, made);
  return made;
}

function rowsOf(document: ManifestDocument): Row[] {
  const spec = fields(document.value, 'spec');
  switch (document.sort) {
    case `${TRAEFIK}/IngressRoute`:
      return [
        ...items(spec['routes']).flatMap((route, at, all) =>
          routeRows(fields(route), all.length > 1 ? ` ${at + 1}` : ''),
        ),
        ['Entry points', texts(spec['entryPoints']).join(', ')],
      ];
    case `${NETWORKING}/Ingress`:
      return [
        ['Class', spec['ingressClassName']],
        ['Paths', items(spec['rules']).flatMap(ingressPaths)],
        ['Otherwise', backendWords(fields(spec, 'defaultBackend', 'service'))],
      ];
    case `${TRAEFIK}/Middleware`:
      return Object.entries(spec).flatMap(([type, options]): Row[] => [
        ['Does', type],
        ...Object.entries(fields(options)).map(([name, value]): Row => [name, plainWords(value)]),
      ]);
    case `${CORE}/Service`:
      return [
        ['Type', spec['type']],
        ['Leads to', spec['externalName']],
        ['Ports', items(spec['ports']).map((port) => portWords(fields(port)))],
        ['Pods', mapWords(spec['selector'])],
      ];
    case `${CORE}/Secret`:
      return [
        ['Type', document.value['type']],
        [
          'Keys',
          [...Object.keys(fields(document.value, 'stringData')), ...Object.keys(fields(document.value, 'data'))],
        ],
      ];
    case `${HUB}/API`:
      return [
        ...described(spec),
        ['Versions', items(spec['versions']).map((version) => fields(version)['name'])],
        ['OpenAPI', openApiWords(fields(spec, 'openApiSpec'))],
        ['Operations', items(fields(spec, 'openApiSpec')['operationSets']).map((set) => operationWords(fields(set)))],
        ['CORS', texts(fields(spec, 'cors')['allowOriginsList'] ?? fields(spec, 'cors')['allowOriginList']).join(', ')],
      ];
    case `${HUB}/APIVersion`:
      return [
        ...described(spec),
        ['Release', spec['release']],
        ['OpenAPI', openApiWords(fields(spec, 'openApiSpec'))],
        ['Operations', items(fields(spec, 'openApiSpec')['operationSets']).map((set) => operationWords(fields(set)))],
      ];
    case `${HUB}/APIAuth`:
      return [
        ...Object.entries(spec).flatMap(([name, value]): Row[] => (isFields(value) ? authRows(name, value) : [])),
        ['Default', spec['isDefault'] === true ? 'of the namespace' : ''],
      ];
    case `${HUB}/APIPlan`:
      return [
        ...described(spec),
        ['Rate limit', limitWords(fields(spec, 'rateLimit'))],
        ['Quota', limitWords(fields(spec, 'quota'))],
      ];
    case `${HUB}/ManagedApplication`:
      return [
        ['Application id', spec['appId']],
        ['Owner', spec['owner']],
        ['Notes', spec['notes']],
        ['API keys', items(spec['apiKeys']).map((key) => keyWords(fields(key)))],
      ];
    case `${HUB}/ManagedSubscription`:
      return [
        ['Plan', fields(spec, 'apiPlan')['name']],
        ['APIs', [...named(spec['apis']), ...named(spec['apiBundles']), selectorWords(spec['apiSelector'])]],
        ['Applications', [...named(spec['managedApplications']), selectorWords(spec['applicationSelector'])]],
        ['Operations', texts(spec['operationFilter'] === undefined ? [] : fields(spec, 'operationFilter')['include'])],
        ['Weight', spec['weight']],
        ['Claims', spec['claims']],
      ];
    default:
      return Object.entries(spec).map(([name, value]): Row => [name, plainWords(value)]);
  }
}

function annotationRows(document: ManifestDocument): Row[] {
  const metadata = fields(document.value, 'metadata');
  const annotations = fields(metadata, 'annotations');
  return [
    ['API', annotations[API_ANNOTATION]],
    ['API version', annotations[API_VERSION_ANNOTATION]],
    ['Labels', mapWords(metadata['labels'])],
  ];
}

function routeRows(route: Fields, number: string): Row[] {
  return [
    [`Match${number}`, text(route['match'])?.trim()],
    [`Goes to${number}`, items(route['services']).map((service) => serviceWords(fields(service)))],
    [`Middlewares${number}`, named(route['middlewares']).join(', ')],
  ];
}

function ingressPaths(rule: unknown): string[] {
  const host = text(fields(rule)['host']) ?? '';
  return items(fields(rule, 'http')['paths']).map((path) => {
    const entry = fields(path);
    return `${host}${text(entry['path']) ?? '/'} → ${backendWords(fields(entry, 'backend', 'service'))}`;
  });
}

function backendWords(service: Fields): string {
  const port = fields(service, 'port');
  const name = text(service['name']);
  return name === undefined ? '' : `${name}:${word(port['number'] ?? port['name'] ?? '')}`;
}

function serviceWords(service: Fields): string {
  const port = service['port'] === undefined ? '' : `:${word(service['port'])}`;
  return `${word(service['name'] ?? '')}${port}${service['weight'] === undefined ? '' : ` × ${word(service['weight'])}`}`;
}

function portWords(port: Fields): string {
  const target = port['targetPort'] === undefined ? '' : ` → ${word(port['targetPort'])}`;
  return `${port['name'] === undefined ? '' : `${word(port['name'])} `}${word(port['port'] ?? '')}${target}`;
}

function described(spec: Fields): Row[] {
  return [
    ['Title', spec['title']],
    ['Description', spec['description']],
  ];
}

function openApiWords(openApi: Fields): string {
  return text(openApi['url']) ?? text(openApi['path']) ?? '';
}

function operationWords(set: Fields): string {
  const matchers = items(set['matchers']).map((matcher) => {
    const { methods, ...paths } = fields(matcher);
    return [...texts(methods), ...Object.values(paths).map(word)].join(' ');
  });
  return `${word(set['name'] ?? '')}: ${matchers.join(', ')}`;
}

function authRows(method: string, options: Fields): Row[] {
  const words: Readonly<Record<string, string>> = { apiKey: 'API key', jwt: 'JWT', ldap: 'LDAP', keyless: 'none' };
  return [
    ['Callers prove', words[method] ?? method],
    ...Object.entries(options)
      // Whatever is a secret is a name of one here, but a name that says so is not worth the risk.
      .filter(([name]) => !/password|signingSecret$/i.test(name))
      .map(([name, value]): Row => [name, plainWords(value)]),
  ];
}

function limitWords(limit: Fields): string {
  if (limit['limit'] === undefined) return '';
  return `${word(limit['limit'])} per ${word(limit['period'] ?? '1s')}${limit['bucket'] === undefined ? '' : `, for each ${word(limit['bucket'])}`}`;
}

function keyWords(key: Fields): string {
  const secret = text(key['secretName']);
  const words = [
    text(key['title']) ?? '',
    secret === undefined ? '' : `in Secret ${secret}`,
    key['suspended'] === true ? 'suspended' : '',
  ];
  return words.filter((word) => word !== '').join(', ');
}

function named(list: unknown): string[] {
  return items(list).flatMap((entry) => text(fields(entry)['name']) ?? []);
}

function selectorWords(selector: unknown): string {
  if (!isFields(selector)) return '';
  const expressions = items(selector['matchExpressions']).map((one) => {
    const { key, operator, values } = fields(one);
    return `${word(key)} ${word(operator)} ${texts(values).join(', ')}`.trim();
  });
  const all = [mapWords(selector['matchLabels']), ...expressions].filter((word) => word !== '');
  return `with ${all.length === 0 ? 'any labels' : all.join(', ')}`;
}

function mapWords(map: unknown): string {
  return Object.entries(fields(map))
    .map(([key, value]) => `${key}=${word(value)}`)
    .join(', ');
}

/** A plain value; what has a shape of its own is no word. */
function word(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? `${value}` : '';
}

/** A value of any shape in a line: lists of plain values and maps of them; what is deeper only by its size. */
function plainWords(value: unknown): unknown {
  if (Array.isArray(value))
    return value.some((entry) => typeof entry === 'object') ? `${value.length} entries` : value.map(word).join(', ');
  if (!isFields(value)) return value;
  const entries = Object.entries(value);
  return entries.some(([, entry]) => typeof entry === 'object')
    ? entries.map(([name]) => name).join(', ')
    : mapWords(value);
}

function shown(lines: unknown): string {
  const all = (Array.isArray(lines) ? lines : [lines])
    .filter((line) => line !== undefined && line !== null && line !== '')
    .map((line) => cut(word(line)));
  return [...all.slice(0, MAX_LINES), ...(all.length > MAX_LINES ? [`and ${all.length - MAX_LINES} more`] : [])].join(
    '\n',
  );
}

function cut(line: string): string {
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE - 1)}…` : line;
}
