import {
  findRenderings,
  isBelow,
  isRenderingEntry,
  type Renderings,
} from '../../shared/manifests/render/find-renderings.ts';
import type { RenderedFolder } from '../../shared/manifests/render/place-rendered.ts';
import { renderFolders, type RenderMemory, type RenderResult } from '../../shared/manifests/render/run-renderer.ts';
import type { Diagnostic, SourceFile } from '../../shared/manifests/types.ts';

/** Programs start when nothing of theirs was typed for this long. */
const SETTLE_MS = 200;

/** What overlays and charts are made of. */
export interface RenderState {
  /** Of the workspace, absolute. */
  readonly root: string;
  readonly files: readonly SourceFile[];
  readonly namespace: string;
  readonly unsaved: ReadonlyMap<string, string>;
}

export interface Rendered {
  readonly plain: readonly SourceFile[];
  readonly rendered: readonly RenderedFolder[];
  readonly problems: readonly Diagnostic[];
  /** Whether programs are at work, so that this is of an earlier state. */
  readonly busy: boolean;
}

/** Overlays and charts of the open workspace, rendered beside everything else. */
export interface LiveRenderings {
  /** What is known now. Where the state is another than before for programs, they begin, and `onDone` says when they end. */
  of(state: RenderState): Rendered;
  /** Whether something is rendered from one of these paths; if so, what they are made of is another. */
  othersChanged(paths: readonly string[]): boolean;
  /** Another workspace, or none. */
  reset(): void;
}

export function createLiveRenderings(onDone: () => void, onFault: (error: unknown) => void): LiveRenderings {
  let memory: RenderMemory = new Map();
  let known: RenderResult | undefined;
  let wanted: RenderState | undefined;
  let found: Renderings | undefined;
  let running: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;

  const cancel = (): void => {
    clearTimeout(timer);
    timer = undefined;
    running?.abort();
    running = undefined;
  };
  const run = async (state: RenderState): Promise<void> => {
    const own = new AbortController();
    running = own;
    try {
      const result = await renderFolders({ ...state, memory, signal: own.signal });
      if (running !== own) return;
      known = result;
      running = undefined;
      onDone();
    } catch (error) {
      // Cancelled by a newer state, whose turn it is now.
      if (own.signal.aborted) return;
      running = undefined;
      onFault(error);
    }
  };
  const begin = (state: RenderState): void => {
    cancel();
    // What was just opened has nothing that could stand meanwhile.
    timer = setTimeout(
      () => {
        timer = undefined;
        void run(state);
      },
      known === undefined ? 0 : SETTLE_MS,
    );
  };
  const reset = (): void => {
    cancel();
    [known, wanted, found] = [undefined, undefined, undefined];
    memory = new Map();
  };

  return {
    of: (state) => {
      if (!state.files.some(({ path }) => isRenderingEntry(path))) {
        if (wanted !== undefined) reset();
        return { plain: state.files, rendered: [], problems: [], busy: false };
      }
      if (found === undefined || wanted === undefined || !isSameLayout(wanted.files, state.files))
        found = findRenderings(state.files);
      const parts = [...new Set([...found.roots.flatMap((root) => root.parts), ...(known?.parts ?? [])])];
      if (wanted === undefined || !isSameFor(parts, wanted, state)) begin(state);
      wanted = state;
      const { taken } = found;
      return {
        plain: state.files.filter(({ path }) => !taken.has(path)),
        ...atPresent(known, state),
        busy: timer !== undefined || running !== undefined,
      };
    },
    othersChanged: (paths) => {
      const parts = [...(found?.roots.flatMap((root) => root.parts) ?? []), ...(known?.parts ?? [])];
      if (wanted === undefined || !paths.some((path) => parts.some((part) => isBelow(path, part)))) return false;
      begin(wanted);
      return true;
    },
    reset,
  };
}

/** What was made last, at the places of the sources as they are now. */
function atPresent(known: RenderResult | undefined, { files }: RenderState): Pick<Rendered, 'rendered' | 'problems'> {
  if (known === undefined) return { rendered: [], problems: [] };
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  const now = (sources: readonly SourceFile[]): SourceFile[] =>
    sources.map(({ path, text }) => ({ path, text: texts.get(path) ?? text }));
  return {
    rendered: known.rendered
      .filter(({ entry }) => texts.has(entry))
      .map((folder) => ({ ...folder, sources: now(folder.sources), patches: now(folder.patches) })),
    problems: known.problems,
  };
}

/** The same files, of which those that say what is rendered say the same. */
function isSameLayout(before: readonly SourceFile[], now: readonly SourceFile[]): boolean {
  return (
    before.length === now.length &&
    before.every(({ path, text }, at) => {
      const other = now[at];
      return other?.path === path && (other.text === text || !isRenderingEntry(path));
    })
  );
}

function isSameFor(parts: readonly string[], before: RenderState, now: RenderState): boolean {
  const belongs = (path: string): boolean => parts.some((part) => isBelow(path, part));
  const textsOf = ({ files, unsaved }: RenderState): (readonly [string, string])[] => [
    ...files.filter(({ path }) => belongs(path)).map(({ path, text }) => [path, text] as const),
    ...[...unsaved].filter(([path]) => belongs(path)),
  ];
  if (before.root !== now.root || before.namespace !== now.namespace) return false;
  const [was, is] = [textsOf(before), textsOf(now)];
  return was.length === is.length && was.every(([path, text], at) => path === is[at]?.[0] && text === is[at][1]);
}
