import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { app, BrowserWindow, Menu, protocol, session } from 'electron';
import { pino } from 'pino';
import { createApplication, type Application } from '../application.ts';
import { systemCode } from '../errors.ts';
import { createKube } from '../kube/create-kube.ts';
import { createLocalStack } from '../stack/local-stack.ts';
import { developmentCaDir } from '../state-folders.ts';
import { connectPage } from './connect-page.ts';
import { PAGE_SCHEME } from './navigation.ts';
import { pageResponse } from './page-response.ts';
import { denyPermissions, guardContents, openExternal, openWindow } from './window.ts';

/** Built to `dist/electron/main.js`; the interface is beside it in `dist/renderer`. */
const rendererDir = path.join(import.meta.dirname, '..', 'renderer');
const preload = path.join(import.meta.dirname, 'preload.cjs');
const examplesDir = app.isPackaged ? process.resourcesPath : app.getAppPath();
const sampleDir = path.join(examplesDir, 'examples', 'petstore');
const BROKERS = 3;
const CLOSE_WITHIN_MS = 6_000;
/** A page that crashes again within this time is not opened again by itself. */
const CALM_MS = 10_000;

protocol.registerSchemesAsPrivileged([
  { scheme: PAGE_SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
]);
app.enableSandbox();

if (app.requestSingleInstanceLock()) {
  start().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    app.exit(1);
  });
} else app.quit();

async function start(): Promise<void> {
  const stateDir = path.join(app.getPath('userData'), 'state');
  const log = pino(
    { base: null },
    pino.destination({ dest: freshLog(path.join(app.getPath('userData'), 'logs')), sync: false }),
  );
  app.on('web-contents-created', (_event, contents) => guardContents(contents, log));
  app.on('child-process-gone', (_event, details) => log.error(details, 'a process of the shell ended'));
  await app.whenReady();

  Menu.setApplicationMenu(
    Menu.buildFromTemplate([
      ...(process.platform === 'darwin' ? [{ role: 'appMenu' as const }] : []),
      { role: 'editMenu' },
      { role: 'windowMenu' },
    ]),
  );
  denyPermissions(session.defaultSession);
  protocol.handle(PAGE_SCHEME, (request) => pageResponse(rendererDir, request));

  const application = await createApplication({
    stateDir,
    sampleDir,
    version: app.getVersion(),
    shell: 'electron',
    stack: createLocalStack({
      stateDir: path.join(stateDir, 'stack'),
      developmentCa: developmentCaDir(),
      brokers: BROKERS,
      onLog: (name, text) => log.info({ part: name }, text),
    }),
    kube: createKube(),
    log,
    openExternal: (url) => openExternal(url, log),
  });
  const disconnect = connectPage(application, () => BrowserWindow.getAllWindows(), log);

  let crashedAt = 0;
  const open = (): void => {
    const window = openWindow(preload);
    window.webContents.on('render-process-gone', (_event, details) => {
      log.error(details, 'the page ended');
      // Unsaved text is kept by the application, so a new page shows what the old one had.
      const calm = Date.now() - crashedAt > CALM_MS;
      crashedAt = Date.now();
      window.destroy();
      if (calm && details.reason !== 'clean-exit') open();
    });
  };
  app.on('second-instance', () => {
    const [window] = BrowserWindow.getAllWindows();
    if (window === undefined) return open();
    if (window.isMinimized()) window.restore();
    window.focus();
  });
  app.on('activate', () => {
    if (BrowserWindow.getAllWindows().length === 0) open();
  });
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  quitInOrder(application, disconnect);
  open();
}

/** Holds the end back once, until the processes of the preview have ended or had their time. */
function quitInOrder(application: Application, disconnect: () => void): void {
  let ending = false;
  app.on('will-quit', (event) => {
    if (ending) return;
    ending = true;
    event.preventDefault();
    disconnect();
    const late = setTimeout(() => app.exit(0), CLOSE_WITHIN_MS);
    void application.close().finally(() => {
      clearTimeout(late);
      app.exit(0);
    });
  });
}

/** This run's log; the one before is kept beside it, as that is the one a crash is found in. */
function freshLog(dir: string): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = path.join(dir, 'adit.log');
  try {
    renameSync(file, path.join(dir, 'adit.previous.log'));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  return file;
}
