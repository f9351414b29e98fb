import { expect, test, type Page } from '@playwright/test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { get, type Answer } from './http-load.ts';
import { adit, RunningProgram } from './running-stack.ts';
import type { SampleWorkspace } from './sample-workspace.ts';

export interface ServedPage {
  readonly program: RunningProgram;
  /** Signs in once. */
  readonly url: string;
  /** Messages of the page's console and its uncaught errors: a story is told without any. */
  readonly complaints: string[];
}

/** `adit serve` on a workspace, and a page that is not there yet. */
export async function servePage(
  page: Page,
  workspace: SampleWorkspace,
  options: { env?: Record<string, string>; open?: boolean } = {},
): Promise<ServedPage> {
  const dir = options.open === false ? [] : [workspace.dir];
  const program = new RunningProgram(
    process.execPath,
    [adit, 'serve', '--json', '--verbose', '--state-dir', workspace.stateDir, ...dir],
    options.env === undefined ? {} : { env: options.env },
  );
  const ready = await program.line((line) => line.event === 'ready');
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return { program, url: String(ready['url']), complaints };
}

/** Ends it; what it logged last stands with a test that failed. */
export async function endPage(served: ServedPage | undefined): Promise<void> {
  await served?.program.stop();
  const info = test.info();
  if (served !== undefined && info.status !== info.expectedStatus)
    await info.attach('log of adit serve', { body: served.program.stderr, contentType: 'text/plain' });
}

/** One GET to a preview, as a client that does not resolve `*.localhost`. */
export function call(url: string, path: string, key?: string): Promise<Answer> {
  const { host, port } = new URL(url);
  return get(`127.0.0.1:${port}`, host, path, key === undefined ? {} : { authorization: `Bearer ${key}` });
}

export async function openFile(page: Page, name: string): Promise<void> {
  await page.getByRole('tab', { name: 'Files' }).click();
  await page.getByRole('treeitem', { name: new RegExp(`^${name}`) }).click();
  await expect(
    page.getByRole('tablist', { name: 'Open files' }).getByRole('tab', { name: new RegExp(name) }),
  ).toBeVisible();
}

/** Puts the cursor at the end of the first line of the open file (as on disk) that has this text, and answers its number. */
export async function goToLine(page: Page, workspace: SampleWorkspace, file: string, text: string): Promise<number> {
  const lines = readFileSync(join(workspace.dir, file), 'utf8').split('\n');
  const line = lines.findIndex((one) => one.includes(text)) + 1;
  expect(line, `${file} has a line with ${text}`).toBeGreaterThan(0);
  await page.getByRole('textbox', { name: /^Editor/ }).focus();
  await page.keyboard.press('Control+g');
  await page.keyboard.type(String(line));
  await page.keyboard.press('Enter');
  await page.keyboard.press('End');
  return line;
}

/** Presses Preview and waits for all links; answers the URL. */
export async function startPreview(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Preview', exact: true }).click();
  await expect(page.getByRole('button', { name: /^Preview: live 3\/3/i })).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('list', { name: 'Links to brokers' }).getByRole('listitem')).toHaveCount(3);
  await page.keyboard.press('Escape');
  const status = await page.getByRole('contentinfo', { name: 'Status' }).innerText();
  const url = /https?:\/\/petstore-\S+/.exec(status)?.[0] ?? '';
  expect(url).not.toBe('');
  return url;
}

export async function screenshot(page: Page, name: string): Promise<void> {
  // What moves is shown where it ends: a colour on its way between two schemes is nothing that anybody looks at.
  await page.screenshot({ path: join('test-results', `${name}.png`), animations: 'disabled' });
}
