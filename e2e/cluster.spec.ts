import { expect, test, type Page } from '@playwright/test';
import { join } from 'node:path';
import { startApiServer, type ApiServer } from './kube/api-server.ts';
import { kubeBinaries } from './kube/binaries.ts';
import { installTraefikKinds } from './kube/real-cluster.ts';
import { root, until } from './support/running-stack.ts';
import { sampleWorkspace, type SampleWorkspace } from './support/sample-workspace.ts';
import { endPage, goToLine, openFile, screenshot, servePage, type ServedPage } from './support/served-page.ts';

/** The application beside a real API server, with kubectl as the second client. */
let server: ApiServer | undefined;
let workspace: SampleWorkspace;
let served: ServedPage;

const ONLY_IN_CLUSTER = `apiVersion: hub.traefik.io/v1alpha1
kind: APIPlan
metadata:
  name: legacy
  namespace: petstore
spec:
  title: Legacy
`;
/** What a platform team asks for: no offline check can know it. */
const POLICY = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: modest-plans
spec:
  matchConstraints:
    resourceRules:
      - apiGroups: [hub.traefik.io]
        apiVersions: ['*']
        operations: [CREATE, UPDATE]
        resources: [apiplans]
  validations:
    - expression: "!has(object.spec.rateLimit) || object.spec.rateLimit.limit <= 1000"
      message: The platform team allows 1000 requests at most.
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: modest-plans
spec:
  policyName: modest-plans
  validationActions: [Deny]
