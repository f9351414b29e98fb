import type { Model } from '../../shared/contract/contract.ts';
import type { Analysis } from '../../shared/manifests/index.ts';
import type { Diagnostic, ManifestDocument } from '../../shared/manifests/types.ts';
import type { KubePort } from '../kube/port.ts';
import type { WorkspaceConfigView } from '../workspace/workspace.ts';
import { analyse } from './analyse.ts';
import { createLiveRenderings } from './live-renderings.ts';
import { joinStates } from './join-states.ts';
import { selectManifests } from './select-manifests.ts';

/** Typing settles for this long before the files are looked at, but never waits longer than the second. */
const SETTLE_MS = 40;
const LATEST_MS = 250;

export interface ModelSource {
  /** Of the workspace, absolute. */
  readonly dir: string;
  /** Texts with unsaved buffers over them. */
  texts(): ReadonlyMap<string, string>;
  config(): WorkspaceConfigView;
  /** Unsaved buffers of any file. */
  drafts(): ReadonlyMap<string, { readonly text: string }>;
}

export interface LiveModel {
  /** As the texts are now; works off what is waiting first. */
  current(): Model;
  /** Documents of one file, in their order. */
  documentsOf(file: string): readonly ManifestDocument[];
  document(id: string): ManifestDocument | undefined;
  /** Another source, as when another workspace is opened; undefined: none. */
  open(source: ModelSource | undefined): void;
  /** Tell that a text or the configuration changed. */
  textsChanged(): void;
  /** Tell that files which hold no manifests, or drafts of them, changed. */
  othersChanged(paths: readonly string[]): void;
  close(): void;
}

/** The model of the open workspace, worked out soon after a change and told to `onModel`. */
export function createLiveModel(
  kube: Pick<KubePort, 'objectStates' | 'liveCrds' | 'onChange'>,
  onModel: (model: Model) => void,
  onFault: (error: unknown) => void,
): LiveModel {
  let source: ModelSource | undefined;
  let analysis: Analysis | undefined;
  let configProblems: readonly Diagnostic[] = [];
  let rendering = false;
  let model: Model = { revision: 0, objects: [], diagnostics: [], graph: { nodes: [], edges: [] }, rendering };
  /** What has to be done again: everything, or only the states of the cluster. */
  let stale: 'no' | 'states' | 'texts' = 'no';
  let timer: NodeJS.Timeout | undefined;
  let since = 0;

  const work = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (stale === 'no') return;
    if (stale === 'texts') {
      const view = source?.config();
      configProblems = view?.diagnostics ?? [];
      analysis = source === undefined || view === undefined ? undefined : analyseNow(source, view);
    }
    stale = 'no';
    const { documents = [], diagnostics = [], graph } = analysis ?? {};
    model = {
      revision: model.revision + 1,
      // Without a workspace there is nothing to compare a cluster with.
      objects: source === undefined ? [] : joinStates(documents, diagnostics, kube.objectStates(documents)),
      diagnostics: [...configProblems, ...diagnostics],
      graph: { nodes: [...(graph?.nodes ?? [])], edges: [...(graph?.edges ?? [])] },
      rendering,
    };
    onModel(model);
  };
  const analyseNow = (from: ModelSource, { config, customRules }: WorkspaceConfigView): Analysis => {
    const { namespace, traefik } = config;
    const { plain, rendered, problems, busy } = renderings.of({
      root: from.dir,
      files: selectManifests(from.texts(), config.manifests),
      namespace,
      unsaved: new Map([...from.drafts()].map(([file, { text }]) => [file, text])),
    });
    rendering = busy;
    return analyse(plain, {
      namespace,
      traefik,
      crds: kube.liveCrds(),
      customRules,
      previous: analysis,
      rendered,
      problems,
    });
  };
  const workSafely = (): void => {
    try {
      work();
    } catch (error) {
      // The next change tries again; the last good model stays.
      stale = 'no';
      onFault(error);
    }
  };
  const plan = (what: 'states' | 'texts'): void => {
    if (stale !== 'texts') stale = what;
    const now = performance.now();
    if (timer === undefined) since = now;
    clearTimeout(timer);
    timer = setTimeout(workSafely, Math.max(0, Math.min(SETTLE_MS, since + LATEST_MS - now)));
  };
  const renderings = createLiveRenderings(() => plan('texts'), onFault);
  const unsubscribe = kube.onChange((what) => plan(what === 'state' ? 'texts' : 'states'));

  return {
    current: () => {
      workSafely();
      return model;
    },
    documentsOf: (file) => {
      workSafely();
      return (analysis?.documents ?? [])
        .filter((document) => document.file === file)
        .toSorted((a, b) => a.index - b.index);
    },
    document: (id) => {
      workSafely();
      return analysis?.documents.find((document) => document.id === id);
    },
    open: (next) => {
      source = next;
      analysis = undefined;
      rendering = false;
      renderings.reset();
      plan('texts');
    },
    textsChanged: () => plan('texts'),
    othersChanged: (paths) => {
      if (renderings.othersChanged(paths)) plan('texts');
    },
    close: () => {
      renderings.reset();
      clearTimeout(timer);
      unsubscribe();
    },
  };
}
