import { readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { diagnosticCodes } from '../errors.ts';
import type { Diagnostic, SourceFile } from '../types.ts';
import { findRenderings, isBelow, isRenderingEntry, type Rendering } from './find-renderings.ts';
import type { RenderedFolder } from './place-rendered.ts';
import { renderFailure, type RenderFailure } from './render-failure.ts';
import { fingerprint, inputsOf, type Unsaved } from './rendering-inputs.ts';
import { programFor, runProgram, type Ran } from './run-program.ts';
import { copyUnsaved } from './unsaved-copy.ts';

const TIMEOUT_MS = 20_000;
/** For all of a workspace together; one program after the other. */
const ALL_TIMEOUT_MS = 120_000;
const MAX_RENDERINGS = 50;
/** Bases that lie outside of what is read as manifests. */
const MAX_BEYOND = 500;
const MAX_SOURCE_BYTES = 2 * 1024 * 1024;

export interface RenderOptions {
  /** Of the workspace, absolute. */
  readonly root: string;
  /** Every text that is read as manifests, by path relative to the workspace; with unsaved ones in their place. */
  readonly files: readonly SourceFile[];
  readonly namespace: string;
  /** What programs see in the place of what is on disk. */
  readonly unsaved?: Unsaved | undefined;
  /** Of an earlier state: what was made of the same inputs is not made again. */
  readonly previous?: RenderResult | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface RenderResult {
  /** What is to be read as plain manifests. */
  readonly plain: readonly SourceFile[];
  readonly rendered: readonly RenderedFolder[];
  readonly problems: readonly Diagnostic[];
  /** By folder, for the next time. */
  readonly made: ReadonlyMap<string, Made>;
}

/** What a program made of inputs with this fingerprint. */
interface Made {
  readonly fingerprint: string;
  readonly outcome: { readonly text: string } | RenderFailure;
}

/**
 * Renders overlays and charts by the user's own `kustomize`, `kubectl kustomize` and `helm template`. Where text is unsaved
 * they read a temporary copy, which has it. They get no cluster and no network; what they would fetch is refused. Rejects
 * when cancelled by `signal`.
 */
export async function renderFolders(options: RenderOptions): Promise<RenderResult> {
  const { files, unsaved = new Map(), env = process.env } = options;
  const root = await realpath(options.root);
  const sources = await withBases(root, files, unsaved);
  const { roots, taken, patches } = findRenderings(sources);
  const given = new Set(files.map(({ path }) => path));
  const wanted = roots.filter(({ entry }) => given.has(entry));
  const texts = new Map(sources.map(({ path, text }) => [path, text]));

  const rendered: RenderedFolder[] = [];
  const problems: Diagnostic[] = [];
  const made = new Map<string, Made>();
  const absent = new Map<Rendering['by'], Rendering[]>();
  const until = performance.now() + ALL_TIMEOUT_MS;
  for (const [at, rendering] of wanted.entries()) {
    options.signal?.throwIfAborted();
    const { by, dir, parts } = rendering;
    const program = await programFor(by, env);
    if (program === undefined && rendering.remote.length === 0) {
      absent.set(by, [...(absent.get(by) ?? []), rendering]);
      continue;
    }
    const timeoutMs = Math.min(TIMEOUT_MS, until - performance.now());
    const one =
      at >= MAX_RENDERINGS
        ? failureAt(
            rendering,
            `there are more than ${MAX_RENDERINGS} overlays and charts`,
            'Name those that matter in `manifests:` of adit.yaml.',
          )
        : timeoutMs <= 0
          ? failureAt(
              rendering,
              `all overlays and charts together took longer than ${ALL_TIMEOUT_MS / 1000} s`,
              'Name those that matter in `manifests:` of adit.yaml.',
            )
          : await render(rendering, program ?? [], { ...options, root, unsaved, env, timeoutMs }, texts);
    if ('fingerprint' in one && one.fingerprint !== '') made.set(dir, one);
    const { outcome } = one;
    if ('text' in outcome) {
      const own = sources.filter(
        ({ path }) => taken.has(path) && !patches.has(path) && parts.some((part) => isBelow(path, part)),
      );
      rendered.push({ ...rendering, text: outcome.text, sources: own });
    } else problems.push(problemOf(rendering, outcome));
  }
  for (const [by, all] of absent) problems.push(...absence(by, all));
  return { plain: files.filter(({ path }) => !taken.has(path)), rendered, problems, made };
}

type RenderInside = RenderOptions & {
  readonly unsaved: Unsaved;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
};

async function render(
  rendering: Rendering,
  program: readonly string[],
  options: RenderInside,
  texts: ReadonlyMap<string, string>,
): Promise<Made> {
  const { by, dir, remote } = rendering;
  const { root, unsaved, env, timeoutMs, signal } = options;
  if (remote.length > 0)
    return failureAt(
      rendering,
      `it names what is elsewhere, and nothing is fetched: ${remote.join(', ')}`,
      'Keep a copy of it in the workspace.',
    );
  const inputs = await inputsOf(root, rendering, unsaved);
  if (inputs === undefined)
    return failureAt(rendering, 'it is made of too many files', 'Move what it does not need out of its folder.');
  const [command = '', ...verb] = program;
  const args = (folder: string): string[] =>
    by === 'helm' ? [...verb, releaseOf(dir), folder, '--namespace', options.namespace] : [...verb, folder];
  const print = fingerprint(inputs, [command, ...args(dir)]);
  const known = options.previous?.made.get(dir);
  if (known?.fingerprint === print) return known;

  const isUnsaved =
    inputs.some(({ path }) => unsaved.has(path)) ||
    [...unsaved].some(([path, text]) => text === null && rendering.parts.some((part) => isBelow(path, part)));
  const copy = isUnsaved ? await copyUnsaved(root, inputs, unsaved, signal) : undefined;
  if (isUnsaved && copy === undefined)
    return failureAt(
      rendering,
      'its folders are too large to be copied for what is unsaved',
      'Save the files, or move what it does not need out of its folder.',
    );
  const place = copy?.root ?? root;
  let ran: Ran;
  try {
    ran = await runProgram(command, args(join(place, dir)), { env, timeoutMs, signal });
  } finally {
    await copy?.remove();
  }
  if ('text' in ran) return { fingerprint: print, outcome: ran };
  const said = ran.words === undefined ? undefined : renderFailure(rendering, ran.words, place, texts);
  const failure = said ?? failureAt(rendering, ran.problem, 'Run the program by hand to see more.').outcome;
  return { fingerprint: ran.final ? print : '', outcome: failure };
}

/** The given files, and what kustomizations among them name elsewhere below or beside the workspace. */
async function withBases(root: string, files: readonly SourceFile[], unsaved: Unsaved): Promise<SourceFile[]> {
  const all = [...files];
  const tried = new Set<string>();
  for (;;) {
    const next = findRenderings(all).beyond.filter((path) => !tried.has(path));
    if (next.length === 0 || tried.size > MAX_BEYOND) return all;
    for (const path of next) {
      tried.add(path);
      all.push(...(await readBase(root, path, unsaved)));
    }
  }
}

/** A file, or the YAML files of a folder that has a kustomization. */
async function readBase(root: string, path: string, unsaved: Unsaved): Promise<SourceFile[]> {
  const own = await readSource(root, path, unsaved);
  if (own !== undefined) return [own];
  const names = await readdir(join(root, path)).catch(() => []);
  const inside = names
    .map((name) => (path === '' ? name : `${path}/${name}`))
    .filter((name) => isRenderingEntry(name) || /\.ya?ml$/i.test(name));
  if (!inside.some(isRenderingEntry)) return [];
  const read = await Promise.all(inside.slice(0, MAX_BEYOND).map((name) => readSource(root, name, unsaved)));
  return read.filter((file) => file !== undefined);
}

async function readSource(root: string, path: string, unsaved: Unsaved): Promise<SourceFile | undefined> {
  const text = unsaved.get(path) ?? (await readFile(join(root, path), 'utf8').catch(() => undefined));
  // Only positions come from it: what cannot be read is for the program to refuse.
  return text === undefined || text.length > MAX_SOURCE_BYTES ? undefined : { path, text };
}

function releaseOf(dir: string): string {
  const name = (dir.split('/').at(-1) ?? '').toLowerCase().replaceAll(/[^a-z0-9-]+/g, '-');
  return name.replaceAll(/^-+|-+$/g, '').slice(0, 40) || 'release';
}

function failureAt({ entry }: Rendering, problem: string, hint: string): Made & { readonly outcome: RenderFailure } {
  return { fingerprint: '', outcome: { file: entry, line: 1, column: 1, problem, hint } };
}

/** Said once for all overlays, or charts, of a workspace. */
function absence(by: Rendering['by'], all: readonly Rendering[]): Diagnostic[] {
  const [first] = all;
  if (first === undefined) return [];
  const what = by === 'helm' ? 'Helm chart' : 'Kustomize overlay';
  const them = all.length === 1 ? `a ${what} is` : `${all.length} ${what}s are`;
  const why = by === 'helm' ? 'there is no helm on PATH' : 'there is neither kustomize nor kubectl on PATH';
  const which =
    all.length === 1
      ? ''
      : ` (${all
          .slice(0, 5)
          .map(({ dir }) => dir || 'this folder')
          .join(', ')}${all.length > 5 ? ', …' : ''})`;
  const hint = by === 'helm' ? 'Install helm.' : 'Install kubectl or kustomize.';
  return [
    problemOf(first, { file: first.entry, line: 1, column: 1, problem: `${them} not rendered${which}: ${why}`, hint }),
  ];
}

function problemOf({ by }: Rendering, { file, line, column, problem, hint }: RenderFailure): Diagnostic {
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
