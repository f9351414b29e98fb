import { expect, test } from '@playwright/test';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { childOf } from './support/child-process.ts';
import { until } from './support/running-stack.ts';
import { sampleWorkspace, type SampleWorkspace } from './support/sample-workspace.ts';
import { call, endPage, screenshot, servePage, startPreview, type ServedPage } from './support/served-page.ts';

let workspace: SampleWorkspace;
let served: ServedPage;
test.beforeEach(async ({ page }) => {
  workspace = sampleWorkspace();
  // The development CA of these tests is theirs.
  served = await servePage(page, workspace, { env: { ADIT_STATE_DIR: workspace.stateDir } });
});
test.afterEach(async () => {
  await endPage(served);
  workspace.remove();
});

test('a stopped control plane is told in the status bar, and the preview answers on', async ({ page }) => {
  test.slow();
  test.skip(process.platform !== 'linux', 'finds the process in /proc');
  await page.goto(served.url);
  const url = await startPreview(page);
  const status = page.getByRole('contentinfo', { name: 'Status' });
  const control = childOf(served.program.pid, 'control.js');
  process.kill(control, 'SIGSTOP');
  try {
    await expect(status.getByText(/control plane away/)).toBeVisible({ timeout: 60_000 });
    expect((await call(url, '/pets', 'sample-partner-key')).status).toBe(200);
    await expect(page.getByRole('button', { name: /^Preview: live 3\/3/i })).toBeVisible();
    await screenshot(page, 'control-away');
  } finally {
    process.kill(control, 'SIGCONT');
  }
  await expect(status.getByText(/control plane away/)).toHaveCount(0, { timeout: 60_000 });
  expect((await call(url, '/pets', 'sample-partner-key')).status).toBe(200);
  expect(served.complaints).toEqual([]);
});

test('requests are listed as they come, after the page was loaded again, and after the agent came back', async ({
  page,
}) => {
  test.slow();
  test.skip(process.platform !== 'linux', 'finds the process in /proc');
  await page.goto(served.url);
  const url = await startPreview(page);
  const requests = page.getByRole('grid', { name: 'Requests' });
  await page.getByRole('tab', { name: /^Traffic/ }).click();
  expect((await call(url, '/pets?first', 'sample-partner-key')).status).toBe(200);
  await expect(requests.getByText('/pets?first')).toBeVisible();

  await page.reload();
  await expect(requests.getByText('/pets?first')).toBeVisible();
  expect((await call(url, '/pets?second', 'sample-partner-key')).status).toBe(200);
  await expect(requests.getByText('/pets?second')).toBeVisible();

  process.kill(childOf(served.program.pid, 'agent.js'), 'SIGKILL');
  await until(
    'the preview answers again',
    async () => (await call(url, '/pets?third', 'sample-partner-key').catch(() => undefined))?.status === 200,
    60_000,
  );
  await expect(requests.getByText('/pets?third').last()).toBeVisible({ timeout: 30_000 });
  await expect(requests.getByText('/pets?second')).toBeVisible();
  await expect(page.getByRole('button', { name: /^Preview: live 3\/3/i })).toBeVisible({ timeout: 60_000 });
});

test('Open shows what the preview answers in the same browser', async ({ page }) => {
  test.slow();
  await page.goto(served.url);
  const url = await startPreview(page);
  const opened = page.context().waitForEvent('page');
  await page.getByRole('contentinfo', { name: 'Status' }).getByRole('button', { name: 'Open URL' }).click();
  const visitor = await opened;
  await visitor.waitForLoadState();
  expect(visitor.url()).toBe(url);
  // Without a key the answer is the gateway's 401, which says what is missing.
  await expect(visitor.locator('body')).toContainText(/key/i);
  expect(await visitor.evaluate('window.opener === null')).toBe(true);
});

test('a workspace that turns HTTPS on has an https address at the next start, and http again after', async ({
  page,
}) => {
  test.slow();
  const config = join(workspace.dir, 'adit.yaml');
  const before = readFileSync(config, 'utf8');
  await page.goto(served.url);
  expect(await startPreview(page)).toMatch(/^http:/);
  const toggle = async (): Promise<void> => {
    await page.getByRole('button', { name: /^Preview: / }).click();
    await page.getByRole('button', { name: 'Stop preview' }).click();
    await expect(page.getByRole('button', { name: 'Start preview' })).toBeVisible({ timeout: 30_000 });
    await page.keyboard.press('Escape');
  };
  await toggle();
  writeFileSync(config, `${before}\npreview: { https: true }\n`);
  const url = await startPreview(page);
  expect(url).toMatch(/^https:\/\/petstore-[a-z0-9]+\.localhost:/);
  await page.getByRole('button', { name: /^Preview: live 3\/3/i }).click();
  await expect(page.getByText('Signed by the development CA of this machine')).toBeVisible();
  await page.keyboard.press('Escape');
  await toggle();
  writeFileSync(config, before);
  expect(await startPreview(page)).toMatch(/^http:/);
});
