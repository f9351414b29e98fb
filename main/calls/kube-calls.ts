import type { Handlers } from '../../shared/contract/contract.ts';
import { ok } from '../../shared/result/result.ts';
import type { KubePort } from '../kube/port.ts';
import type { LiveModel } from '../model/live-model.ts';
import type { CurrentWorkspace } from './current-workspace.ts';

type Names = Extract<keyof Handlers, `kube${string}`>;

export function kubeCalls(kube: KubePort, model: LiveModel, current: CurrentWorkspace): Pick<Handlers, Names> {
  return {
    kubeContexts: () => kube.contexts(),
    kubeState: async () => ok(kube.state()),
    kubeConnect: ({ context }, signal) => kube.connect(context, signal),
    kubeDisconnect: async () => ok(kube.disconnect()),
    kubeDryRun: async ({ path }, signal) => {
      const open = current.need();
      if (!open.ok) return open;
      const results = await kube.dryRun(model.documentsOf(path), signal);
      return results.ok ? ok({ results: [...results.value] }) : results;
    },
    kubeDrift: async ({ id }) => {
      const drift = kube.drift(id, model.document(id));
      return drift.ok ? ok({ ...drift.value, fields: [...drift.value.fields] }) : drift;
    },
  };
}
