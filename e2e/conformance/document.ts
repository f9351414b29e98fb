import { allowedEverywhere, type Allowed } from './compare.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** `docs/conformance.md` of a run in which everything agreed. */
export function conformanceDocument(cases: readonly ConformanceCase[], generated: number): string {
  const groups = Map.groupBy(cases, ({ name }) => name.split(':', 1)[0] ?? name);
  const asked = cases.reduce((sum, { asks }) => sum + asks.length, 0);
  const lines = [
    '# Conformance with Traefik',
    '',
    '<!-- Written by the run itself: ADIT_WRITE_DOCS=1 npx vitest run --config e2e/vitest.config.ts e2e/conformance -->',
    '',
    'The same manifests are applied to a real API server with a real Traefik v3.6.12 in front, and written to the folder that',
    '`adit up --preview` serves. The same requests go to both, byte for byte, ours through broker and tunnel. Status, headers, body,',
    'the services that were reached and what they received are compared. A difference that is not listed below fails the test.',
    '',
    `**${asked} exchanges** in ${cases.length} cases agree, and in each run ${generated} generated sets each of rules of an IngressRoute, of Ingresses and of`,
    'HTTPRoutes that overlap, with 12 to 16 requests a set (`ADIT_CONFORMANCE_RUNS`, `ADIT_CONFORMANCE_SEED` choose more and others).',
    'Traefik runs with the defaults of its providers; cases of options are asked again with these on, and `adit.yaml` saying so.',
    '',
    "Besides, `rule-oracle.test.ts` asks Traefik's own muxer, built from its module, which of many generated rules takes each of many",
    'generated requests, and which rules it refuses: both syntaxes, apart and mixed, and rules with a mistake put in; 32,500 requests a',
    'run (`ADIT_ORACLE_SETS` asks for more: 1,000 are 130,000).',
    '',
    '| what | cases | exchanges |',
    '|---|---:|---:|',
  ];
  for (const [group, members] of groups) {
    lines.push(`| ${group} | ${members.length} | ${members.reduce((sum, { asks }) => sum + asks.length, 0)} |`);
  }
  lines.push('', '## What may differ', '', ...table(allowedEverywhere()));
  const special = cases.flatMap(({ name, allowed }) =>
    allowed === undefined
      ? []
      : [{ what: `${name}: ${allowed.headers.map((one) => `\`${one}\``).join(', ')}`, why: allowed.why }],
  );
  lines.push('', 'In single cases:', '', ...table(special), '', '## Cases', '');
  for (const [group, members] of groups) {
    lines.push(
      `* **${group}**: ${members.map(({ name }) => name.slice(group.length).replace(/^: /, '') || 'all').join('; ')}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function table(rows: readonly Allowed[]): string[] {
  return ['| difference | reason |', '|---|---|', ...rows.map(({ what, why }) => `| ${what} | ${why} |`)];
}
