import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import { fail, ok, type Failure, type Result } from '../../shared/result/result.ts';
import { WORKSPACE_CONFIG_FILE, type WorkspaceConfig } from '../../shared/workspace/adit-yaml.ts';
import { parseWorkspaceConfig } from '../../shared/workspace/parse-config.ts';
import type { AgentAccess, StackPort, StackState } from '../preview/stack-port.ts';
import { startStack, type Stack } from './stack.ts';
import { startUpstreams, type UpstreamSet } from './upstream-process.ts';

export interface LocalStackOptions {
  readonly stateDir: string;
  /** Folder of the development CA, for workspaces whose previews are by HTTPS. */
  readonly developmentCa: string;
  readonly brokers: number;
  onLog(name: string, text: string): void;
}

const STOP_WITHIN_MS = 4_000;

/** The stack that the application runs for its one workspace: started by the first preview, kept until `stop`. */
export function createLocalStack(options: LocalStackOptions): StackPort {
  const listeners = new Set<(state: StackState) => void>();
  let phase: StackState['state'] = 'off';
  let error: Failure | undefined;
  let lastError: string | undefined;
  let stack: Stack | undefined;
  /** Whether visitors come to `stack` by HTTPS. */
  let https = false;
  let upstreams: { dir: string; set: UpstreamSet } | undefined;
  /** Starts and stops follow each other; the last one asked for is what remains. */
  let queue: Promise<unknown> = Promise.resolve();

  const agent = (): AgentAccess | undefined => {
    if (stack === undefined || phase !== 'running') return undefined;
    const found = stack.agent();
    return {
      address: found.address,
      token: found.token,
      pid: found.pid,
      ...(found.lastError === '' ? {} : { lastError: found.lastError }),
    };
  };
  const become = (next: StackState['state'], why?: Failure): void => {
    phase = next;
    error = why;
    const state: StackState = { state: phase, agent: agent(), lastError, error };
    for (const listener of listeners) listener(state);
  };
  const onEvent = (event: PreviewEvent): void => {
    if (event.event === 'child-exited') {
      lastError = `${event.child} ended: ${event.reason}`;
      if (event.child === 'agent') become('recovering');
    } else if (event.event === 'child-restarted' && event.child === 'agent') {
      become('running');
    }
  };
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  };

  async function start(dir: string): Promise<Result<AgentAccess>> {
    try {
      const config = await readConfig(dir);
      // Each part listens in one way for as long as it lives.
      if (stack !== undefined && https !== config.preview.https) await stop();
      if (stack === undefined) become('starting');
      await settled([startParts(config.preview.https), exchangeUpstreams(dir, config)]);
      become('running');
      const access = agent();
      return access ? ok(access) : fail('agent-unreachable', 'the agent is being started again; try once more');
    } catch (cause) {
      const failure: Failure = {
        code: cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : 'stack-failed',
        message: cause instanceof Error ? cause.message : String(cause),
        hint: cause instanceof Error && 'hint' in cause && typeof cause.hint === 'string' ? cause.hint : undefined,
        detail: lastError,
      };
      await stop();
      become('failed', failure);
      return { ok: false, error: failure };
    }
  }

  async function startParts(byHttps: boolean): Promise<void> {
    https = byHttps;
    stack ??= await startStack({
      stateDir: options.stateDir,
      ...(byHttps ? { developmentCa: options.developmentCa } : {}),
      brokers: options.brokers,
      onEvent,
      onLog: options.onLog,
    });
  }

  async function readConfig(dir: string): Promise<WorkspaceConfig> {
    const text = await readFile(join(dir, WORKSPACE_CONFIG_FILE), 'utf8').catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT') lastError = `${WORKSPACE_CONFIG_FILE} cannot be read: ${cause.message}`;
      return '';
    });
    return parseWorkspaceConfig(text).config;
  }

  async function exchangeUpstreams(dir: string, config: WorkspaceConfig): Promise<void> {
    if (upstreams?.dir === dir) return;
    await upstreams?.set.stop(STOP_WITHIN_MS);
    upstreams = undefined;
    const set = await startUpstreams(dir, config.upstreams, {
      onEvent,
      onLog: options.onLog,
    });
    upstreams = { dir, set };
    lastError = set.problems.at(-1) ?? lastError;
  }

  async function stop(): Promise<void> {
    const ending = [stack, upstreams?.set].flatMap((part) => (part ? [part.stop(STOP_WITHIN_MS)] : []));
    stack = undefined;
    upstreams = undefined;
    await Promise.all(ending);
  }

  return {
    start: (workspace) => inTurn(() => start(workspace.dir)),
    stop: () =>
      inTurn(async () => {
        if (phase === 'off') return;
        await stop();
        become('off');
      }),
    onState(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    agent,
    upstreams: () => upstreams?.set.urls ?? {},
  };
}

/** Waits for all before it throws, so that what did start is known to the one who cleans up. */
async function settled(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}
