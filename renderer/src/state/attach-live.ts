import type { Bridge, CallName, CallInput, CallOutput } from '../../../shared/contract/contract.ts';
import { showFailure } from '../notice/show-failure.tsx';
import { emptyModel, KEPT_EXCHANGES, useLive } from './live.ts';
import { mergeExchanges } from './merge-exchanges.ts';

/** Fills and keeps up to date what `useLive` holds. Returns the function that stops it. */
export function attachLive(bridge: Bridge): () => void {
  const ending = new AbortController();

  async function ask<N extends CallName>(
    name: N,
    input: CallInput<N>,
    take: (value: CallOutput<N>) => void,
  ): Promise<void> {
    const answer = await bridge.call(name, input, ending.signal);
    if (ending.signal.aborted) return;
    if (answer.ok) take(answer.value);
    else if (answer.error.code !== 'signed-out' && answer.error.code !== 'no-workspace') showFailure(answer.error);
  }

  async function readWorkspace(): Promise<void> {
    await Promise.all([
      ask('fileList', {}, (value) => useLive.setState({ files: value.files })),
      ask('modelGet', {}, (model) => useLive.setState({ model })),
      ask('previewGet', {}, (preview) => useLive.setState({ preview })),
      ask('gitStatus', {}, (git) => useLive.setState({ git })),
      ask('kubeState', {}, (kube) => useLive.setState({ kube })),
      ask('trafficList', { after: 0, limit: 1000 }, (value) =>
        useLive.setState({ exchanges: mergeExchanges([], value.exchanges, KEPT_EXCHANGES) }),
      ),
    ]);
  }

  async function readAll(): Promise<void> {
    await ask('appInfo', {}, (info) => useLive.setState({ info }));
    let open = false;
    await ask('workspaceCurrent', {}, ({ workspace, recent }) => {
      open = workspace !== null;
      useLive.setState({ workspace, recent });
    });
    if (open) await readWorkspace();
  }

  const stops = [
    bridge.on('workspace', ({ workspace }) => {
      const before = useLive.getState().workspace;
      useLive.setState({ workspace });
      if (before?.dir === workspace?.dir) return;
      useLive.setState({ files: [], model: emptyModel, git: undefined, preview: undefined, exchanges: [] });
      void ask('workspaceCurrent', {}, ({ recent }) => useLive.setState({ recent }));
      if (workspace) void readWorkspace();
    }),
    bridge.on('model', (model) => useLive.setState({ model })),
    bridge.on('files', ({ files }) => useLive.setState({ files })),
    bridge.on('preview', (preview) => useLive.setState({ preview })),
    bridge.on('git', (git) => useLive.setState({ git })),
    bridge.on('kube', (kube) => useLive.setState({ kube })),
    bridge.on('traffic', ({ exchanges }) =>
      useLive.setState((state) => ({ exchanges: mergeExchanges(state.exchanges, exchanges, KEPT_EXCHANGES) })),
    ),
  ];
  let wasLost = false;
  stops.push(
    bridge.onConnection((connection) => {
      useLive.setState({ connection });
      if (connection === 'lost') wasLost = true;
      // Events were missed while the socket was away.
      else if (wasLost) void readAll();
    }),
  );
  void readAll();
  return () => {
    ending.abort();
    for (const stop of stops) stop();
  };
}
