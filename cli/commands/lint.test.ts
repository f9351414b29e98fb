import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { folderOf, runCli } from '../testing/run-cli.ts';

// Each run is a process that reads all of the sources.
vi.setConfig({ testTimeout: 90_000 });

const root = join(import.meta.dirname, '../..');
const plan = (name: string, spec: string): string =>
  `apiVersion: hub.traefik.io/v1alpha1\nkind: APIPlan\nmetadata: { name: ${name} }\nspec: { title: t${spec} }\n`;
const CUSTOM = `namespace: shop
lint:
  orphan: 'off'
  custom:
    - name: named-team
      severity: error
      kinds: [APIPlan]
      expression: has(object.metadata.labels) && 'team' in object.metadata.labels
      message: every plan says whose it is
`;

describe('adit lint', () => {
  it('tells people file, line, object, rule and what to do, and counts', async () => {
    using folder = folderOf({ 'm/plan.yaml': plan('free', '') });
    const { code, out, err } = await runCli(folder.dir, ['lint']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out.split('\n')).toEqual([
      'm/plan.yaml:3:13: info: APIPlan default/free: metadata.name: APIPlan "free" is not used: no subscription or catalog item names it [orphan]',
      '    Use it, or remove it.',
      'm/plan.yaml:4:1: warning: APIPlan default/free: spec: the plan "free" limits nothing [plan-limit]',
      '    Add rateLimit or quota.',
      '0 errors, 1 warning, 1 note',
      '',
    ]);
  });

  it('ends with 1 when a rule of severity error finds something, and prints all fields as JSON', async () => {
    using folder = folderOf({ 'adit.yaml': 'lint: { plan-limit: error, orphan: "off" }\n', 'plan.yaml': plan('free', '') });
    const { code, out } = await runCli(folder.dir, ['lint', '--json']);
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual({
      diagnostics: [
        {
          severity: 'error', code: 'plan-limit', type: null, file: 'plan.yaml', line: 4, column: 1, endLine: 4, endColumn: 5,
          object: { apiVersion: 'hub.traefik.io/v1alpha1', kind: 'APIPlan', namespace: 'default', name: 'free' },
          path: 'spec', message: 'the plan "free" limits nothing', hint: 'Add rateLimit or quota.',
        },
      ],
    });
  });

  it('writes SARIF 2.1.0 whose results name rules of the log and places of the files', async () => {
    using folder = folderOf({ 'a b/plan.yaml': plan('free', '') });
    const { code, out } = await runCli(folder.dir, ['lint', '--format', 'sarif']);
    expect(code).toBe(0);
    const log = JSON.parse(out);
    expect(log.version).toBe('2.1.0');
    const [run] = log.runs;
    expect(run.tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(['orphan', 'plan-limit']);
    expect(run.results[1]).toEqual(expect.objectContaining({ ruleId: 'plan-limit', ruleIndex: 1, level: 'warning' }));
    expect(run.results[1].locations[0].physicalLocation).toEqual({
      artifactLocation: { uri: 'a%20b/plan.yaml' },
      region: { startLine: 4, startColumn: 1, endLine: 4, endColumn: 5 },
    });
  });

  it('writes annotations of GitHub, one line each, and nothing else', async () => {
    using folder = folderOf({ 'plan.yaml': plan('free', '') });
    const { code, out } = await runCli(folder.dir, ['lint', '--format', 'github']);
    expect(code).toBe(0);
    expect(out.split('\n')).toEqual([
      '::notice file=plan.yaml,line=3,endLine=3,col=13,endColumn=17,title=orphan::APIPlan "free" is not used: no subscription or catalog item names it%0AUse it, or remove it.',
      '::warning file=plan.yaml,line=4,endLine=4,col=1,endColumn=5,title=plan-limit::the plan "free" limits nothing%0AAdd rateLimit or quota.',
      '',
    ]);
  });

  it('checks the rules of adit.yaml, as validate does', async () => {
    using folder = folderOf({ 'adit.yaml': CUSTOM, 'plan.yaml': plan('free', ', rateLimit: { limit: 1 }') });
    const line = 'plan.yaml:3:19: error: APIPlan shop/free: every plan says whose it is [named-team]';
    for (const command of [['lint'], ['validate', '.']]) {
      const { code, out } = await runCli(folder.dir, command);
      expect(out).toContain(line);
      expect(code).toBe(1);
    }
  });

  it('names the place of a rule that is not CEL, checks the others and ends with 1', async () => {
    const broken = CUSTOM.replace('has(object.metadata.labels) &&', 'has(object.metadata.labels &&');
    using folder = folderOf({ 'adit.yaml': `${broken}    - { name: b, expression: 'false' }\n`, 'plan.yaml': plan('free', '') });
    const { code, out } = await runCli(folder.dir, ['lint']);
    expect(out).toMatch(/^adit\.yaml:8:19: error: lint\.custom\[0\]\.expression: the expression of "named-team" is not CEL: /m);
    expect(out).toContain('plan.yaml:3:19: warning: APIPlan shop/free: failed rule: false [b]');
    expect(code).toBe(1);
  });

  it('takes an unknown rule for an error of adit.yaml', async () => {
    using folder = folderOf({ 'adit.yaml': 'lint: { orfan: "off" }\n', 'plan.yaml': plan('free', '') });
    const { code, out } = await runCli(folder.dir, ['lint']);
    expect(code).toBe(1);
    expect(out).toContain('there is no rule "orfan"');
  });

  it('reads what lies beside the folder that it runs in, and tells problems of its adit.yaml at their file', async () => {
    using folder = folderOf({
      'here/keep.yaml': '',
      'shop/adit.yaml': `lint: { orfan: "off", custom: [{ name: orphan, severity: error, expression: 'true', message: m }] }\n`,
      'shop/plan.yaml': plan('free', ', rate: 1'),
      'broken/adit.yaml': 'lnit: {}\n',
    });
    const shop = await runCli(join(folder.dir, 'here'), ['lint', '--format', 'github', '../shop']);
    expect(shop.code).toBe(1);
    expect(shop.out).toMatch(/^::error file=\.\.\/shop\/plan\.yaml,.*unknown field "spec\.rate"/m);
    expect(shop.out).toMatch(/^::error file=\.\.\/shop\/adit\.yaml,.*there is no rule "orfan"/m);
    expect(shop.out).toMatch(/^::error file=\.\.\/shop\/adit\.yaml,.*"orphan" is a rule of Adit/m);
    const broken = await runCli(folder.dir, ['validate', 'broken']);
    expect(broken.code).toBe(1);
    expect(broken.out).toMatch(/^broken\/adit\.yaml:1:1: error: .*lnit/m);
  });

  it('reads a hidden folder that was named, and none below', async () => {
    using folder = folderOf({
      '.deploy/plan.yaml': plan('free', ', rate: 1'),
      '.deploy/.cache/old.yaml': plan('old', ', rate: 2'),
    });
    expect(await runCli(folder.dir, ['validate', '.'])).toMatchObject({ code: 0 });
    for (const named of ['.deploy', '.deploy/plan.yaml']) {
      const { code, out } = await runCli(folder.dir, ['validate', named]);
      expect({ code, out }).toEqual({ code: 1, out: expect.stringMatching(/^\.deploy\/plan\.yaml:.*"spec\.rate"/) });
      expect(out).not.toContain('old.yaml');
    }
  });

  it('ends with 2 on wrong use, and says where help is', async () => {
    using folder = folderOf({});
    const option = await runCli(folder.dir, ['lint', '--format', 'xml']);
    expect(option.code).toBe(2);
    expect(option.err).toContain('adit lint --help');
    const missing = await runCli(folder.dir, ['lint', 'nowhere']);
    expect(missing).toEqual({ code: 2, out: '', err: 'adit: nowhere: no such file or folder\n' });
  });

  it('documents its formats and exit codes in its help and in the docs', async () => {
    using folder = folderOf({});
    const { code, out } = await runCli(folder.dir, ['lint', '--help']);
    expect(code).toBe(0);
    expect(out).toContain('Exit codes: 0 no errors, 1 errors, 2 wrong use.');
    for (const format of ['human', 'json', 'sarif', 'github']) expect(out).toContain(format);
    const docs = readFileSync(join(root, 'docs/diagnostics.md'), 'utf8');
    for (const command of ['lint', 'validate', 'graph', 'diff']) expect(docs).toContain(`| \`adit ${command}\` |`);
  });
}); // prettier-ignore
