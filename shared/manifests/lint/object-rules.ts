import { fields, isFields, items, text, texts, textMap } from '../field.ts';
import { CORE, HUB, TRAEFIK } from '../kinds.ts';
import { readSelector, selects } from '../resolve/selector.ts';
import type { ManifestDocument } from '../types.ts';
import type { Finding, LintSubject } from './finding.ts';

/** Rules that look at one object and what it is connected with. */
export function objectFindings({ resolution }: LintSubject): Finding[] {
  const { byPlace, grants } = resolution;
  const findings: Finding[] = [];
  const used = new Set(
    resolution.references.flatMap(({ target, from }) => (target === undefined || target === from ? [] : [target])),
  );
  for (const grant of grants.values())
    for (const { document } of [...grant.apis, ...grant.applications]) used.add(document);
  const filters = new Set(
    resolution.documents.flatMap((document) => texts(fields(document.value, 'spec', 'operationFilter')['include'])),
  );

  for (const document of resolution.documents) {
    const spec = fields(document.value, 'spec');
    const sort = document.sort;
    const { namespace } = document.ref;
    const of = (kind: string): readonly ManifestDocument[] => byPlace.get(`${HUB}/${kind}/${namespace}`) ?? [];
    const add = (
      rule: Finding['rule'],
      path: Finding['path'],
      message: string,
      hint?: string,
      severity?: Finding['severity'],
    ): void =>
      void findings.push({
        rule,
        document,
        path,
        message,
        ...(hint === undefined ? {} : { hint }),
        ...(severity === undefined ? {} : { severity }),
      });

    for (const [field, kind] of [
      ['apiSelector', 'API'],
      ['managedApplicationSelector', 'ManagedApplication'],
    ] as const) {
      const selector = sort.startsWith(`${HUB}/`) ? readSelector(spec[field]) : undefined;
      if (selector === undefined || 'problem' in selector) continue;
      const found = of(kind).filter((other) =>
        selects(selector.requirements, fields(other.value, 'metadata', 'labels')),
      );
      for (const other of found) used.add(other);
      if (found.length === 0)
        add(
          'selector',
          ['spec', field],
          `it selects no ${kind} of namespace "${namespace}"`,
          'Correct the labels here or there.',
        );
    }

    switch (sort) {
      case `${HUB}/APIBundle`:
      case `${HUB}/APICatalogItem`:
        if (!['apis', 'apiSelector', 'apiBundles'].some((field) => holds(spec[field])))
          add(
            'childless',
            ['spec'],
            `${document.ref.kind} "${document.ref.name}" holds no API`,
            'Name APIs under `apis`, or select them.',
          );
        break;
      case `${HUB}/ManagedSubscription`: {
        const grant = grants.get(document);
        if (grant?.apis.length === 0)
          add('childless', ['spec'], 'the subscription is for no API', 'Name APIs under `apis`, or select them.');
        if (grant?.applications.length === 0 && items(spec['applications']).length === 0)
          add(
            'childless',
            ['spec'],
            'the subscription is for no application',
            'Name applications under `managedApplications`, or select them.',
          );
        break;
      }
      case `${HUB}/API`: {
        const releases = new Map<string, ManifestDocument>();
        for (const { wanted, target, path } of resolution.referencesOf.get(document) ?? []) {
          if (wanted.kind !== 'APIVersion' || target === undefined) continue;
          const release = text(fields(target.value, 'spec')['release'])?.replace(/^v/, '');
          if (release === undefined) continue;
          const first = releases.get(release);
          if (first !== undefined && first !== target)
            add(
              'release',
              path,
              `the versions "${first.ref.name}" and "${target.ref.name}" both are release ${release}`,
              'Give each a release of its own.',
            );
          releases.set(release, target);
        }
        break;
      }
      case `${HUB}/APIPlan`:
        if (!isFields(spec['rateLimit']) && !isFields(spec['quota']))
          add('plan-limit', ['spec'], `the plan "${document.ref.name}" limits nothing`, 'Add rateLimit or quota.');
        break;
      case `${HUB}/ManagedApplication`:
        for (const [at, key] of items(spec['apiKeys']).entries())
          if (text(fields(key)['value']))
            add(
              'clear-secret',
              ['spec', 'apiKeys', at, 'value'],
              'an API key is written in clear text',
              'Put it into a Secret, and name that by secretName.',
            );
        break;
      case `${HUB}/AccessControlPolicy`:
        if (text(fields(spec, 'jwt')['signingSecret']))
          add(
            'clear-secret',
            ['spec', 'jwt', 'signingSecret'],
            'a signing secret is written in clear text',
            'Use APIAuth with signingSecretName.',
          );
        break;
      case `${CORE}/Secret`:
        if (Object.keys({ ...fields(document.value, 'data'), ...textMap(document.value['stringData']) }).length > 0)
          add(
            'clear-secret',
            [Object.hasOwn(document.value, 'stringData') ? 'stringData' : 'data'],
            'the values of a Secret lie in a file; base64 hides nothing',
            'Keep real ones out of the repository, or encrypt them.',
            'info',
          );
        break;
      default:
    }
    for (const [at, set] of items(fields(spec, 'openApiSpec')['operationSets']).entries()) {
      const name = text(fields(set)['name']);
      if (name !== undefined && !filters.has(name))
        add(
          'operation-set',
          ['spec', 'openApiSpec', 'operationSets', at, 'name'],
          `no operation filter names the set "${name}"`,
          undefined,
          'info',
        );
    }
    const cors = sort === `${TRAEFIK}/Middleware` ? fields(spec, 'headers') : fields(spec, 'cors');
    const [list, credentials] =
      sort === `${TRAEFIK}/Middleware`
        ? ['accessControlAllowOriginList', 'accessControlAllowCredentials']
        : ['allowOriginsList', 'allowCredentials'];
    if (cors[credentials] === true && texts(cors[list]).includes('*'))
      add(
        'cors-credentials',
        ['spec', sort === `${TRAEFIK}/Middleware` ? 'headers' : 'cors', list],
        'any origin may call with the cookies and credentials of a browser',
        'Name the origins, or leave out credentials.',
      );
  }

  const ORPHANS: readonly (readonly [string, string])[] = [
    [`${HUB}/API`, 'no route, bundle or subscription leads to it'],
    [`${HUB}/APIVersion`, 'no API lists it'],
    [`${HUB}/APIBundle`, 'no subscription or catalog item names it'],
    [`${HUB}/APIPlan`, 'no subscription or catalog item names it'],
    [`${HUB}/ManagedApplication`, 'no subscription is for it'],
    [`${HUB}/APIPortalAuth`, 'no portal names it'],
    [`${TRAEFIK}/Middleware`, 'no route names it'],
    [`${TRAEFIK}/TraefikService`, 'no route names it'],
    [`${TRAEFIK}/ServersTransport`, 'no service names it'],
  ];
  for (const [sort, why] of ORPHANS)
    for (const document of resolution.byKind.get(sort) ?? [])
      if (!used.has(document) && !(sort === `${HUB}/APIVersion` && resolution.parentsOfVersion.has(document)))
        findings.push({
          rule: 'orphan',
          document,
          path: ['metadata', 'name'],
          message: `${document.ref.kind} "${document.ref.name}" is not used: ${why}`,
          hint: 'Use it, or remove it.',
        });
  return findings;
}

function holds(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : isFields(value);
}
