import type { Bridge } from '../../../shared/contract/contract.ts';
import { showFailure } from '../notice/show-failure.tsx';

/** Each answers whether another workspace is open now; the event `workspace` tells which. */
export async function openWorkspace(bridge: Bridge, dir: string): Promise<boolean> {
  const answer = await bridge.call('workspaceOpen', { dir });
  if (!answer.ok) showFailure(answer.error);
  return answer.ok;
}

export async function openSample(bridge: Bridge): Promise<boolean> {
  const answer = await bridge.call('workspaceOpenSample', {});
  if (!answer.ok) showFailure(answer.error);
  return answer.ok;
}
