import { ipcMain, type BrowserWindow } from 'electron';
import type { Logger } from 'pino';
import { calls } from '../../shared/contract/contract.ts';
import type { Application } from '../application.ts';
import { registerCalls } from '../bridge/register-calls.ts';
import { failed } from '../errors.ts';
import { CALL_CHANNEL, EVENT_CHANNEL } from './channels.ts';
import { isTrustedSender } from './navigation.ts';

/** Connects the application with the windows. Returns the function that disconnects. */
export function connectPage(
  application: Application,
  windows: () => readonly BrowserWindow[],
  log: Logger,
): () => void {
  const dispatch = registerCalls(calls, application.handlers, (call, err) => log.error({ err, call }, 'a call failed'));
  ipcMain.handle(CALL_CHANNEL, async (event, name: unknown, input: unknown) => {
    if (!isTrustedSender(event.senderFrame)) return failed('unknown-call', { call: 'from another page' });
    if (typeof name !== 'string') return failed('unknown-call', { call: typeof name });
    const abort = new AbortController();
    const onGone = (): void => abort.abort();
    event.sender.once('destroyed', onGone);
    try {
      return await dispatch(name, input, abort.signal);
    } finally {
      event.sender.off('destroyed', onGone);
    }
  });
  const stop = application.onEvent((name, payload) => {
    for (const window of windows()) if (!window.isDestroyed()) window.webContents.send(EVENT_CHANNEL, name, payload);
  });
  return () => {
    stop();
    ipcMain.removeHandler(CALL_CHANNEL);
  };
}
