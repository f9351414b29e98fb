import type { Diagnostic } from '../types.ts';
import { isLintRule, lintRules } from './rules.ts';

const LEVELS = { error: 'error', warning: 'warning', info: 'note' } as const;

/** Diagnostics as a SARIF 2.1.0 log, which code hosts show beside the lines of a change. */
export function sarif(diagnostics: readonly Diagnostic[], version: string): unknown {
  const used = [...new Set(diagnostics.map(({ code }) => code))].toSorted();
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'adit',
            version,
            rules: used.map((id) => ({ id, shortDescription: { text: isLintRule(id) ? lintRules[id][1] : id } })),
          },
        },
        results: diagnostics.map(
          ({ code, severity, message, hint, file, line, column, endLine, endColumn, object, path }) => ({
            ruleId: code,
            ruleIndex: used.indexOf(code),
            level: LEVELS[severity],
            message: { text: hint === undefined ? message : `${message}. ${hint}` },
            locations: [
              {
                physicalLocation: {
                  artifactLocation: { uri: file.split('/').map(encodeURIComponent).join('/') },
                  region: { startLine: line, startColumn: column, endLine, endColumn },
                },
                ...(object === undefined
                  ? {}
                  : {
                      logicalLocations: [
                        { fullyQualifiedName: `${object.kind}/${object.namespace}/${object.name}:${path ?? ''}` },
                      ],
                    }),
              },
            ],
          }),
        ),
      },
    ],
  };
}
