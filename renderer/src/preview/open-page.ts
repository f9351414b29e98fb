import type { Bridge } from '../../../shared/contract/contract.ts';
import { showFailure } from '../notice/show-failure.tsx';

/** Opens a page in the user's browser; in the web shell that is this one. */
export async function openPage(bridge: Bridge, url: string): Promise<void> {
  const answer = await bridge.call('appOpenExternal', { url });
  if (!answer.ok) showFailure(answer.error);
  else if (!answer.value.opened) window.open(url, '_blank', 'noopener,noreferrer');
}
