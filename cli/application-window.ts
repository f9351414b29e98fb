import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

export interface ApplicationWindow {
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

const ON_PATH = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'microsoft-edge', 'chrome'];
const ELSEWHERE = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];
/** A browser that ends this soon could not open a window. */
const LASTS_MS = 1_500;

/**
 * Opens the URL in Chromium's application mode with a profile of its own. Undefined when no Chromium is found, when
 * there is no display, or when it does not stay open.
 */
export async function openApplicationWindow(url: string): Promise<ApplicationWindow | undefined> {
  const browser = findBrowser();
  const display =
    process.platform !== 'linux' ||
    process.env['DISPLAY'] !== undefined ||
    process.env['WAYLAND_DISPLAY'] !== undefined;
  if (browser === undefined || !display) return undefined;
  const profile = await mkdtemp(join(tmpdir(), 'adit-window-'));
  const asRoot = process.getuid?.() === 0;
  const child = spawn(
    browser,
    // Chromium refuses to run as root with its sandbox; that is the case in containers only.
    [
      `--app=${url}`,
      `--user-data-dir=${profile}`,
      '--no-first-run',
      '--no-default-browser-check',
      '--window-size=1440,900',
      ...(asRoot ? ['--no-sandbox'] : []),
    ],
    { stdio: 'ignore' },
  );
  const closed = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
  let timer: NodeJS.Timeout | undefined;
  const lasts = await Promise.race([
    closed.then(() => false),
    new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(true), LASTS_MS))),
  ]);
  clearTimeout(timer);
  if (!lasts) {
    await rm(profile, { recursive: true, force: true });
    return undefined;
  }
  return {
    closed,
    async close() {
      if (child.exitCode === null && child.signalCode === null) child.kill();
      await closed;
      await rm(profile, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

function findBrowser(): string | undefined {
  const named = (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap((dir) => ON_PATH.map((name) => join(dir, process.platform === 'win32' ? `${name}.exe` : name)));
  return [...named, ...ELSEWHERE].find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