`;
const TOO_MUCH = ONLY_IN_CLUSTER.replace('legacy', 'much').replace('Legacy', 'Much\n  rateLimit: { limit: 2000 }');
/** A field that only this cluster's definition of the kind has. */
const MORE_FIELDS = JSON.stringify([
  {
    op: 'add',
    path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/costCentre',
    value: { type: 'string', description: 'Who pays.' },
  },
]);

test.beforeAll(async () => {
  test.setTimeout(600_000);
  const binaries = await kubeBinaries();
  test.skip(binaries === undefined, 'no API server: install Go or set KUBEBUILDER_ASSETS');
  if (binaries === undefined) return;
  server = await startApiServer(binaries);
  const { kubectl } = server;
  await kubectl(['apply', '--server-side', '-f', join(root, 'deploy/crds/install.yaml')]);
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  const plans = 'crd/apiplans.hub.traefik.io';
  await kubectl(['patch', plans, '--type=json', '-p', MORE_FIELDS]);
  if (!(await kubectl(['api-resources', '--api-group=traefik.io'])).includes('middlewares'))
    await installTraefikKinds(server);
  await kubectl(['create', 'namespace', 'petstore']);
  await until('every kind is served', async () =>
    kubectl(['apply', '-f', join(root, 'examples/petstore/manifests')]).then(
      () => true,
      (error: Error) => {
        if (/no matches for kind/.test(error.message)) return false;
        throw error;
      },
    ),
  );
  await kubectl(['apply', '-f', '-'], { stdin: ONLY_IN_CLUSTER });
  await kubectl(['delete', 'apiplan', 'trial', '--namespace', 'petstore']);
  await kubectl(['apply', '-f', '-'], { stdin: POLICY });
  await until('the policy is enforced', async () =>
    kubectl(['apply', '--dry-run=server', '-f', '-'], { stdin: TOO_MUCH }).then(
      () => false,
      (error: Error) => error.message.includes('The platform team'),
    ),
  );
});
test.afterAll(async () => await server?.stop());

test.beforeEach(async ({ page }) => {
  workspace = sampleWorkspace();
  served = await servePage(page, workspace, { env: { KUBECONFIG: server?.kubeconfig ?? '' } });
});
test.afterEach(async () => {
  await endPage(served);
  workspace.remove();
});

function row(page: Page, name: string, kind: string, state: string) {
  return page.getByRole('treeitem', { name: new RegExp(`^${name}\\b.*\\b${kind} ${state}$`) });
}

test('the chosen cluster stands beside the files: states, drift with its owner, verdicts, schemas', async ({
  page,
}) => {
  test.slow();
  await page.goto(served.url);
  const inspector = page.getByRole('region', { name: 'Inspector' });
  const lower = page.getByRole('region', { name: 'Lower panel' });

  await test.step('before a context is chosen, a field of the cluster alone is unknown', async () => {
    await expect(row(page, 'partner', 'plan', 'in files only')).toBeVisible();
    await openFile(page, 'access.yaml');
    await goToLine(page, workspace, 'manifests/access.yaml', 'title: Partner');
    await page.keyboard.type('\ncostCentre: shop');
    await expect(lower.getByText(/unknown field "spec.costCentre"/)).toBeVisible();
  });

  await test.step('a context is chosen, and its schemas count', async () => {
    await page.getByRole('button', { name: /^context/ }).click();
    const menu = page.getByRole('dialog', { name: /^context/ });
    await menu.getByRole('button', { name: /^admin/ }).click();
    await expect(menu.getByText(/Kubernetes v1\..*schemas are those of the cluster/)).toBeVisible();
    await screenshot(page, 'cluster-contexts');
    await page.keyboard.press('Escape');
    await expect(lower.getByText('No problems.')).toBeVisible();
    await page.getByRole('textbox', { name: /^Editor/ }).focus();
    for (const _ of 'costCentre: shop') await page.keyboard.press('Backspace');
    await page.keyboard.press('Shift+Home');
    await page.keyboard.press('Backspace');
    await page.keyboard.press('Backspace');
    await expect(page.getByRole('tab', { name: 'access.yaml', exact: true })).toBeVisible();
  });

  await test.step('every object says how it stands', async () => {
    await page.getByRole('tab', { name: 'APIs' }).click();
    await expect(row(page, 'petstore', 'API', 'same in the cluster')).toBeVisible();
    await expect(row(page, 'partner', 'plan', 'same in the cluster')).toBeVisible();
    await expect(row(page, 'trial', 'plan', 'in files only')).toBeVisible();
    await expect(row(page, 'legacy', 'plan', 'in the cluster only')).toBeVisible();
    await row(page, 'trial', 'plan', 'in files only').click();
    await expect(inspector).toContainText('Not in the cluster.');
    await row(page, 'petstore', 'API', 'same in the cluster').click();
    await expect(inspector).toContainText('The same as in the file.');
    await row(page, 'legacy', 'plan', 'in the cluster only').click();
    await expect(inspector.getByRole('heading', { name: 'legacy' })).toBeVisible();
    await screenshot(page, 'cluster-states');
  });

  await test.step('kubectl edit is seen as drift, with both values and who did it', async () => {
    await server?.kubectl(['edit', 'apiplan', 'partner', '--namespace', 'petstore'], {
      env: { KUBE_EDITOR: `sed -i 's/limit: 500$/limit: 900/'` },
    });
    await row(page, 'partner', 'plan', 'differs from the cluster').click();
    const drift = inspector.getByRole('list', { name: 'Fields that differ' });
    await expect(drift).toContainText('spec.rateLimit.limit');
    await expect(drift).toContainText('− 900');
    await expect(drift).toContainText('+ 500');
    await expect(drift).toContainText('owner: kubectl-edit');
    await screenshot(page, 'cluster-drift');
  });

  await test.step('a dry run is refused in the words of the server, here and before a commit', async () => {
    const words = /The platform team allows 1000 requests at most/;
    await goToLine(page, workspace, 'manifests/access.yaml', 'limit: 5');
    await page.keyboard.type('000');
    await expect(page.getByRole('tab', { name: 'access.yaml, not saved' })).toBeVisible();
    await inspector.getByRole('button', { name: 'Dry run' }).click();
    await expect(inspector.getByText(words).first()).toBeVisible();
    await expect(inspector.getByRole('button', { name: /APIPlan trial refused/ })).toBeVisible();
    // The file would take back what kubectl edit owns: the server tells that as well.
    await expect(inspector.getByText(/conflict with "kubectl-edit"/).first()).toBeVisible();
    await screenshot(page, 'cluster-refused');
    await page.getByRole('textbox', { name: /^Editor/ }).focus();
    await page.keyboard.press('Control+s');
    await expect(page.getByRole('tab', { name: 'access.yaml', exact: true })).toBeVisible();
    await page
      .getByRole('button', { name: /^Commit/ })
      .first()
      .click();
    await expect(
      page
        .getByRole('dialog', { name: /commit/i })
        .getByText(words)
        .first(),
    ).toBeVisible();
    await screenshot(page, 'cluster-commit');
    await page.keyboard.press('Escape');
  });

  await test.step('nothing was changed there', async () => {
    const limit = await server?.kubectl([
      'get',
      'apiplan',
      'partner',
      '--namespace',
      'petstore',
      '-o',
      'jsonpath={.spec.rateLimit.limit}',
    ]);
    expect(limit).toBe('900');
  });

  await test.step('disconnected, only the files count', async () => {
    await page.getByRole('button', { name: /^context/ }).click();
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.keyboard.press('Escape');
    await expect(row(page, 'partner', 'plan', 'in files only')).toBeVisible();
    await expect(row(page, 'legacy', 'plan', 'in the cluster only')).toHaveCount(0);
  });
  expect(served.complaints).toEqual([]);
});
