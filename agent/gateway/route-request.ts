import type { RouteConfig } from '../../shared/gateway/config.ts';
import { canonicalHost } from '../../shared/http1/canonical-host.ts';
import type { HeaderList, HeaderPair } from '../../shared/http1/header-list.ts';
import type { RequestHead } from '../../shared/http1/message-head.ts';
import type { Chain } from './middlewares/chain.ts';
import type { Wrap } from './middlewares/handler.ts';
import { HeadView } from './head-view.ts';
import { emptyAnswer, problemAnswer, type OwnAnswer } from './own-answer.ts';
import type { Decision } from './policy.ts';
import { planGate } from './plans/plan-gate.ts';
import { readRequestPath } from './request-path.ts';
import type { Serving } from './serving.ts';

/** What is known of an exchange once its request head was judged. */
export interface Routed {
  /** Canonical preview host; empty when the request names none. */
  readonly previewHost: string;
  readonly route?: RouteConfig | undefined;
  readonly application?: string | undefined;
  readonly plan?: string | undefined;
  /** No policy is looked at: the same request under the same configuration is always judged the same. */
  readonly stable: boolean;
  readonly next: { readonly kind: 'answer'; readonly answer: OwnAnswer } | Forward;
  /** Gives back what a call took from its plan that was refused later. */
  refund?(): void;
  /** What the policy changes in any response. */
  decorate(headers: HeaderList): void;
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

/** Judges a request head: host, route, CORS, policy, backend. Consumes from plans; otherwise without effects. */
export function routeRequest(head: RequestHead, serving: Serving | undefined, idleReason: string): Routed {
  const hostValue = head.headers.get('host') ?? '';
  const named = canonicalHost(hostValue);
  const previewHost = named.ok ? named.value.host : '';
  const answered = (answer: OwnAnswer): Routed => ({
    previewHost,
    stable: false,
    next: { kind: 'answer', answer },
    decorate: () => {},
  });

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
  const cors = route.api === undefined ? undefined : serving.cors(route.api);
  const preflight = cors?.preflight(view);
  if (preflight !== undefined) return { ...answered(emptyAnswer(200, preflight)), route };

  const guard = serving.guard(route.id);
  const decision: Decision | undefined =
    route.api === undefined || guard !== undefined ? undefined : serving.policy.decide(route.api, view);
  let settled = decision;
  const gate =
    decision?.allowed === true && decision.wait !== undefined
      ? planGate(decision, (later) => (settled = later))
      : guard;
  const base = {
    previewHost,
    route,
    application: decision?.application,
    plan: decision?.plan,
    stable: route.api === undefined,
    refund(): void {
      if (settled?.allowed === true) settled.refund?.();
    },
    decorate(headers: HeaderList): void {
      if (settled?.allowed === true) setAll(headers, settled.headers);
      cors?.apply(headers, view);
    },
  };
  if (decision?.allowed === false) {
    const { code, detail, headers, empty } = decision;
    return { ...base, next: { kind: 'answer', answer: problemAnswer(code, detail, { headers, empty }) } };
  }
  const query = mark < 0 ? '' : `?${rawQuery}`;
  return {
    ...base,
    next: {
      kind: 'forward',
      route,
      chain: serving.chain(route.id),
      host: stands ?? hostValue,
      rawPath: path.raw,
      query,
      gate,
    },
  };
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

function setAll(headers: HeaderList, pairs: readonly HeaderPair[]): void {
  for (const [name, value] of pairs) headers.set(name, value);
}
