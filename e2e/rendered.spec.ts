import { AxeBuilder } from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { kubeBinaries } from './kube/binaries.ts';
import { findHelm } from './render/helm.ts';
import { renderedWorkspace } from './support/rendered-workspace.ts';
import { until } from './support/running-stack.ts';
import type { SampleWorkspace } from './support/sample-workspace.ts';
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
  workspace = renderedWorkspace();
});
test.afterEach(async () => {
  await endPage(served);
  served = undefined;
  workspace.remove();
});

const kubectl = (await kubeBinaries())?.kubectl;
const helm = await findHelm();

/** Serves the workspace with these programs before those of the machine. */
async function serveWith(page: Page, programs: readonly string[]): Promise<ServedPage> {
  const path = [...programs.map((program) => dirname(program)), process.env['PATH'] ?? ''].join(delimiter);
  served = await servePage(page, workspace, { env: { PATH: path } });
  await page.goto(served.url);
  return served;
}

async function seeObject(page: Page, name: RegExp): Promise<void> {
  await page.getByRole('tab', { name: 'APIs' }).click();
  // Programs start anew for each rendering, which a busy machine does in its own time.
  await expect(page.getByRole('treeitem', { name }).first()).toBeVisible({ timeout: 60_000 });
}

async function inBothSchemes(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await screenshot(page, `${name}-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

test('what an overlay and a chart render to is seen, marked, previewed, and follows what is typed', async ({
  page,
}) => {
  test.slow();
  test.skip(kubectl === undefined || helm === undefined, 'no kubectl or no helm');
  const { complaints } = await serveWith(page, [kubectl ?? '', helm ?? '']);
  const inspector = page.getByRole('region', { name: 'Inspector' });
  const problems = page.getByRole('region', { name: 'Lower panel' });

  await test.step('explorer, graph and inspector show it as what it is', async () => {
    await seeObject(page, /^charted .*rendered from charts\/charted by helm, read-only/);
    await expect(problems.getByText('No problems.')).toBeVisible();
    const graph = page.getByRole('region', { name: 'Graph' });
    await graph
      .getByRole('button', { name: /^overlaid PathPrefix.*rendered from overlays\/prod by kustomize/ })
      .click();
    await expect(inspector).toContainText('rendered from overlays/prod by kustomize');
    await expect(inspector.getByRole('button', { name: /^base\/route\.yaml:2/ })).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Editor: base/route.yaml' })).toBeAttached();
    await inBothSchemes(page, 'rendered');
    await inspector.getByRole('button', { name: 'Show what was rendered' }).click();
    const dialog = page.getByRole('dialog', { name: 'IngressRoute overlaid' });
    await expect(dialog.locator('.view-lines')).toContainText('namespace: petstore');
    await expect(dialog.locator('.view-lines')).toContainText('PathPrefix(`/prod`)');
    await inBothSchemes(page, 'rendered-text');
    const found = await new AxeBuilder({ page }).include('[role=dialog]').exclude('.monaco-editor').analyze();
    expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
    await page.keyboard.press('Escape');
  });

  const url = await startPreview(page);
  await test.step('the preview serves it', async () => {
    expect((await call(url, '/prod/pets')).status).toBe(200);
    expect((await call(url, '/chart/pets')).status).toBe(200);
    expect((await call(url, '/base/pets', 'sample-partner-key')).status).toBe(404);
  });

  await test.step('unsaved text of a patch is seen by kustomize, in the window and in the preview', async () => {
    await openFile(page, 'route-patch.yaml');
    await goToLine(page, workspace, 'overlays/prod/route-patch.yaml', 'match:');
    await typeBefore(page, 2, '-next');
    await seeObject(page, /^overlaid PathPrefix\(`\/prod-next`\)/);
    await until('the preview has it', async () =>
      (await call(url, '/prod-next/pets')).body.includes('there is nothing'),
    );
  });

  await test.step('so is that of a template which is no manifest', async () => {
    await openFile(page, '_names.tpl');
    await goToLine(page, workspace, 'charts/charted/templates/_names.tpl', 'define');
    await typeBefore(page, '{{- end -}}'.length, '-next');
    await seeObject(page, /^charted PathPrefix\(`\/chart-next`\)/);
    await until('the preview has it', async () => (await call(url, '/chart-next/pets')).status === 200);
  });

  await test.step('what kustomize refuses is one problem where it is wrong; its last objects and all else stay', async () => {
    await openFile(page, 'route-patch.yaml');
    await goToLine(page, workspace, 'overlays/prod/route-patch.yaml', 'kind: IngressRoute');
    await page.keyboard.type('X');
    const problem = problems.getByRole('button', { name: /kustomize: .*no matches for Id/ });
    await expect(problem).toHaveCount(1);
    await expect(problem).toContainText('overlays/prod/route-patch.yaml:3');
    await seeObject(page, /^overlaid PathPrefix\(`\/prod-next`\)/);
    await inBothSchemes(page, 'rendered-error');
    expect((await call(url, '/chart-next/pets')).status).toBe(200);
    expect((await call(url, '/prod-next/pets')).body).toContain('there is nothing');
    await page.getByRole('textbox', { name: /^Editor/ }).focus();
    await page.keyboard.press('Backspace');
    await expect(problems.getByText('No problems.')).toBeVisible();
  });

  await test.step('and what helm refuses, at its template', async () => {
    await openFile(page, '_names.tpl');
    await goToLine(page, workspace, 'charts/charted/templates/_names.tpl', 'define');
    await page.keyboard.type('{{');
    await expect(problems.getByRole('button', { name: /helm: .*_names\.tpl/ })).toHaveCount(1);
    await seeObject(page, /^charted PathPrefix\(`\/chart-next`\)/);
  });
  expect(complaints).toEqual([]);
});

test('without the programs one problem for each says what to install, and all else works', async ({ page }) => {
  const without = mkdtempSync(join(tmpdir(), 'adit-programs-'));
  for (const program of ['git', 'node', 'sh'])
    symlinkSync(
      program === 'node' ? process.execPath : execFileSync('which', [program], { encoding: 'utf8' }).trim(),
      join(without, program),
    );
  try {
    served = await servePage(page, workspace, { env: { PATH: without } });
    await page.goto(served.url);
    const problems = page.getByRole('region', { name: 'Lower panel' });
    await expect(
      problems.getByRole('button', { name: /kustomize: .*neither kustomize nor kubectl on PATH.*Install kubectl/ }),
    ).toHaveCount(1);
    await expect(problems.getByRole('button', { name: /helm: .*no helm on PATH.*Install helm/ })).toHaveCount(1);
    await seeObject(page, /^Petstore|^petstore/);
    await until('the graph is drawn', async () => (await page.locator('.react-flow__node').count()) > 10);
    await screenshot(page, 'rendered-missing-light');
    const url = await startPreview(page);
    expect((await call(url, '/pets', 'sample-partner-key')).status).toBe(200);
    expect(served.complaints).toEqual([]);
  } finally {
    rmSync(without, { recursive: true, force: true });
  }
});

/** Types so many characters before the end of the line that the cursor is at the end of. */
async function typeBefore(page: Page, characters: number, text: string): Promise<void> {
  for (let back = 0; back < characters; back += 1) await page.keyboard.press('ArrowLeft');
  await page.keyboard.type(text);
}
