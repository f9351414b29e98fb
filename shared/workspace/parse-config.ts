import { parseDocument } from 'yaml';
import type { ZodError } from 'zod';
import { workspaceConfig, WORKSPACE_CONFIG_FILE, type WorkspaceConfig } from './adit-yaml.ts';

export interface ConfigProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly message: string;
}

/**
 * Reads the text of `adit.yaml`. An empty text is an empty configuration. With problems, `config` is the default one:
 * a wrong `adit.yaml` never hides the manifests.
 */
export function parseWorkspaceConfig(text: string): {
  readonly config: WorkspaceConfig;
  readonly problems: readonly ConfigProblem[];
} {
  const document = parseDocument(text, { prettyErrors: true });
  const syntax = document.errors[0];
  if (syntax) {
    const at = syntax.linePos?.[0];
    return {
      config: workspaceConfig.parse({}),
      problems: [problem(at?.line ?? 1, at?.col ?? 1, '', syntax.message.split('\n')[0] ?? syntax.message)],
    };
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 }) ?? {};
  const parsed = workspaceConfig.safeParse(value);
  if (parsed.success) return { config: parsed.data, problems: [] };
  return { config: workspaceConfig.parse({}), problems: locate(text, document, parsed.error) };
}

/** Where a field of `adit.yaml` is, or the nearest one around it that is there. */
export function placeInConfig(
  text: string,
  keys: readonly (string | number)[],
): { readonly line: number; readonly column: number } {
  return placeOf(text, parseDocument(text), keys);
}

function locate(text: string, document: ReturnType<typeof parseDocument>, error: ZodError): ConfigProblem[] {
  return error.issues.map((issue) => {
    const keys = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
    const { line, column } = placeOf(text, document, keys);
    return problem(line, column, keys.join('.'), issue.message);
  });
}

function placeOf(
  text: string,
  document: ReturnType<typeof parseDocument>,
  keys: readonly (string | number)[],
): { readonly line: number; readonly column: number } {
  const node = nearestNode(document, keys);
  const before = text.slice(0, node?.range?.[0] ?? 0).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

function nearestNode(
  document: ReturnType<typeof parseDocument>,
  keys: readonly (string | number)[],
): { range?: readonly number[] | null | undefined } | undefined {
  for (let length = keys.length; length >= 0; length--) {
    const node: unknown = length === 0 ? document.contents : document.getIn(keys.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node)
      return node as { range?: readonly number[] | null };
  }
  return undefined;
}

function problem(line: number, column: number, path: string, message: string): ConfigProblem {
  return { file: WORKSPACE_CONFIG_FILE, line, column, path, message };
}
