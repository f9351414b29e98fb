import type { Failure } from '../../shared/result/result.ts';
import type { AgentApi } from './agent-api.ts';

/** Keeps the agent's overlay equal to the unsaved buffers: one request at a time, always with the newest. */
export interface Overlay {
  /** Sends what there is; resolves when the agent has it, or refused. */
  attach(api: AgentApi, signal: AbortSignal): Promise<void>;
  changed(): void;
  detach(): void;
}

export function createOverlay(
  drafts: () => ReadonlyMap<string, { readonly text: string }>,
  onFailure: (error: Failure) => void,
): Overlay {
  let target: { readonly api: AgentApi; readonly signal: AbortSignal } | undefined;
  let sending: Promise<void> | undefined;
  let again = false;

  const sendAll = async (): Promise<void> => {
    while (again && target !== undefined) {
      again = false;
      const { api, signal } = target;
      const put = await api.putOverlay(
        Object.fromEntries([...drafts()].map(([file, { text }]) => [file, text])),
        signal,
      );
      if (!put.ok && !signal.aborted) onFailure(put.error);
    }
  };
  const changed = async (): Promise<void> => {
    again = true;
    while (sending !== undefined) await sending;
    if (!again) return;
    sending = sendAll();
    await sending;
    sending = undefined;
  };
  return {
    attach: async (api, signal) => {
      target = { api, signal };
      await changed();
    },
    changed: () => {
      if (target !== undefined) void changed();
    },
    detach: () => {
      target = undefined;
    },
  };
}
