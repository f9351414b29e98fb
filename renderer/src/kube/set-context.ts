import type { Bridge } from '../../../shared/contract/contract.ts';
import { showFailure } from '../notice/show-failure.tsx';
import { useLive } from '../state/live.ts';

/** Connects to a context, or to none. */
export async function setContext(bridge: Bridge, context: string | null): Promise<void> {
  const answer =
    context === null ? await bridge.call('kubeDisconnect', {}) : await bridge.call('kubeConnect', { context });
  if (answer.ok) useLive.setState({ kube: answer.value });
  else showFailure(answer.error);
}
