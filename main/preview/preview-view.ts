import type { PreviewStatus } from '../../shared/agent/api.ts';
import type { PreviewView } from '../../shared/contract/contract.ts';
import type { Failure } from '../../shared/result/result.ts';
import { assertNever } from '../../shared/result/result.ts';
import { failure } from '../errors.ts';
import type { AgentAccess } from './stack-port.ts';

/**
 * `starting`: processes are started and the agent is told; `waiting`: the agent, or the way to it, was lost and comes
 * back by itself; `running`: the agent's own status counts.
 */
export type PreviewPhase =
  | { readonly name: 'off' | 'starting' | 'running' }
  | { readonly name: 'waiting'; readonly why: string }
  | { readonly name: 'failed'; readonly error: Failure };

const nothing: PreviewStatus = {
  state: 'off',
  hosts: [],
  links: [],
  wanted: 0,
  config: { revision: 0, routes: 0 },
  control: { reachable: true },
};

/** What is shown of a preview: the agent's status where it counts, else what is known here. Pure. */
export function previewView(
  phase: PreviewPhase,
  status: PreviewStatus | undefined,
  parts: { readonly agent: AgentAccess | undefined; readonly lastError: string | undefined },
): PreviewView {
  const lastError = parts.agent?.lastError ?? parts.lastError;
  const agent = {
    running: parts.agent !== undefined,
    ...(parts.agent === undefined ? {} : { pid: parts.agent.pid }),
    ...(lastError === undefined || lastError === '' ? {} : { lastError }),
  };
  const base = status ?? nothing;
  switch (phase.name) {
    case 'off':
      return { ...nothing, agent };
    case 'starting':
      return { ...nothing, state: 'connecting', agent };
    case 'waiting':
      return {
        ...base,
        state: 'connecting',
        links: [],
        error: failure('preview-agent-lost', { problem: phase.why }),
        agent,
      };
    case 'running':
      return { ...base, state: base.state === 'off' ? 'connecting' : base.state, agent };
    case 'failed': {
      const { code, message, hint } = phase.error;
      return { ...nothing, state: 'failed', error: { code, message, ...(hint === undefined ? {} : { hint }) }, agent };
    }
    default:
      return assertNever(phase);
  }
}
