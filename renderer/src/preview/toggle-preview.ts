import type { Bridge } from '../../../shared/contract/contract.ts';
import { showFailure } from '../notice/show-failure.tsx';
import { useLive } from '../state/live.ts';

/** Starts the preview when it is off, else ends it. */
export async function togglePreview(bridge: Bridge): Promise<void> {
  const off = (useLive.getState().preview?.state ?? 'off') === 'off';
  const answer = await bridge.call(off ? 'previewStart' : 'previewStop', {});
  if (answer.ok) useLive.setState({ preview: answer.value });
  else showFailure(answer.error);
}
