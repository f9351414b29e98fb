import type { Failure, Result } from '../../shared/result/result.ts';

/** How the application reaches the agent's local API (`shared/agent/api.ts`). */
export interface AgentAccess {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  readonly token: string;
  readonly pid: number;
  /** Last error line that the agent wrote. */
  readonly lastError?: string | undefined;
}

/**
 * `starting`: processes are being started; `running`: the agent answers at `agent`; `recovering`: the agent ended and is
 * being started again; `failed`: it will not be started again by itself.
 */
export interface StackState {
  readonly state: 'off' | 'starting' | 'running' | 'recovering' | 'failed';
  readonly agent?: AgentAccess | undefined;
  /** Last error line of any process of the stack. */
  readonly lastError?: string | undefined;
  /** Why it failed, when `failed`. */
  readonly error?: Failure | undefined;
}

/** The processes behind a preview: control plane, brokers, edge, agent, and the workspace's sample upstreams. */
export interface StackPort {
  /** Idempotent for the same folder; another folder exchanges the upstreams. Resolves when the agent answers. */
  start(workspace: { readonly dir: string }): Promise<Result<AgentAccess>>;
  stop(): Promise<void>;
  /** Called at each change; a restarted agent is a new `agent` (another address or pid). Returns the unsubscriber. */
  onState(listener: (state: StackState) => void): () => void;
  agent(): AgentAccess | undefined;
  /** Base URL by `NAMESPACE/NAME` or `NAMESPACE/NAME:PORT`, from `upstreams:` of the workspace's `adit.yaml`. */
  upstreams(): Readonly<Record<string, string>>;
}
