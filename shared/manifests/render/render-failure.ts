import { diagnosticCodes } from '../errors.ts';
import type { Diagnostic } from '../types.ts';
import { isBelow, type Rendering } from './find-renderings.ts';

/** What a program said of its failure, in one sentence, and where in the workspace that is, as near as it is known. */
export interface RenderFailure {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly problem: string;
  readonly hint: string;
}

const CORRECT = 'Correct it so that the program renders it.';

/**
 * @param words what the program wrote to standard error
 * @param root the absolute folder that it was run in the place of the workspace
 * @param texts of the workspace, by path
 */
export function renderFailure(
  rendering: Rendering,
  words: string,
  root: string,
  texts: ReadonlyMap<string, string>,
): RenderFailure | undefined {
  const said = sentence(words)?.replaceAll(`${root}/`, '').replaceAll(root, '.');
  if (said === undefined) return undefined;
  return rendering.by === 'helm' ? helmFailure(rendering, said) : kustomizeFailure(rendering, said, texts);
}

/** The line that says it; warnings come before it, advice after it. kubectl may write it as a log entry of klog. */
function sentence(words: string): string | undefined {
  const [, quoted] = /^E\d{4} .*? err=("(?:[^"\\]|\\.)*")$/m.exec(words) ?? [];
  if (quoted !== undefined) return unquoted(quoted);
  const [, block] = /^E\d{4} .*? err=<\n([\s\S]*?)\n >/m.exec(words) ?? [];
  if (block !== undefined)
    return block
      .split('\n')
      .map((line) => line.trim())
      .join(' ');
  const lines = words.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /^error/i.test(line))?.replace(/^error: */i, '') ?? lines.at(-1);
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch (error) {
    // Go quotes some characters otherwise than JSON does.
    if (error instanceof SyntaxError) return text.slice(1, -1);
    throw error;
  }
}

/** Helm names a file as CHART/PATH:LINE:COLUMN, and the line of a template where it can. */
function helmFailure({ dir, entry }: Rendering, said: string): RenderFailure {
  const inside = (path: string): string => (dir === '' ? path : `${dir}/${path}`);
  const whole = { problem: said, hint: CORRECT };
  const [, template, line, column] =
    /(?:template: |error at \(|parse error on )[^/\s:]+\/([^\s:()]+)(?::(\d+))?(?::(\d+))?/.exec(said) ?? [];
  if (template !== undefined)
    return { ...whole, file: inside(template), line: Number(line ?? 1), column: Number(column ?? 0) + 1 };
  const [, values, at] = /^cannot load (\S+): .*\bline (\d+):/.exec(said) ?? [];
  if (values !== undefined) return { ...whole, file: inside(values), line: Number(at), column: 1 };
  return { ...whole, file: entry, line: 1, column: 1 };
}

/** Kustomize tells the way through its folders; the innermost says what is wrong. */
function kustomizeFailure({ dir, entry }: Rendering, said: string, texts: ReadonlyMap<string, string>): RenderFailure {
  const folder = [...said.matchAll(/recursed accumulation of path '([^']*)'/g)].at(-1)?.[1] ?? dir;
  const inside = (path: string): string => (folder === '' || folder === '.' ? path : `${folder}/${path}`);
  const names = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];
  const file = names.map(inside).find((name) => texts.has(name)) ?? entry;

  const [, missing] = /lstat ([^:]+): no such file or directory/.exec(said) ?? [];
  if (missing !== undefined) {
    const name = missing.slice(folder.length).replace(/^\//, '');
    return {
      ...place(texts, file, name),
      problem: `${missing} is not there`,
      hint: `Add the file, or correct its path in ${file}.`,
    };
  }
  const [, from = '', inner] = /.*accumulating resources from '([^']+)': (.*)$/.exec(said) ?? [];
  const problem = inner === undefined ? said : `${from}: ${inner.replace(/': (must build at|recursed) .*$/, '')}`;
  const [, kind, object] = /strategic merge patch "(\w+)\.[^/"]*\/([^.["]+)/.exec(said) ?? [];
  const patch = object === undefined ? undefined : patchOf(texts, folder, `kind: ${kind}`, `name: ${object}`);
  if (patch !== undefined)
    return {
      ...place(texts, patch, `kind: ${kind}`),
      problem,
      hint: 'Correct its kind and name, or those of its target.',
    };
  const [, line, broken] = /\bline (\d+): .* in File: (\S+)/.exec(problem) ?? [];
  if (broken !== undefined && texts.has(inside(broken)))
    return { file: inside(broken), line: Number(line), column: 1, problem, hint: CORRECT };
  const [, own] = /invalid Kustomization: yaml: line (\d+):/.exec(said) ?? [];
  if (own !== undefined) return { file, line: Number(own), column: 1, problem, hint: CORRECT };
  const [, field] = /unknown field \\?"([^"\\]+)/.exec(said) ?? [];
  return { ...place(texts, file, from !== '' ? from : field === undefined ? '' : `${field}:`), problem, hint: CORRECT };
}

/** The file that speaks of an object, of those in a folder. */
function patchOf(texts: ReadonlyMap<string, string>, folder: string, ...words: readonly string[]): string | undefined {
  const found = [...texts].find(
    ([path, text]) => isBelow(path, folder === '.' ? '' : folder) && words.every((word) => text.includes(word)),
  );
  return found?.[0];
}

/** Where a file names something; its first line where it does not. */
function place(
  texts: ReadonlyMap<string, string>,
  file: string,
  name: string,
): Pick<RenderFailure, 'file' | 'line' | 'column'> {
  const lines = texts.get(file)?.split('\n') ?? [];
  const at = name === '' ? -1 : lines.findIndex((line) => line.includes(name));
  const column = at < 0 ? 0 : (lines[at]?.indexOf(name) ?? 0);
  return { file, line: Math.max(0, at) + 1, column: column + 1 };
}

export function renderProblem(
  { by }: Pick<Rendering, 'by'>,
  { file, line, column, problem, hint }: RenderFailure,
): Diagnostic {
  const code = 'render-failed';
  return {
    severity: diagnosticCodes[code],
    code,
    file,
    line,
    column,
    endLine: line,
    endColumn: column,
    message: `${by}: ${problem}`,
    hint,
  };
}
