import type { ExchangeSummary, PreviewStatus } from '../../shared/agent/api.ts';
import type { CallOutput, PreviewView } from '../../shared/contract/contract.ts';
import type { Failure, Result } from '../../shared/result/result.ts';
import { ok } from '../../shared/result/result.ts';
import { failed, failure } from '../errors.ts';
import { agentApi, type AgentApi } from './agent-api.ts';
import { followAgent } from './follow-agent.ts';
import { createOverlay } from './overlay.ts';
import { previewView, type PreviewPhase } from './preview-view.ts';
import type { AgentAccess, StackPort, StackState } from './stack-port.ts';

export interface PreviewOptions {
  readonly stack: StackPort;
  /** Unsaved text by path, of the open workspace. */
  readonly drafts: () => ReadonlyMap<string, { readonly text: string }>;
  readonly onView: (view: PreviewView) => void;
  readonly onTraffic: (exchanges: readonly ExchangeSummary[]) => void;
  readonly warn: (message: string) => void;
}

/** The preview of the open workspace: which processes run, what the agent says of it, and its traffic. */
export interface Preview {
  view(): PreviewView;
  /** Saves nothing: unsaved buffers are laid over the files. Resolves when the agent took it, or it failed. */
  start(dir: string): Promise<PreviewView>;
  /** Gives the hosts back. The processes stay, so that the traffic can be read and the next start is quick. */
  stop(): Promise<PreviewView>;
  /** Tell that a draft came, went or changed. */
  draftsChanged(): void;
  trafficList(after: number, limit: number, signal: AbortSignal): Promise<Result<CallOutput<'trafficList'>>>;
  trafficGet(id: string, signal: AbortSignal): Promise<Result<CallOutput<'trafficGet'>>>;
  trafficClear(signal: AbortSignal): Promise<Result<Record<string, never>>>;
  /** Ends the preview and every process of it. */
  close(): Promise<void>;
}

interface Link {
  readonly access: AgentAccess;
  readonly api: AgentApi;
  readonly abort: AbortController;
  /** Newest exchange that was told. */
  seq: number;
}

const CATCH_UP = 1_000;

