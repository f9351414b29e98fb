import { opendir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PreviewSource, PreviewStatus } from '../../shared/agent/api.ts';
import type { PreviewEvent } from '../../shared/process/lines.ts';
import { WORKSPACE_CONFIG_FILE } from '../../shared/workspace/adit-yaml.ts';
import { parseWorkspaceConfig } from '../../shared/workspace/parse-config.ts';
import { AgentClient } from './agent-client.ts';
import { startStack, type Stack } from './stack.ts';
import { startUpstreams, type UpstreamSet } from './upstream-process.ts';

export interface PreviewRunOptions {
  readonly source: PreviewSource;
  readonly stateDir?: string | undefined;
  readonly brokers?: number | undefined;
  /** Folder of the development CA, for previews by HTTPS. */
  readonly developmentCa: string;
  /** Default: what `adit.yaml` says. */
  readonly https?: boolean | undefined;
  readonly graceSeconds?: number | undefined;
  onEvent(event: PreviewEvent): void;
  onLog(name: string, text: string): void;
  readonly signal?: AbortSignal | undefined;
}

export interface PreviewRun {
  readonly stack: Stack;
  /** What went wrong with sample upstreams or `adit.yaml`; the preview runs all the same. */
  readonly problems: readonly string[];
  /** The agent's status when the preview first answered. */
  readonly status: PreviewStatus;
  stop(graceMs: number): Promise<void>;
}

export class PreviewFailed extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

export const DEFAULT_BROKERS = 3;
const ANSWERS_WITHIN_MS = 30_000;
/** All links come up together; one that stays away does not hold the URL back longer than this. */
const LINKS_WITHIN_MS = 8_000;
const POLL_MS = 20;

/**
 * The local stack with a preview in it: starts the workspace's upstreams and all parts, asks the agent for the preview
 * and resolves when the URL answers. An agent that died and came back is asked again.
 */
export async function startPreviewRun(options: PreviewRunOptions): Promise<PreviewRun> {
  const problems: string[] = [];
  let upstreams: UpstreamSet | undefined;
  let stack: Stack | undefined;
  let stopped = false;
  const stop = async (graceMs: number): Promise<void> => {
    stopped = true;
    await Promise.all([stack?.stop(graceMs), upstreams?.stop(graceMs)]);
  };

  try {
    const config = await readConfig(options.source, problems);
    const starting = await Promise.allSettled([
      startUpstreams(options.source.kind === 'folder' ? options.source.dir : '.', config.upstreams, options),
      startStack({
        stateDir: options.stateDir,
        ...((options.https ?? config.preview.https) ? { developmentCa: options.developmentCa } : {}),
        brokers: options.brokers ?? DEFAULT_BROKERS,
        graceSeconds: options.graceSeconds,
        onEvent(event) {
          options.onEvent(event);
          if (event.event === 'child-restarted' && event.child === 'agent' && !stopped)
            void ask().catch((error: unknown) => options.onLog('agent', String(error)));
        },
        onLog: options.onLog,
        signal: options.signal,
      }),
    ]);
    if (starting[0].status === 'fulfilled') upstreams = starting[0].value;
    if (starting[1].status === 'fulfilled') stack = starting[1].value;
    for (const part of starting) if (part.status === 'rejected') throw part.reason;
    problems.push(...(upstreams?.problems ?? []));
    await ask();
    const status = await untilAnswering();
    if (stack === undefined) throw new PreviewFailed('stack-missing', 'the local parts did not start');
    return { stack, problems, status, stop };
  } catch (error) {
    await stop(2_000);
    throw error;
  }

  function client(): AgentClient {
    if (!stack) throw new PreviewFailed('stack-missing', 'the local parts did not start');
    const agent = stack.agent();
    return new AgentClient(agent.address, agent.token);
  }

  async function ask(): Promise<void> {
    await client().startPreview({ source: options.source, upstreams: { ...upstreams?.urls } });
  }

  async function untilAnswering(): Promise<PreviewStatus> {
    const started = Date.now();
    for (;;) {
      options.signal?.throwIfAborted();
      const status = await client().status();
      const enough = status.state === 'live' || (status.state === 'degraded' && Date.now() - started > LINKS_WITHIN_MS);
      if (enough && status.hosts.length > 0 && (await stack?.edgeReady())) return status;
      if (status.state === 'failed')
        throw new PreviewFailed(
          status.error?.code ?? 'preview-failed',
          status.error?.message ?? 'the preview failed',
          status.error?.hint,
        );
      if (Date.now() - started > ANSWERS_WITHIN_MS) {
        const links = status.links
          .map((link) => `${link.broker} ${link.state}${link.error ? ` (${link.error})` : ''}`)
          .join(', ');
        throw new PreviewFailed(
          'preview-not-ready',
          `the preview did not answer within ${ANSWERS_WITHIN_MS / 1000} s; links: ${links || 'none'}`,
        );
      }
      await new Promise((done) => setTimeout(done, POLL_MS));
    }
  }
}

async function readConfig(
  source: PreviewSource,
  problems: string[],
): Promise<ReturnType<typeof parseWorkspaceConfig>['config']> {
  if (source.kind === 'url') return parseWorkspaceConfig('').config;
  const folder = await stat(source.dir).catch((error: NodeJS.ErrnoException) => {
    throw new PreviewFailed(
      'folder-unreadable',
      `${source.dir}: ${error.code === 'ENOENT' ? 'no such folder' : error.message}`,
      'name a folder of manifests, or the URL of an upstream',
    );
  });
  if (!folder.isDirectory())
    throw new PreviewFailed(
      'folder-unreadable',
      `${source.dir} is not a folder`,
      'name a folder of manifests, or the URL of an upstream',
    );
  await opendir(source.dir).then(
    (opened) => opened.close(),
    (error: NodeJS.ErrnoException) => {
      throw new PreviewFailed(
        'folder-unreadable',
        `${source.dir}: ${error.code === 'EACCES' ? 'permission denied' : error.message}`,
        'check the permissions of the folder and of those above it',
      );
    },
  );
  let text = '';
  try {
    text = await readFile(join(source.dir, WORKSPACE_CONFIG_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      problems.push(`${WORKSPACE_CONFIG_FILE}: ${(error as Error).message}`);
  }
  const parsed = parseWorkspaceConfig(text);
  problems.push(
    ...parsed.problems.map(
      (found) => `${found.file}:${found.line}:${found.column}: ${found.path ? `${found.path}: ` : ''}${found.message}`,
    ),
  );
  return parsed.config;
}
