import { expect, test, type Page } from '@playwright/test';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderedWorkspace } from './support/rendered-workspace.ts';
import { root, until } from './support/running-stack.ts';
import { sampleWorkspace, type SampleWorkspace } from './support/sample-workspace.ts';
import { call, endPage, screenshot, servePage, startPreview, type ServedPage } from './support/served-page.ts';

/** Not a test of the product: renews the picture of the README and takes those of states that are worth a look. */
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

async function visit(url: string): Promise<void> {
  const visits: readonly (readonly [path: string, key?: string])[] = [
    ['/pets', 'sample-partner-key'],
    ['/orders', 'sample-partner-key'],
    ['/v1/pets', 'sample-partner-key'],
    ['/pets'],
    ['/pets', 'sample-newcomer-key'],
    ...Array.from({ length: 7 }, () => ['/v1/pets', 'sample-web-shop-key'] as const),
    ['/pets/2', 'sample-partner-key'],
    ['/orders?status=open', 'sample-partner-key'],
    ['/v1/pets/1', 'sample-partner-key'],
  ];
  for (const [path, key] of visits) await call(url, path, key);
}

async function bothSchemes(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await screenshot(page, `${name}-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

test('the main window, with a preview and its traffic', async ({ page }) => {
  test.slow();
  served = await servePage(page, workspace);
  await page.goto(served.url);
  const url = await startPreview(page);
  await page.getByRole('tab', { name: /^Traffic/ }).click();
  await visit(url);
  const requests = page.getByRole('grid', { name: 'Requests' });
  await expect(requests.getByText('/v1/pets/1')).toBeVisible();
  await page.getByRole('treeitem', { name: /^pets PathPrefix/ }).click();
  await expect(page.locator('.monaco-editor .view-line').first()).toBeVisible();
  await until('the graph stands still', async () => (await page.locator('.react-flow__node').count()) > 10);
  await requests.getByText('429').first().click();
  mkdirSync(join(root, 'docs/images'), { recursive: true });
  await page.screenshot({ path: join(root, 'docs/images/main-window.png'), animations: 'disabled' });
  await bothSchemes(page, 'live');
  await page.getByRole('radiogroup', { name: 'View' }).getByText('Graph').click();
  await bothSchemes(page, 'graph-only');
  await page.getByRole('tab', { name: /^Agent/ }).click();
  await page.getByRole('button', { name: /^Preview: live/i }).click();
  await bothSchemes(page, 'agent');
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: /^Traffic/ }).click();
  await page.getByRole('tab', { name: 'Way' }).click();
  await page.setViewportSize({ width: 900, height: 640 });
  await bothSchemes(page, 'live-narrow');
  appendFileSync(join(workspace.dir, 'manifests/routes.yaml'), '# one more line\n');
  await page.getByRole('tab', { name: 'Changes' }).click();
  await page.getByRole('button', { name: /^Commit/ }).click();
  await expect(page.getByRole('dialog').locator('.monaco-diff-editor .view-line').first()).toBeVisible();
  await bothSchemes(page, 'commit-narrow');
  await page.setViewportSize({ width: 1440, height: 900 });
  await bothSchemes(page, 'commit');
});

test('what an overlay and a chart render to, in a narrow window and with an error', async ({ page }) => {
  test.slow();
  const rendered = renderedWorkspace();
  try {
    writeFileSync(
      join(rendered.dir, 'overlays/prod/kustomization.yaml'),
      'namespace: petstore\nnamePrefix: a-name-that-takes-as-many-letters-as-a-name-in-kubernetes-\nresources:\n  - ../../base\n',
    );
    served = await servePage(page, rendered);
    await page.goto(served.url);
    await page
      .getByRole('treeitem', { name: /rendered from/ })
      .first()
      .click();
    await expect(page.locator('.monaco-editor .view-line').first()).toBeVisible();
    await bothSchemes(page, 'rendered-long');
    await page.setViewportSize({ width: 900, height: 640 });
    await page.getByRole('tab', { name: 'Inspector' }).click();
    await bothSchemes(page, 'rendered-narrow');
    await page.getByRole('button', { name: 'Show what was rendered' }).click();
    await expect(page.getByRole('dialog').locator('.view-line').first()).toBeVisible();
    await bothSchemes(page, 'rendered-text-narrow');
  } finally {
    await endPage(served);
    served = undefined;
    rendered.remove();
  }
});

test('nothing open, long names, errors, and a narrow window', async ({ page }) => {
  test.slow();
  served = await servePage(page, workspace, { open: false });
  await page.goto(served.url);
  await expect(page.getByRole('button', { name: /sample/i })).toBeVisible();
  await bothSchemes(page, 'welcome');
  await endPage(served);

  const long = 'a-service-whose-name-takes-as-many-letters-as-kubernetes-allows';
  writeFileSync(
    join(workspace.dir, 'manifests', `${long}.yaml`),
    `apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: ${long}
spec:
  routes:
    - match: Host(\`${long}.example.com\`) && PathPrefix(\`/a/path/that/is/rather/long/as/well/v1\`)
      kind: Rule
      middlewares:
        - name: not-there
      services:
        - name: ${long}
          port: http
---
apiVersion: hub.traefik.io/v1alpha1
kind: APIPlan
metadata:
  name: ${long}
spec:
  title: A plan with a title that nobody would write but somebody will
  rateLimit:
    limit: -5
  unknown: field
`,
  );
  served = await servePage(page, workspace);
  await page.goto(served.url);
  await page
    .getByRole('treeitem', { name: new RegExp(`^${long}.*route`) })
    .first()
    .click();
  await expect(page.locator('.monaco-editor .view-line').first()).toBeVisible();
  await bothSchemes(page, 'errors');
  await page.setViewportSize({ width: 900, height: 640 });
  await bothSchemes(page, 'errors-narrow');
});