export function createPreview(options: PreviewOptions): Preview {
  const { stack, onView, onTraffic, warn } = options;
  let wanted: { readonly dir: string } | undefined;
  let phase: PreviewPhase = { name: 'off' };
  let status: PreviewStatus | undefined;
  let stackState: StackState = { state: 'off' };
  let link: Link | undefined;
  let told = '';
  /** Rises with every start and stop; what an older one still does counts no more. */
  let turn = 0;

  const view = (): PreviewView => previewView(phase, status, { agent: stack.agent(), lastError: stackState.lastError });
  const tell = (): PreviewView => {
    const current = view();
    const text = JSON.stringify(current);
    if (text !== told) {
      told = text;
      onView(current);
    }
    return current;
  };
  const become = (next: PreviewPhase): PreviewView => {
    phase = next;
    return tell();
  };
  const overlay = createOverlay(options.drafts, (error) =>
    warn(`unsaved text did not reach the preview: ${error.message}`),
  );

  const cut = (): void => {
    link?.abort.abort();
    link = undefined;
    overlay.detach();
  };
  const connect = (access: AgentAccess): Link => {
    if (
      link !== undefined &&
      link.access.pid === access.pid &&
      link.access.address === access.address &&
      link.access.token === access.token
    )
      return link;
    cut();
    const made: Link = { access, api: agentApi(access), abort: new AbortController(), seq: 0 };
    link = made;
    const end = followAgent(
      access,
      {
        onOpen: () => void catchUp(made),
        onEvent: (event) => {
          if (event.type === 'status') takeStatus(event.status);
          else takeExchanges(made, event.exchanges);
        },
        onLost: (why) => {
          if (phase.name === 'running') become({ name: 'waiting', why });
        },
      },
      warn,
    );
    made.abort.signal.addEventListener('abort', end, { once: true });
    return made;
  };
  const takeStatus = (next: PreviewStatus): void => {
    status = next;
    // An agent that says `off` while a preview is wanted was started again and not told yet.
    if (phase.name === 'waiting' && next.state !== 'off') phase = { name: 'running' };
    tell();
  };
  const takeExchanges = (from: Link, exchanges: readonly ExchangeSummary[]): void => {
    if (exchanges.length === 0) return;
    for (const { seq } of exchanges) from.seq = Math.max(from.seq, seq);
    onTraffic(exchanges);
  };
  /** After each (re)connection: what was missed meanwhile. */
  const catchUp = async (from: Link): Promise<void> => {
    const [current, missed] = await Promise.all([
      from.api.status(from.abort.signal),
      from.api.exchanges(from.seq, CATCH_UP, from.abort.signal),
    ]);
    if (from.abort.signal.aborted) return;
    if (current.ok) takeStatus(current.value);
    if (missed.ok) takeExchanges(from, missed.value.exchanges);
  };

  /** Hands the workspace to the agent: unsaved text first, so that the first configuration has it. */
  const hand = async (access: AgentAccess, dir: string, mine: number): Promise<Failure | undefined> => {
    const to = connect(access);
    await overlay.attach(to.api, to.abort.signal);
    if (mine !== turn) return undefined;
    const put = await to.api.putPreview(
      { source: { kind: 'folder', dir }, upstreams: stack.upstreams() },
      to.abort.signal,
    );
    if (mine !== turn) return undefined;
    if (!put.ok) return put.error;
    phase = { name: 'running' };
    takeStatus(put.value);
    return undefined;
  };

  const onStack = (next: StackState): void => {
    stackState = next;
    if (wanted === undefined || phase.name === 'starting') return void tell();
    if (next.state === 'failed') {
      turn += 1;
      cut();
      wanted = undefined;
      become({
        name: 'failed',
        error: next.error ?? failure('preview-stack-failed', { problem: next.lastError ?? 'no reason was given' }),
      });
    } else if (next.state === 'running' && next.agent !== undefined && next.agent.pid !== link?.access.pid) {
      const { dir } = wanted;
      const mine = (turn += 1);
      become({ name: 'waiting', why: 'the agent was started again' });
      void hand(next.agent, dir, mine).then((error) => {
        if (error !== undefined && mine === turn) become({ name: 'failed', error });
      });
    } else tell();
  };
  const unsubscribe = stack.onState(onStack);

  const stop = async (): Promise<PreviewView> => {
    turn += 1;
    const api = wanted === undefined ? undefined : link?.api;
    wanted = undefined;
    const shown = become({ name: 'off' });
    overlay.detach();
    const ended = await api?.deletePreview();
    if (ended?.ok === false) warn(`the preview was not ended in order: ${ended.error.message}`);
    return shown;
  };

  return {
    view,
    // A page that is reloaded meanwhile does not end it: `stop` does.
    start: async (dir) => {
      const mine = (turn += 1);
      wanted = { dir };
      status = undefined;
      become({ name: 'starting' });
      const started = await stack.start({ dir });
      if (mine !== turn) return view();
      const error = started.ok ? await hand(started.value, dir, mine) : started.error;
      if (mine !== turn) return view();
      if (error !== undefined) {
        wanted = undefined;
        return become({ name: 'failed', error });
      }
      return view();
    },
    stop,
    draftsChanged: () => overlay.changed(),
    trafficList: async (after, limit, signal) =>
      link === undefined ? ok({ exchanges: [], newest: 0 }) : link.api.exchanges(after, limit, signal),
    trafficGet: async (id, signal) => (link === undefined ? failed('preview-no-agent') : link.api.exchange(id, signal)),
    trafficClear: async (signal) => {
      const cleared = await link?.api.clearExchanges(signal);
      return cleared?.ok === false ? cleared : ok({});
    },
    close: async () => {
      await stop();
      cut();
      unsubscribe();
      await stack.stop();
    },
  };
}
