import { expect, test } from '@playwright/test';
import { AxeBuilder } from '@axe-core/playwright';
import { until } from './support/running-stack.ts';
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
let served: ServedPage;

test.beforeEach(async ({ page }) => {
  workspace = sampleWorkspace();
  served = await servePage(page, workspace);
});
test.afterEach(async () => {
  await endPage(served);
  workspace.remove();
});

test('a manifest is seen, broken, mended, previewed through three brokers, changed and committed', async ({ page }) => {
  test.slow();
  await page.goto(served.url);

  await test.step('the API is seen as a graph, and every view follows the selection', async () => {
    const graph = page.getByRole('region', { name: 'Graph' });
    await expect(graph.getByRole('button', { name: /^Petstore .*API/ })).toBeVisible();
    await graph.getByRole('button', { name: /^Petstore .*API/ }).click();
    await expect(
      page.getByRole('tablist', { name: 'Open files' }).getByRole('tab', { name: 'api.yaml' }),
    ).toBeVisible();
    await expect(page.getByRole('region', { name: 'Inspector' })).toContainText('petstore');
    await expect(page.getByRole('treeitem', { name: /^petstore API/ })).toHaveAttribute('aria-selected', 'true');
    await screenshot(page, 'graph-light');
  });

  await test.step('a broken field is a problem at its line', async () => {
    await openFile(page, 'access.yaml');
    const line = await goToLine(page, workspace, 'manifests/access.yaml', 'limit: 5');
    await page.keyboard.press('Backspace');
    await page.keyboard.type('-5');
    const problems = page.getByRole('region', { name: 'Lower panel' });
    await expect(problems.getByText(`manifests/access.yaml:${line}`)).toBeVisible();
    await expect(problems.getByText(/Invalid value/)).toBeVisible();
    await screenshot(page, 'problem-light');
  });

  await test.step('mended, it is gone', async () => {
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Backspace');
    await page.keyboard.type('5');
    await expect(page.getByRole('region', { name: 'Lower panel' }).getByText('No problems.')).toBeVisible();
  });

  let url = '';
  await test.step('Preview gives a URL with three links', async () => {
    url = await startPreview(page);
  });

  await test.step('the URL answers as the manifests say', async () => {
    expect((await call(url, '/pets', 'sample-partner-key')).status).toBe(200);
    expect((await call(url, '/pets')).status).toBe(401);
    expect((await call(url, '/pets', 'sample-newcomer-key')).status).toBe(403);
    // The plan allows five within ten seconds; the sixth at the latest within one burst is refused.
    const burst = await Promise.all(Array.from({ length: 12 }, () => call(url, '/pets', 'sample-web-shop-key')));
    expect(burst.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(5);
    expect(burst.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
    expect(new Set(burst.map(({ status }) => status))).toEqual(new Set([200, 429]));
  });

  await test.step('the requests are seen', async () => {
    await page.getByRole('tab', { name: /^Traffic/ }).click();
    await expect(page.getByRole('region', { name: 'Lower panel' }).getByText('429').first()).toBeVisible();
    await screenshot(page, 'traffic-light');
  });

  await test.step('a changed path answers', async () => {
    expect((await call(url, '/v2/pets', 'sample-partner-key')).status).toBe(404);
    await openFile(page, 'routes.yaml');
    await goToLine(page, workspace, 'manifests/routes.yaml', 'match: PathPrefix(`/v1`)');
    for (const key of ['ArrowLeft', 'ArrowLeft', 'Backspace']) await page.keyboard.press(key);
    await page.keyboard.type('2');
    await goToLine(page, workspace, 'manifests/routes.yaml', '- /v1');
    await page.keyboard.press('Backspace');
    await page.keyboard.type('2');
    await page.keyboard.press('Control+s');
    await until(
      'the new path answers',
      async () => (await call(url, '/v2/pets', 'sample-partner-key')).status === 200,
      10_000,
    );
  });

  await test.step('Commit puts it into the remote', async () => {
    await page
      .getByRole('button', { name: /^Commit/ })
      .first()
      .click();
    const sheet = page.getByRole('dialog', { name: /commit/i });
    await expect(sheet.getByText('manifests/routes.yaml').first()).toBeVisible();
    const push = sheet.getByRole('checkbox', { name: /^Push/ });
    if (!(await push.isChecked())) await push.check();
    await sheet.getByRole('textbox', { name: 'Message' }).fill('Serve the pets under /v2');
    await screenshot(page, 'commit-light');
    await sheet.getByRole('button', { name: 'Commit and push' }).click();
    await until(
      'the commit is in the remote',
      () => workspace.remoteGit('log', '--format=%s', '-1', 'main').trim() === 'Serve the pets under /v2',
    );
    expect(workspace.remoteGit('show', 'main:manifests/routes.yaml')).toContain('PathPrefix(`/v2`)');
    expect(workspace.git('status', '--porcelain')).toBe('');
  });

  expect(served.complaints).toEqual([]);
});

test('dark colours, no accessibility violations, and a narrow window', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(served.url);
  await expect(page.getByRole('treeitem', { name: /^petstore API/ })).toBeVisible();
  await page.getByRole('treeitem', { name: /^petstore API/ }).click();
  await expect(page.locator('.monaco-editor .view-line').first()).toBeVisible();
  await screenshot(page, 'graph-dark');
  for (const scheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    const { violations } = await new AxeBuilder({ page }).exclude('.monaco-editor').analyze();
    expect(
      violations.map(({ id, nodes }) => `${scheme} ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`),
    ).toEqual([]);
  }
  await page.setViewportSize({ width: 900, height: 640 });
  await expect(page.getByRole('button', { name: 'Commit' }).first()).toBeInViewport();
  await screenshot(page, 'narrow');
  expect(served.complaints).toEqual([]);
});

test('a link that was used says how to get a new one', async ({ page }) => {
  await page.goto(served.url);
  await expect(page.getByRole('button', { name: 'Preview', exact: true })).toBeVisible();
  const stranger = await page.context().browser()!.newContext();
  const other = await stranger.newPage();
  await other.goto(served.url);
  await expect(other.getByText(/adit serve/).first()).toBeVisible();
  await stranger.close();
});
