import { z } from 'zod';
import { exchange, exchangeList, previewStatus, exchangeSummary } from '../agent/api.ts';
import type { Result } from '../result/result.ts';

/**
 * Every call between the user interface and the application, and every event back. Both shells (Electron and web)
 * register from this object; the preload exposes exactly its names. Inputs and outputs are checked at the edge;
 * results cross, never exceptions.
 */

const objectRef = z.object({ apiVersion: z.string(), kind: z.string(), namespace: z.string(), name: z.string() });
const severity = z.enum(['error', 'warning', 'info']);

export const diagnostic = z.object({
  severity,
  code: z.string(),
  type: z.string().optional(),
  file: z.string(),
  line: z.number().int(),
  column: z.number().int(),
  endLine: z.number().int(),
  endColumn: z.number().int(),
  object: objectRef.optional(),
  path: z.string().optional(),
  message: z.string(),
  hint: z.string().optional(),
});

const graphNode = z.object({
  id: z.string(),
  role: z.enum([
    'visitor',
    'route',
    'api',
    'version',
    'service',
    'middleware',
    'auth',
    'plan',
    'subscription',
    'application',
    'secret',
    'other',
  ]),
  object: objectRef.optional(),
  kind: z.string(),
  title: z.string(),
  detail: z.string(),
  file: z.string().optional(),
  line: z.number().int().optional(),
  problem: severity.optional(),
  missing: z.boolean().optional(),
});
const graphEdge = z.object({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  field: z.string(),
  broken: z.boolean().optional(),
});

/** `file`: in files only; `cluster`: in the cluster only; `broken`: has an error. Without a cluster: `file` or `broken`. */
export const objectState = z.enum(['file', 'cluster', 'same', 'drifted', 'broken']);
export type ObjectState = z.infer<typeof objectState>;

export const modelObject = z.object({
  id: z.string(),
  ref: objectRef,
  /** Absent when in the cluster only. */
  file: z.string().optional(),
  line: z.number().int().optional(),
  endLine: z.number().int().optional(),
  state: objectState,
  /** How many fields differ, when `drifted`. */
  drift: z.number().int().optional(),
  /** What matters of it, by its kind; a value may have several lines. Absent when in the cluster only. */
  fields: z.array(z.object({ label: z.string(), value: z.string() })).optional(),
  /** Present when a program makes it of what lies in `dir` (`''`: the workspace); `file` and `line` lead to its source. */
  rendered: z.object({ by: z.enum(['kustomize', 'helm']), dir: z.string() }).optional(),
});
export type ModelObject = z.infer<typeof modelObject>;

/** Everything that is derived from the files (with unsaved buffers), once. */
export const model = z.object({
  revision: z.number().int(),
  objects: z.array(modelObject),
  diagnostics: z.array(diagnostic),
  graph: z.object({ nodes: z.array(graphNode), edges: z.array(graphEdge) }),
  /** Programs are at work on overlays or charts; what they made before stands meanwhile. */
  rendering: z.boolean(),
});
export type Model = z.infer<typeof model>;

export const fileEntry = z.object({
  path: z.string(),
  kind: z.enum(['file', 'folder']),
  bytes: z.number().int(),
  dirty: z.boolean(),
});
export type FileEntry = z.infer<typeof fileEntry>;

export const workspaceInfo = z.object({
  dir: z.string(),
  name: z.string(),
  namespace: z.string(),
  sample: z.boolean(),
});
export type WorkspaceInfo = z.infer<typeof workspaceInfo>;

export const fileContent = z.object({
  path: z.string(),
  /** As on disk. */
  text: z.string(),
  /** Changes whenever the file's bytes change; pass it back to `fileSave`. */
  version: z.string(),
  /** An unsaved buffer that a crash or a closed window left behind. */
  draft: z.object({ text: z.string(), baseVersion: z.string(), savedAt: z.string() }).optional(),
});
export type FileContent = z.infer<typeof fileContent>;

export const gitChange = z.object({
  path: z.string(),
  /** Old path of a rename. */
  from: z.string().optional(),
  status: z.enum(['added', 'modified', 'deleted', 'renamed', 'untracked', 'conflicted']),
});
export type GitChange = z.infer<typeof gitChange>;

