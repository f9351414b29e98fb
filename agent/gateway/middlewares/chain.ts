import type { MiddlewareConfig } from '../../../shared/gateway/middleware.ts';
import { assertNever } from '../../../shared/result/result.ts';
import type { Service } from '../services/choice.ts';
import { addPrefix } from './add-prefix.ts';
import { authServer } from './auth-server.ts';
import { basicAuth } from './basic-auth.ts';
import { buffering } from './buffering.ts';
import { Breaker, circuitBreaker } from './circuit-breaker.ts';
import { compress } from './compress.ts';
import { contentType } from './content-type.ts';
import { customHeaders } from './custom-headers.ts';
import { DigestNonces, digestAuth } from './digest-auth.ts';
import { errorPages } from './error-pages.ts';
import { forwardAuth } from './forward-auth.ts';
import { answerWith, type Handler, type Wrap } from './handler.ts';
import type { HeadStep } from './head-step.ts';
import { requestHeaderModifier, responseHeaderModifier } from './header-modifier.ts';
import { InFlight, inFlightReq } from './in-flight-req.ts';
import { ipAllowList } from './ip-allow-list.ts';
import type { StatesInMaking } from './middleware-states.ts';
import { PasswordCheck } from './password-check.ts';
import { rateLimit } from './rate-limit.ts';
import { redirectRegex, redirectScheme } from './redirect.ts';
import { replacePath, replacePathRegex } from './replace-path.ts';
import { requestRedirect } from './request-redirect.ts';
import { retry } from './retry.ts';
import { secureHeaders } from './secure-headers.ts';
import { stripPrefix } from './strip-prefix.ts';
import { stripPrefixRegex } from './strip-prefix-regex.ts';
import { TokenBuckets } from './token-bucket.ts';
import { urlRewrite } from './url-rewrite.ts';

/** The middlewares of a route, ready to run. */
export interface Chain {
  /** The first is the outermost: it sees the request first and the answer last. All of them, when `handler` is absent. */
  readonly steps: readonly HeadStep[];
  /** What the steps do to an answer depends on the request. */
  readonly varies: boolean;
  /** For chains that wait, count, or look at bodies: all of the chain, down to the service. */
  readonly handler?: Handler | undefined;
}

export const NO_MIDDLEWARES: Chain = { steps: [], varies: false };

export interface ChainParts {
  /** Milliseconds; never goes back. */
  readonly clock: () => number;
  readonly states: StatesInMaking;
  /** By key of `GatewayConfig.services`. */
  service(key: string): Service;
}

/** All of a chain, for a request that has to wait before it. */
export function chainHandler({ handler, steps }: Chain): Handler {
  return handler ?? steps.reduceRight<Handler>((next, step) => stepHandler(step, next), toService);
}

const toService: Handler = (call, sink) => call.forward(sink);

/** Throws when a pattern does not compile; the compiler of manifests has refused those. */
export function buildChain(
  route: string,
  configs: readonly MiddlewareConfig[],
  parts: ChainParts,
  innermost?: Wrap,
): Chain {
  if (configs.length === 0 && innermost === undefined) return NO_MIDDLEWARES;
  const links: (HeadStep | Wrap)[] = configs.flatMap((config, at) =>
    linksOf(config, `${route} ${at} ${JSON.stringify(config)}`, parts),
  );
  if (innermost !== undefined) links.push(innermost);
  const steps = links.filter((link) => typeof link !== 'function');
  const varies = steps.some((step) => step.varies === true);
  if (steps.length === links.length) return { steps, varies };
  const handler = links.reduceRight<Handler>(
    (next, link) => (typeof link === 'function' ? link(next) : stepHandler(link, next)),
    toService,
  );
  return { steps: [], varies: true, handler };
}

/** `identity` names a middleware that has not changed, in its place: what it remembers is kept by it. */
function linksOf(config: MiddlewareConfig, identity: string, parts: ChainParts): readonly (HeadStep | Wrap)[] {
  const { clock, states } = parts;
  switch (config.kind) {
    case 'strip-prefix':
      return [stripPrefix(config)];
    case 'strip-prefix-regex':
      return [stripPrefixRegex(config)];
    case 'add-prefix':
      return [addPrefix(config)];
    case 'replace-path':
      return [replacePath(config)];
    case 'replace-path-regex':
      return [replacePathRegex(config)];
    case 'headers':
      return [customHeaders(config), ...(config.secure === undefined ? [] : [secureHeaders(config.secure)])];
    case 'redirect-scheme':
      return [redirectScheme(config)];
    case 'redirect-regex':
      return [redirectRegex(config)];
    case 'request-header-modifier':
      return [requestHeaderModifier(config)];
    case 'response-header-modifier':
      return [responseHeaderModifier(config)];
    case 'url-rewrite':
      return [urlRewrite(config)];
    case 'request-redirect':
      return [requestRedirect(config)];
    case 'ip-allow-list':
      return [ipAllowList(config)];
    case 'rate-limit':
      return [
        rateLimit(
          config,
          states.of(TokenBuckets, identity, () => new TokenBuckets(config, clock)),
        ),
      ];
    case 'in-flight-req':
      return [
        inFlightReq(
          config,
          states.of(InFlight, identity, () => new InFlight()),
        ),
      ];
    case 'basic-auth':
      return [
        basicAuth(
          config,
          states.of(PasswordCheck, identity, () => new PasswordCheck()),
        ),
      ];
    case 'digest-auth':
      return [
        digestAuth(
          config,
          states.of(DigestNonces, identity, () => new DigestNonces()),
        ),
      ];
    case 'forward-auth':
      return [forwardAuth(config, authServer(config, parts.service))];
    case 'compress':
      return [compress(config)];
    case 'retry':
      return config.attempts > 1 ? [retry(config)] : [];
    case 'circuit-breaker':
      return [
        circuitBreaker(
          config,
          states.of(Breaker, identity, () => new Breaker(config, clock)),
        ),
      ];
    case 'buffering':
      return [buffering(config)];
    case 'errors':
      return [errorPages(config)];
    case 'content-type':
      return [contentType()];
    default:
      return assertNever(config);
  }
}

function stepHandler(step: HeadStep, next: Handler): Handler {
  return (call, sink) => {
    const answer = step.request?.(call.request);
    if (answer !== undefined) {
      answerWith(sink, answer);
      return;
    }
    if (step.response === undefined) {
      next(call, sink);
      return;
    }
    next(call, {
      head(head) {
        step.response?.(head.headers, call.request);
        sink.head(head);
      },
      body: (bytes) => sink.body(bytes),
      end: () => sink.end(),
    });
  };
}
