import type { Logger } from 'pino';

import type { PreviewRequest, PreviewStatus } from '../shared/agent/api.ts';
import type { PreviewEvent } from '../shared/process/lines.ts';
import { version } from '../shared/version.ts';
import { PreviewAgent } from './agent.ts';
import { localApi } from './api/local-api.ts';
import { AgentError } from './errors.ts';

export interface AgentOptions {
  /** A loopback address; default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: the system chooses. */
  readonly port?: number;
  /** Bearer of the local API. */
  readonly token: string;
  /** Without it nothing can be previewed. */
  readonly control?: { readonly url: string; readonly enrolmentKey?: string };
  /** Of this agent alone: identity, lease, token. */
  readonly stateDir: string;
  /** Links to distinct brokers; default 3. */
  readonly wanted?: number;
  /** `redis:` or `rediss:` with credentials for the server that a workspace names without. */
  readonly redisUrl?: string;
  /** Certificates in PEM, trusted besides the public ones. */
  readonly ca?: string;
  readonly log: Logger;
  readonly onEvent?: (event: PreviewEvent) => void;
  /** What `POST /v1/stop` does; default: SIGTERM to this process, which ends it in order. */
  readonly onStop?: () => void;
}

export interface Agent {
  /** `HOST:PORT` of the local API. */
  readonly address: string;
  status(): PreviewStatus;
  startPreview(request: PreviewRequest): Promise<PreviewStatus>;
  stopPreview(): Promise<PreviewStatus>;
  /** Lets exchanges end for `graceMs`, then ends everything. */
  close(options: { graceMs: number }): Promise<void>;
}

const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/;

function endProcess(): void {
  process.kill(process.pid, 'SIGTERM');
}

/** Starts the agent and its local API. Throws AgentError for a host that is not a loopback address. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { host = '127.0.0.1', port = 0, token, log } = options;
  if (!LOOPBACK.test(host)) throw new AgentError('api-host', `The local API cannot listen on ${host}.`);
  const agent = new PreviewAgent({
    control: options.control,
    stateDir: options.stateDir,
    version,
    wanted: options.wanted ?? 3,
    ca: options.ca,
    redisUrl: options.redisUrl,
    log,
    onEvent: options.onEvent ?? (() => {}),
  });
  const onStop = options.onStop ?? endProcess;
  const api = await localApi({ host, port, token, agent, onStop });
  return {
    address: api.address,
    status: () => agent.status(),
    startPreview: (request) => agent.start(request),
    stopPreview: () => agent.stop(),
    async close({ graceMs }) {
      await agent.close({ graceMs });
      await api.close();
    },
  };
}