export const gitStatus = z.object({
  /** `none`: the folder is not in a repository; `missing`: no `git` on this machine. */
  state: z.enum(['ready', 'none', 'missing']),
  branch: z.string().optional(),
  head: z.string().optional(),
  upstream: z.string().optional(),
  ahead: z.number().int(),
  behind: z.number().int(),
  changes: z.array(gitChange),
  message: z.string().optional(),
});
export type GitStatus = z.infer<typeof gitStatus>;

export const kubeContext = z.object({
  name: z.string(),
  cluster: z.string(),
  user: z.string(),
  namespace: z.string().optional(),
  server: z.string(),
});
export const kubeState = z.object({
  state: z.enum(['off', 'connecting', 'connected', 'failed']),
  context: z.string().optional(),
  serverVersion: z.string().optional(),
  /** Kinds that could not be read, with the server's words: the rest works. */
  unreadable: z.array(z.object({ kind: z.string(), reason: z.string() })),
  /** True when editor schemas come from the cluster's own CRDs. */
  liveSchemas: z.boolean(),
  error: z
    .object({ code: z.string(), message: z.string(), hint: z.string().optional(), detail: z.string().optional() })
    .optional(),
});
export type KubeState = z.infer<typeof kubeState>;
export const dryRunResult = z.object({
  object: objectRef,
  line: z.number().int(),
  verdict: z.enum(['accepted', 'refused', 'unchanged', 'unsupported']),
  /** The server's own words. */
  message: z.string(),
  causes: z.array(z.object({ type: z.string(), field: z.string(), message: z.string(), line: z.number().int() })),
});
export type DryRunResult = z.infer<typeof dryRunResult>;
export const driftField = z.object({
  path: z.string(),
  file: z.string().optional(),
  live: z.string().optional(),
  owner: z.string().optional(),
});

/** What the Preview button and the status bar show: the agent's status and that of the parts around it. */
export const previewView = previewStatus.extend({
  /** Process id and last error line of the agent. */
  agent: z.object({ running: z.boolean(), pid: z.number().int().optional(), lastError: z.string().optional() }),
});
export type PreviewView = z.infer<typeof previewView>;

const none = z.object({});
const done = z.object({});

