import { BrowserWindow, shell, type Session, type WebContents } from 'electron';
import type { Logger } from 'pino';
import { allowsPermission, externalUrl, navigation, PAGE_URL } from './navigation.ts';

/** Opens the window on our page; shown when it has something to show. */
export function openWindow(preload: string): BrowserWindow {
  const window = new BrowserWindow({
    width: 1440,
    height: 900,
    minWidth: 900,
    minHeight: 560,
    show: false,
    title: 'Adit',
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
      spellcheck: false,
    },
  });
  window.once('ready-to-show', () => window.show());
  void window.loadURL(PAGE_URL);
  return window;
}

/** Guards of every page, also of one that should never have been made: no navigation, no window, no webview. */
export function guardContents(contents: WebContents, log: Logger): void {
  const guard = (event: { preventDefault(): void; readonly url: string }): void => {
    const verdict = navigation(event.url);
    if (verdict.kind === 'stay') return;
    event.preventDefault();
    if (verdict.kind === 'browser') void openExternal(verdict.url, log);
    else log.warn({ url: event.url.slice(0, 200) }, 'a navigation was refused');
  };
  contents.on('will-navigate', guard);
  contents.on('will-redirect', guard);
  contents.on('will-frame-navigate', guard);
  contents.on('will-attach-webview', (event) => event.preventDefault());
  contents.setWindowOpenHandler(({ url }) => {
    void openExternal(url, log);
    return { action: 'deny' };
  });
}

/** Gives a page of the web to the user's browser; anything else to nobody. Answers whether it was given. */
export async function openExternal(url: string, log: Logger): Promise<boolean> {
  const external = externalUrl(url);
  if (external === undefined) {
    log.warn({ url: url.slice(0, 200) }, 'an address was not given to the browser');
    return false;
  }
  try {
    await shell.openExternal(external);
    return true;
  } catch (err) {
    log.warn({ err }, 'the browser could not be opened');
    return false;
  }
}

export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((_contents, permission, answer, details) =>
    answer(allowsPermission(permission, details.requestingUrl)),
  );
  session.setPermissionCheckHandler((_contents, permission, origin) => allowsPermission(permission, origin));
  session.setDevicePermissionHandler(() => false);
}
