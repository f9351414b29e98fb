import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Diagnostic, SourceFile } from '../types.ts';
import { findRenderings, isBelow, type Rendering } from './find-renderings.ts';
import type { RenderedFolder } from './place-rendered.ts';
import { renderFailure, renderProblem, type RenderFailure } from './render-failure.ts';
import { fingerprint, inputsOf, type Unsaved } from './rendering-inputs.ts';
import { programFor, runProgram, type Ran } from './run-program.ts';
import { copyUnsaved } from './unsaved-copy.ts';
import { readBase, withBases } from './with-bases.ts';

const TIMEOUT_MS = 20_000;
/** For all of a workspace together; one program after the other. */
const ALL_TIMEOUT_MS = 120_000;
const MAX_RENDERINGS = 50;
/** Of all renderings of a workspace together; each may give a part of it. */
const MAX_ALL_OUTPUT = 64 * 1024 * 1024;
const NAME_THEM = 'Name those that matter in `manifests:` of adit.yaml.';

export interface RenderOptions {
  /** Of the workspace, absolute. */
  readonly root: string;
  /** Every text that is read as manifests, by path relative to the workspace; with unsaved ones in their place. */
  readonly files: readonly SourceFile[];
  readonly namespace: string;
  /** What programs see in the place of what is on disk. */
  readonly unsaved?: Unsaved | undefined;
  /** What was made of the same inputs before is not made again, and what fails keeps its last good text. */
  readonly memory?: RenderMemory | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface RenderResult {
  /** What is to be read as plain manifests. */
  readonly plain: readonly SourceFile[];
  readonly rendered: readonly RenderedFolder[];
  readonly problems: readonly Diagnostic[];
  /** Folders (with all below them) and files that programs read: when something there changes, render again. */
  readonly parts: readonly string[];
}

/** What programs made lately, by folder. Kept by those who render again and again, also of runs that were cancelled. */
export type RenderMemory = Map<string, Made>;

/** What a program made of inputs with this fingerprint; empty: not to be kept, as it may be otherwise the next time. */
interface Made {
  readonly fingerprint: string;
  readonly outcome: { readonly text: string } | RenderFailure;
  /** Of this or an earlier state. */
  readonly lastGood?: string | undefined;
}

/**
 * Renders overlays and charts by the user's own `kustomize`, `kubectl kustomize` and `helm template`. Where text is unsaved
 * they read a temporary copy, which has it. They get no cluster and no network; what they would fetch is refused. Rejects
 * when cancelled by `signal`.
 */
export async function renderFolders(options: RenderOptions): Promise<RenderResult> {
  const { files, unsaved = new Map(), memory = new Map<string, Made>(), env = process.env } = options;
  const root = await realpath(options.root);
  const sources = await withBases(files, (path) => readBase(root, path, unsaved));
  const { roots, taken, patches, sources: named } = findRenderings(sources);
  const given = new Set(files.map(({ path }) => path));
  const wanted = roots.filter(({ entry }) => given.has(entry));
  const texts = new Map(sources.map(({ path, text }) => [path, text]));

  const rendered: RenderedFolder[] = [];
  const problems: Diagnostic[] = [];
  let output = 0;
  const absent = new Map<Rendering['by'], Rendering[]>();
  const until = performance.now() + ALL_TIMEOUT_MS;
  for (const [index, rendering] of wanted.entries()) {
    options.signal?.throwIfAborted();
    const { by, dir, parts } = rendering;
    const program = await programFor(by, env);
    if (program === undefined && rendering.remote.length === 0) {
      absent.set(by, [...(absent.get(by) ?? []), rendering]);
      continue;
    }
    const timeoutMs = Math.min(TIMEOUT_MS, until - performance.now());
    const exceeded = boundExceeded(index, timeoutMs, output);
    if (exceeded !== undefined) {
      problems.push(renderProblem(rendering, failureAt(rendering, `not rendered: ${exceeded}`, NAME_THEM).outcome));
      break;
    }
    const one = await render(rendering, program ?? [], { ...options, root, unsaved, memory, env, timeoutMs }, texts);
    const lastGood = 'text' in one.outcome ? one.outcome.text : memory.get(dir)?.lastGood;
    memory.set(dir, { ...one, lastGood });
    if (!('text' in one.outcome)) problems.push(renderProblem(rendering, one.outcome));
    if (lastGood === undefined) continue;
    output += lastGood.length;
    const isSource = ({ path }: SourceFile): boolean => by === 'helm' || named.has(path);
    const own = sources.filter((file) => isSource(file) && parts.some((part) => isBelow(file.path, part)));
    rendered.push({
      ...rendering,
      text: lastGood,
      sources: own.filter(({ path }) => !patches.has(path)),
      patches: own.filter(({ path }) => patches.has(path)),
    });
  }
  const dirs = new Set(wanted.map(({ dir }) => dir));
  for (const dir of memory.keys()) if (!dirs.has(dir)) memory.delete(dir);
  for (const [by, all] of absent) problems.push(...absence(by, all));
  const allParts = [...new Set(wanted.flatMap(({ parts }) => parts))];
  return { plain: files.filter(({ path }) => !taken.has(path)), rendered, problems, parts: allParts };
}

/** Why this one and all after it are not rendered; undefined: nothing is in the way. */
function boundExceeded(index: number, leftMs: number, output: number): string | undefined {
  if (index >= MAX_RENDERINGS) return `there are more than ${MAX_RENDERINGS} overlays and charts`;
  if (leftMs <= 0) return `all overlays and charts together took longer than ${ALL_TIMEOUT_MS / 1000} s`;
  if (output <= MAX_ALL_OUTPUT) return undefined;
  return `all overlays and charts together give more than ${MAX_ALL_OUTPUT / 1024 / 1024} MiB`;
}

type RenderInside = RenderOptions & {
  readonly unsaved: Unsaved;
  readonly memory: RenderMemory;
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
  const { root, unsaved, memory, env, timeoutMs, signal } = options;
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
  const known = memory.get(dir);
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
    renderProblem(first, {
      file: first.entry,
      line: 1,
      column: 1,
      problem: `${them} not rendered${which}: ${why}`,
      hint,
    }),
  ];
}
