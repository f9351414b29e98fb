import { contextBridge, ipcRenderer, type IpcRendererEvent } from 'electron';
import { calls, events } from '../../shared/contract/contract.ts';
import { CALL_CHANNEL, EVENT_CHANNEL } from './channels.ts';

/**
 * `window.adit`: the contract's calls and events by their names, and nothing else. Built into one CommonJS file, as a
 * sandboxed preload must be. Main checks sender and payload again; the names are checked here so that no other channel
 * can be reached at all.
 */
const callNames: ReadonlySet<string> = new Set(Object.keys(calls));
const eventNames: ReadonlySet<string> = new Set(Object.keys(events));

contextBridge.exposeInMainWorld('adit', {
  call: (name: string, input: unknown): Promise<unknown> => {
    if (!callNames.has(name)) return Promise.reject(new Error(`there is no call named ${name}`));
    return ipcRenderer.invoke(CALL_CHANNEL, name, input);
  },
  on: (name: string, listener: (payload: unknown) => void): (() => void) => {
    if (!eventNames.has(name)) throw new Error(`there is no event named ${name}`);
    const receive = (_event: IpcRendererEvent, event: unknown, payload: unknown): void => {
      if (event === name) listener(payload);
    };
    ipcRenderer.on(EVENT_CHANNEL, receive);
    return () => {
      ipcRenderer.off(EVENT_CHANNEL, receive);
    };
  },
});
