import { useEffect } from 'react';
import { useApp } from '../app-context.tsx';
import { showFailure } from '../notice/show-failure.tsx';
import { useLive } from '../state/live.ts';
import { setEditorSchema } from './monaco.ts';

/** Completion follows the schemas: the bundled ones, or those of the cluster that is connected. */
export function useEditorSchema(): void {
  const { bridge } = useApp();
  const dir = useLive((state) => state.workspace?.dir);
  const live = useLive((state) => (state.kube?.liveSchemas ? state.kube.context : undefined));
  useEffect(() => {
    if (dir === undefined) return undefined;
    const ending = new AbortController();
    void bridge.call('schemaGet', {}, ending.signal).then(async (answer) => {
      if (ending.signal.aborted) return;
      if (answer.ok) await setEditorSchema(answer.value.schema);
      else showFailure(answer.error);
    });
    return () => ending.abort();
  }, [bridge, dir, live]);
}
