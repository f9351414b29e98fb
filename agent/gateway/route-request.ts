import type { RouteConfig } from '../../shared/gateway/config.ts';
import { canonicalHost } from '../../shared/http1/canonical-host.ts';
import type { HeaderList, HeaderPair } from '../../shared/http1/header-list.ts';
import type { RequestHead } from '../../shared/http1/message-head.ts';
import { applyToResponse } from './apply-middlewares.ts';
import { HeadView } from './head-view.ts';
import { emptyAnswer, problemAnswer, type OwnAnswer } from './own-answer.ts';
import type { Decision } from './policy.ts';
import { readRequestPath } from './request-path.ts';
import type { Choice } from './services/choice.ts';
import { putCookiesFirst } from './services/put-cookies-first.ts';
import type { Serving } from './serving.ts';

/** What is known of an exchange once its request head was judged. */
export interface Routed {
  /** Canonical preview host; empty when the request names none. */
  readonly previewHost: string;
  readonly route?: RouteConfig | undefined;
  readonly application?: string | undefined;
  readonly plan?: string | undefined;
  /** The same request under the same configuration always gets the same, whatever was asked in between. */
  readonly stable: boolean;
  readonly next: { readonly kind: 'answer'; readonly answer: OwnAnswer } | Forward;
  /** What policy and middlewares change in any response. */
  decorate(headers: HeaderList): void;
}

export interface Forward {
  readonly kind: 'forward';
  readonly route: RouteConfig;
  readonly choice: Choice;
  /** Host for the upstream when the route passes it on. */
  readonly host: string;
  readonly rawPath: string;
  readonly rawQuery: string;
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
  const rawQuery = mark < 0 ? '' : head.target.slice(mark + 1);
  const view = new HeadView({ method: head.method, host: stands, path: path.routing, rawQuery, headers: head.headers });

  const route = serving.router.match(view);
  if (route === undefined) {
    const host = stands === null ? '' : ` on host ${stands}`;
    return answered(problemAnswer('no-route', `No route matches ${head.method} ${view.path}${host}.`));
  }
  const cors = route.api === undefined ? undefined : serving.cors(route.api);
  const preflight = cors?.preflight(view);
  if (preflight !== undefined) return { ...answered(emptyAnswer(200, preflight)), route };

  const decision: Decision | undefined = route.api === undefined ? undefined : serving.policy.decide(route.api, view);
  const effect = cors?.effect(view);
  const base = {
    previewHost,
    route,
    application: decision?.application,
    plan: decision?.plan,
    stable: false,
    decorate(headers: HeaderList): void {
      if (decision === undefined || decision.allowed) {
        applyToResponse(route.middlewares, headers);
        if (decision !== undefined) setAll(headers, decision.headers);
      }
      if (effect === undefined) return;
      setAll(headers, effect.set);
      if (effect.varyOrigin) varyOnOrigin(headers);
    },
  };
  if (decision?.allowed === false) {
    const { code, detail, headers, empty } = decision;
    return { ...base, next: { kind: 'answer', answer: problemAnswer(code, detail, { headers, empty }) } };
  }
  const choice = serving.pick(route.id, view);
  const { cookies } = choice;
  const decorate = (headers: HeaderList): void => {
    putCookiesFirst(headers, cookies);
    base.decorate(headers);
  };
  if (choice.kind === 'refused') return { ...base, decorate, next: { kind: 'answer', answer: choice.answer } };
  return {
    ...base,
    decorate: cookies.length === 0 ? base.decorate : decorate,
    stable: route.api === undefined && choice.constant,
    next: { kind: 'forward', route, choice, host: stands ?? hostValue, rawPath: path.raw, rawQuery },
  };
}

function setAll(headers: HeaderList, pairs: readonly HeaderPair[]): void {
  for (const [name, value] of pairs) headers.set(name, value);
}

function varyOnOrigin(headers: HeaderList): void {
  const vary = headers.getAll('vary').join(',');
  if (vary !== 'Origin') headers.set('Vary', vary === '' ? 'Origin' : `${vary},Origin`);
}
