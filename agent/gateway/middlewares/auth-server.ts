import type { ForwardAuthConfig } from '../../../shared/gateway/middleware.ts';
import type { Service } from '../services/choice.ts';
import { upstreamTarget, type UpstreamTarget } from '../upstream-target.ts';
import type { OutgoingRequest } from './outgoing-request.ts';

/** The server that a forwardAuth middleware asks. */
export interface AuthServer {
  readonly target: UpstreamTarget;
  /** Path and query of its address. */
  readonly uri: string;
  /** For `Host`: as the address names it. */
  readonly host: string;
}

/** Undefined when there is none to ask. Throws AgentError for an address that is not dialled. */
export function authServer(
  config: ForwardAuthConfig,
  service: (key: string) => Service,
): (request: OutgoingRequest) => AuthServer | undefined {
  const { address, tls, source } = config;
  if (!URL.canParse(address)) return () => undefined;
  const { pathname, search, host } = new URL(address);
  const uri = `${pathname}${search}`;
  if (config.service !== undefined) {
    const inCluster = service(config.service);
    return (request) => {
      const choice = inCluster.choose(request);
      return choice.kind === 'refused' ? undefined : { target: choice.target, uri, host };
    };
  }
  const target = upstreamTarget(address, {
    transport: {
      source,
      insecureSkipVerify: tls?.insecureSkipVerify === true,
      rootCAs: tls?.ca === undefined ? [] : [tls.ca],
      certificates: tls?.cert === undefined || tls.key === undefined ? [] : [{ cert: tls.cert, key: tls.key }],
      disableHttp2: true,
      maxIdleConnsPerHost: 0,
      dialTimeoutMs: 0,
      responseHeaderTimeoutMs: 0,
      idleConnTimeoutMs: 0,
      readIdleTimeoutMs: 0,
      pingTimeoutMs: 0,
    },
  });
  const server = { target, uri, host };
  return () => server;
}
