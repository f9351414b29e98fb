import { expect, test } from '@playwright/test';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { sampleWorkspace, type SampleWorkspace } from './support/sample-workspace.ts';
import {
  call,
  endPage,
  goToLine,
  openFile,
  screenshot,
  servePage,
  startPreview,
  type ServedPage,
} from './support/served-page.ts';

let workspace: SampleWorkspace;
let served: ServedPage | undefined;
test.beforeEach(() => {
  workspace = sampleWorkspace();
});
test.afterEach(async () => {
  await endPage(served);
  served = undefined;
  workspace.remove();
});

/** A PATH with `node` for the workspace's services, `sh`, and nothing else: no Git. */
function pathWithoutGit(): string {
  const bin = join(workspace.home, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  symlinkSync('/bin/sh', join(bin, 'sh'));
  return [bin].join(delimiter);
}

test('without Git: told where Git is needed, and everything else works', async ({ page }) => {
  test.slow();
  served = await servePage(page, workspace, { env: { PATH: pathWithoutGit() } });
  await page.goto(served.url);
  await page.getByRole('tab', { name: /^Changes/ }).click();
  const lower = page.getByRole('region', { name: 'Lower panel' });
  await expect(lower.getByText('There is no “git” on this machine’s PATH.')).toBeVisible();
  await expect(lower.getByText(/Install Git/)).toBeVisible();
  await screenshot(page, 'git-missing');
  const url = await startPreview(page);
  expect((await call(url, '/pets', 'sample-partner-key')).status).toBe(200);
  await openFile(page, 'access.yaml');
  await goToLine(page, workspace, 'manifests/access.yaml', 'title: Trial');
  await page.keyboard.type(' plan');
  await page.keyboard.press('Control+s');
  await expect(page.getByRole('tab', { name: 'access.yaml, not saved' })).toHaveCount(0);
  expect(served.complaints).toEqual([]);
});

test('without Git: the sample opens', async ({ page }) => {
  served = await servePage(page, workspace, { env: { PATH: pathWithoutGit() }, open: false });
  await page.goto(served.url);
  await screenshot(page, 'welcome');
  await page.getByRole('button', { name: /sample/i }).click();
  await expect(page.getByRole('treeitem', { name: /^petstore API/ })).toBeVisible();
  expect(served.complaints).toEqual([]);
});

test('without a kubeconfig: the menu names the file that is missing, and the rest works', async ({ page }) => {
  const missing = join(workspace.home, 'no-kubeconfig');
  served = await servePage(page, workspace, { env: { KUBECONFIG: missing } });
  await page.goto(served.url);
  await expect(page.getByRole('treeitem', { name: /^petstore API/ })).toBeVisible();
  await page.getByRole('button', { name: /^context/ }).click();
  const menu = page.getByRole('dialog', { name: /^context/ });
  await expect(menu.getByText(`No kubeconfig at ${missing}.`)).toBeVisible();
  await expect(menu.getByText(/Set KUBECONFIG/)).toBeVisible();
  await screenshot(page, 'kubeconfig-missing');
  writeFileSync(missing, 'contexts: [\n');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^context/ }).click();
  await expect(menu.getByText(new RegExp(`${missing}.*:`))).toBeVisible();
  await page.keyboard.press('Escape');
  await page.getByRole('treeitem', { name: /^petstore API/ }).click();
  await expect(page.getByRole('region', { name: 'Inspector' })).toContainText('No context is connected.');
  expect(served.complaints).toEqual([]);
});

test('text that is edited back to what is on disk is not unsaved text', async ({ page }) => {
  served = await servePage(page, workspace);
  await page.goto(served.url);
  await openFile(page, 'access.yaml');
  await goToLine(page, workspace, 'manifests/access.yaml', 'limit: 5');
  await page.keyboard.type('0');
  const tabs = page.getByRole('tablist', { name: 'Open files' });
  await expect(tabs.getByRole('tab', { name: 'access.yaml, not saved' })).toBeVisible();
  await expect(page.getByRole('treeitem', { name: /^access\.yaml/ }).getByTitle('not saved')).toBeVisible();
  await page.keyboard.press('Backspace');
  await expect(tabs.getByRole('tab', { name: 'access.yaml', exact: true })).toBeVisible();
  // The application forgot the draft as well.
  await expect(page.getByRole('treeitem', { name: /^access\.yaml/ }).getByTitle('not saved')).toHaveCount(0);
  writeFileSync(join(workspace.dir, 'README.md'), 'changed\n');
  await page
    .getByRole('button', { name: /^Commit/ })
    .first()
    .click();
  await expect(
    page
      .getByRole('dialog', { name: /commit/i })
      .getByText('README.md')
      .first(),
  ).toBeVisible();
  await expect(page.getByText(/not saved/)).toHaveCount(0);
});
