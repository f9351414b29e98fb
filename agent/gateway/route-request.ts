import type { RouteConfig } from '../../shared/gateway/config.ts';
import { canonicalHost } from '../../shared/http1/canonical-host.ts';
import type { HeaderList } from '../../shared/http1/header-list.ts';
import type { RequestHead } from '../../shared/http1/message-head.ts';
import type { Chain } from './middlewares/chain.ts';
import type { Wrap } from './middlewares/handler.ts';
import { HeadView } from './head-view.ts';
import { emptyAnswer, problemAnswer, type OwnAnswer } from './own-answer.ts';
import type { Decision, Refused } from './policy.ts';
import { readRequestPath } from './request-path.ts';
import type { Serving } from './serving.ts';

/** What is known of an exchange once its request head was judged. */
export interface Routed {
  /** Canonical preview host; empty when the request names none. */
  readonly previewHost: string;
  readonly route?: RouteConfig | undefined;
  readonly application?: string | undefined;
  readonly plan?: string | undefined;
  /** The same request under the same configuration is always routed the same. */
  readonly stable: boolean;
  readonly next: { readonly kind: 'answer'; readonly answer: OwnAnswer } | Forward;
  /** Takes the call from its plan; absent where none limits it, or a gate does. */
  readonly take?: (() => Decision) | undefined;
  /** What CORS changes in any response. */
  readonly decorate?: ((headers: HeaderList) => void) | undefined;
}

export interface Forward {
  readonly kind: 'forward';
  readonly route: RouteConfig;
  readonly chain: Chain;
  /** Host for the upstream when the route passes it on. */
  readonly host: string;
  readonly rawPath: string;
  /** With its `?`. */
  readonly query: string;
  /** The request waits here before its chain. */
  readonly gate?: Wrap | undefined;
}

/** Judges a request head: host, route, CORS, policy. Nothing is taken from plans yet. */
export function routeRequest(head: RequestHead, serving: Serving | undefined, idleReason: string): Routed {
  const hostValue = head.headers.get('host') ?? '';
  const named = canonicalHost(hostValue);
  const previewHost = named.ok ? named.value.host : '';
  const answered = (answer: OwnAnswer): Routed => ({ previewHost, stable: false, next: { kind: 'answer', answer } });

  if (serving === undefined) return answered(problemAnswer('no-preview', idleReason));
  if (head.method === 'CONNECT') return answered(problemAnswer('method-refused', `CONNECT ${head.target} is refused.`));
  if (!head.target.startsWith('/')) {
    return answered(
      problemAnswer('target-form', `The target ${JSON.stringify(head.target.slice(0, 200))} is refused.`),
    );
  }
  const stands = serving.hostMap.get(previewHost);
  if (stands === undefined) {
    return answered(problemAnswer('no-route', `This agent does not serve the host ${JSON.stringify(previewHost)}.`));
  }
  const mark = head.target.indexOf('?');
  const path = readRequestPath(mark < 0 ? head.target : head.target.slice(0, mark));
  if (path === undefined)
    return answered(problemAnswer('bad-request', 'A % in the path is not followed by two hex digits.'));
  // As Traefik: a semicolon parts parameters, for rules and for upstreams.
  const rawQuery = mark < 0 ? '' : head.target.slice(mark + 1).replaceAll(';', '&');
  const view = new HeadView({ method: head.method, host: stands, path: path.routing, rawQuery, headers: head.headers });

  const route = serving.router.match(view);
  if (route === undefined) return answered(noRoute(view, serving));
  const cors = serving.cors(route.id);
  const preflight = cors?.preflight(view);
  if (preflight !== undefined) return { ...answered(emptyAnswer(200, preflight)), route };

  const guard = serving.guard(route.id);
  const policy = serving.policy(route.id);
  const ruling = guard === undefined ? policy?.rule(view) : undefined;
  const base = {
    previewHost,
    route,
    application: ruling?.application,
    plan: ruling?.plan,
    stable: policy?.stable !== false,
    decorate: cors === undefined ? undefined : (headers: HeaderList): void => cors.apply(headers, view),
  };
  if (ruling?.allowed === false) return { ...base, next: { kind: 'answer', answer: refusal(ruling) } };
  const query = mark < 0 ? '' : `?${rawQuery}`;
  return {
    ...base,
    take: ruling?.take,
    next: {
      kind: 'forward',
      route,
      chain: serving.chain(route.id),
      host: stands ?? hostValue,
      rawPath: path.raw,
      query,
      gate: guard,
    },
  };
}

export function refusal({ code, detail, headers, empty }: Refused): OwnAnswer {
  return problemAnswer(code, detail, { headers, empty });
}

function noRoute(request: HeadView, serving: Serving): OwnAnswer {
  const host = request.host === null ? '' : ` on host ${request.host}`;
  const detail = `No route matches ${request.method} ${request.path}${host}.`;
  const left = serving.leftOut(request);
  if (left === undefined) return problemAnswer('no-route', detail);
  const { namespace = '', service = '' } = serving.config.upstreams[left.upstream] ?? {};
  const why = `${left.route.id} is left out, as Service ${namespace}/${service} is not among the files.`;
  const hint = `Add it, or say in adit.yaml where it runs: upstreams: { "${namespace}/${service}": { url: "http://127.0.0.1:PORT" } }`;
  return problemAnswer('no-route', `${detail} ${why}`, { hint });
}