export const calls = {
  appInfo: {
    input: none,
    output: z.object({
      version: z.string(),
      shell: z.enum(['electron', 'web']),
      platform: z.string(),
      sampleAvailable: z.boolean(),
    }),
  },
  /** Opens a web page of the preview or documentation in the user's browser; http and https only. The web shell answers `opened: false` and the page opens it itself. */
  appOpenExternal: {
    input: z.object({ url: z.url({ protocol: /^https?$/ }) }),
    output: z.object({ opened: z.boolean() }),
  },

  workspaceCurrent: {
    input: none,
    output: z.object({
      workspace: workspaceInfo.nullable(),
      recent: z.array(z.object({ dir: z.string(), name: z.string() })),
    }),
  },
  workspaceOpen: { input: z.object({ dir: z.string().min(1) }), output: workspaceInfo },
  /** Copies the sample into a folder of its own, as a Git repository, and opens it. */
  workspaceOpenSample: { input: none, output: workspaceInfo },
  workspaceClone: { input: z.object({ url: z.string().min(1), dir: z.string().min(1) }), output: workspaceInfo },
  /** Folders below a folder of the machine, for choosing one in the web shell. */
  workspaceBrowse: {
    input: z.object({ dir: z.string().optional() }),
    output: z.object({ dir: z.string(), parent: z.string().nullable(), folders: z.array(z.string()) }),
  },

  fileList: { input: none, output: z.object({ files: z.array(fileEntry) }) },
  fileRead: { input: z.object({ path: z.string() }), output: fileContent },
  /** Atomic. `baseVersion: null` makes a new file. Code `file-changed` when the disk has another version: the answer's `detail` is its text; pass its version to overwrite. */
  fileSave: {
    input: z.object({ path: z.string(), text: z.string(), baseVersion: z.string().nullable() }),
    output: z.object({ version: z.string() }),
  },
  /** Unsaved text: kept on disk beside the workspace's state, and used by model and preview. `null` drops it. */
  fileDraft: {
    input: z.object({ path: z.string(), text: z.string().nullable(), baseVersion: z.string() }),
    output: done,
  },
  fileRename: { input: z.object({ from: z.string(), to: z.string() }), output: done },
  fileDelete: { input: z.object({ path: z.string() }), output: done },

  modelGet: { input: none, output: model },
  /** What a program made: the text of one rendered object. `null`: there is none any more. */
  modelRendered: { input: z.object({ id: z.string() }), output: z.object({ text: z.string().nullable() }) },
  /** One JSON Schema for the editor: `allOf` of `if kind … then …`. */
  schemaGet: {
    input: none,
    output: z.object({ source: z.enum(['bundled', 'cluster']), schema: z.record(z.string(), z.unknown()) }),
  },

  previewGet: { input: none, output: previewView },
  previewStart: { input: none, output: previewView },
  previewStop: { input: none, output: previewView },
  trafficList: {
    input: z.object({ after: z.number().int().default(0), limit: z.number().int().max(1000).default(500) }),
    output: exchangeList,
  },
  trafficGet: { input: z.object({ id: z.string() }), output: exchange },
  trafficClear: { input: none, output: done },

  gitStatus: { input: none, output: gitStatus },
  gitInit: { input: none, output: gitStatus },
  /** Both sides of one change; `null` when it does not exist on that side. */
  gitDiff: {
    input: z.object({ path: z.string() }),
    output: z.object({ before: z.string().nullable(), after: z.string().nullable(), binary: z.boolean() }),
  },
  gitProposeMessage: { input: z.object({ paths: z.array(z.string()) }), output: z.object({ message: z.string() }) },
  /** Commits exactly these paths; a failed push leaves the commit and says so in `pushError`. */
  gitCommit: {
    input: z.object({
      paths: z.array(z.string()).min(1),
      message: z.string().min(1),
      signOff: z.boolean().default(false),
      push: z.boolean().default(false),
    }),
    output: z.object({
      sha: z.string(),
      pushed: z.boolean(),
      pushError: z
        .object({ message: z.string(), hint: z.string().optional(), detail: z.string().optional() })
        .optional(),
    }),
  },
  gitPush: { input: none, output: z.object({ pushed: z.boolean() }) },

  /** `messages`: why a kubeconfig file gave nothing, or only its last good state; each a sentence. */
  kubeContexts: {
    input: none,
    output: z.object({
      contexts: z.array(kubeContext),
      current: z.string().optional(),
      files: z.array(z.string()),
      messages: z.array(z.string()).optional(),
    }),
  },
  kubeState: { input: none, output: kubeState },
  kubeConnect: { input: z.object({ context: z.string() }), output: kubeState },
  kubeDisconnect: { input: none, output: kubeState },
  kubeDryRun: { input: z.object({ path: z.string() }), output: z.object({ results: z.array(dryRunResult) }) },
  kubeDrift: {
    input: z.object({ id: z.string() }),
    output: z.object({ file: z.string().nullable(), live: z.string().nullable(), fields: z.array(driftField) }),
  },
} as const satisfies Record<string, { input: z.ZodType; output: z.ZodType }>;

export const events = {
  workspace: z.object({ workspace: workspaceInfo.nullable() }),
  model,
  files: z.object({ files: z.array(fileEntry) }),
  /** A file changed on disk by another program. `version` is null when it is gone. */
  fileChanged: z.object({ path: z.string(), version: z.string().nullable() }),
  preview: previewView,
  traffic: z.object({ exchanges: z.array(exchangeSummary) }),
  git: gitStatus,
  kube: kubeState,
} as const satisfies Record<string, z.ZodType>;

export type Calls = typeof calls;
export type CallName = keyof Calls;
export type CallInput<N extends CallName> = z.input<Calls[N]['input']>;
export type CallOutput<N extends CallName> = z.output<Calls[N]['output']>;
export type EventName = keyof typeof events;
export type EventPayload<E extends EventName> = z.output<(typeof events)[E]>;

/** What the user interface is given, whatever the shell. */
export interface Bridge {
  call<N extends CallName>(name: N, input: CallInput<N>, signal?: AbortSignal): Promise<Result<CallOutput<N>>>;
  /** Returns the function that stops listening. */
  on<E extends EventName>(name: E, listener: (payload: EventPayload<E>) => void): () => void;
  /** Whether events arrive; the web shell's socket reconnects by itself. */
  onConnection(listener: (state: 'open' | 'lost') => void): () => void;
}

/** What the application's Node side implements, one function a call. */
export type Handlers = {
  readonly [N in CallName]: (input: z.output<Calls[N]['input']>, signal: AbortSignal) => Promise<Result<CallOutput<N>>>;
};
export type Emit = <E extends EventName>(name: E, payload: EventPayload<E>) => void;
