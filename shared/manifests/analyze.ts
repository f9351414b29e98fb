import type { GatewayConfig } from '../gateway/config.ts';
import { compile } from './compile/compile.ts';
import { graphOf } from './graph/graph.ts';
import { checkCustomRules, type CustomRules } from './lint/custom-rules.ts';
import { objectId } from './object-id.ts';
import { parseFile } from './parse.ts';
import { parseRendered, renderedHint, type RenderedFolder } from './render/place-rendered.ts';
import { resolve } from './resolve/resolve.ts';
import { bundledSchemas, type SchemaSet } from './schema/schema-set.ts';
import { TRAEFIK_DEFAULTS, type TraefikOptions } from './traefik-options.ts';
import type { Diagnostic, Graph, ManifestDocument, SourceFile } from './types.ts';
import { validateDocument } from './validate/validate.ts';

export interface AnalyzeOptions {
  /** Of objects that name none. */
  readonly namespace: string;
  /** Treat a missing `metadata.namespace` as the API machinery does, as an error, and not as `namespace`. */
  readonly strictNamespace?: boolean | undefined;
  /** Default: the bundled ones. */
  readonly schemas?: SchemaSet | undefined;
  /** What programs made of overlays and charts. */
  readonly rendered?: readonly RenderedFolder[] | undefined;
  /** What went wrong before the files were read. */
  readonly problems?: readonly Diagnostic[] | undefined;
  /** How the cluster's Traefik is configured; default: as Traefik comes. */
  readonly traefik?: TraefikOptions | undefined;
  /** The workspace's own; their findings are diagnostics like any other. */
  readonly customRules?: CustomRules | undefined;
  /** The analysis of an earlier state: files whose text is the same are not read again. */
  readonly previous?: Analysis | undefined;
}

/** All that is known of a set of files. */
export interface Analysis {
  readonly documents: readonly ManifestDocument[];
  /** By file, then by position. */
  readonly diagnostics: readonly Diagnostic[];
  readonly graph: Graph;
  readonly config: GatewayConfig;
  readonly traefik: TraefikOptions;
  /** Diagnostics of severity error. A configuration with errors should not replace one that serves. */
  readonly errors: number;
}

interface CheckedFile {
  readonly text: string;
  readonly documents: readonly ManifestDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

interface CheckedFolder {
  readonly folder: RenderedFolder;
  readonly documents: readonly ManifestDocument[];
  readonly diagnostics: readonly Diagnostic[];
}

interface Memory {
  readonly namespace: string;
  readonly strictNamespace: boolean;
  readonly schemas: SchemaSet;
  readonly files: ReadonlyMap<string, CheckedFile>;
  /** By entry. */
  readonly folders: ReadonlyMap<string, CheckedFolder>;
}

const memories = new WeakMap<Analysis, Memory>();

/** Reads, checks, resolves and compiles files. Pure: the same files give the same analysis, whatever came before. */
export function analyze(files: readonly SourceFile[], options: AnalyzeOptions): Analysis {
  const { namespace } = options;
  const strictNamespace = options.strictNamespace === true;
  const schemas = options.schemas ?? bundledSchemas();
  const remembered = options.previous === undefined ? undefined : memories.get(options.previous);
  const same =
    remembered?.namespace === namespace &&
    remembered.strictNamespace === strictNamespace &&
    remembered.schemas === schemas;
  const usable = same ? remembered : undefined;

  const checked = new Map<string, CheckedFile>();
  const documents: ManifestDocument[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const file of files) {
    const known = usable?.files.get(file.path);
    const entry = known?.text === file.text ? known : check(file, { namespace, strictNamespace, schemas });
    checked.set(file.path, entry);
    for (const document of entry.documents) documents.push(document);
    for (const diagnostic of entry.diagnostics) diagnostics.push(diagnostic);
  }

  const hints = new Map<string, string>();
  const folders = new Map<string, CheckedFolder>();
  for (const folder of options.rendered ?? []) {
    const known = usable?.folders.get(folder.entry);
    const entry =
      known !== undefined && isSameFolder(known.folder, folder)
        ? known
        : checkFolder(folder, { namespace, strictNamespace, schemas });
    folders.set(folder.entry, entry);
    for (const document of entry.documents) {
      documents.push(document);
      hints.set(document.id, renderedHint(folder));
    }
    for (const diagnostic of entry.diagnostics) diagnostics.push(diagnostic);
  }
  diagnostics.push(...(options.problems ?? []));

  const resolution = resolve(documents, options.traefik ?? TRAEFIK_DEFAULTS);
  const { config, diagnostics: compiled } = compile(resolution);
  for (const diagnostic of [...resolution.diagnostics, ...compiled]) diagnostics.push(diagnostic);
  if (options.customRules !== undefined) {
    for (const diagnostic of options.customRules.problems) diagnostics.push(diagnostic);
    for (const diagnostic of checkCustomRules(options.customRules, documents)) diagnostics.push(diagnostic);
  }
  if (hints.size > 0)
    for (const [at, diagnostic] of diagnostics.entries()) diagnostics[at] = withHint(diagnostic, hints);
  sortByPlace(diagnostics, files);

  const analysis: Analysis = {
    documents,
    diagnostics,
    graph: graphOf(resolution, diagnostics),
    config,
    traefik: resolution.traefik,
    errors: diagnostics.filter(({ severity }) => severity === 'error').length,
  };
  memories.set(analysis, { namespace, strictNamespace, schemas, files: checked, folders });
  return analysis;
}

/** By file in the order of the files, then by position. */
function sortByPlace(diagnostics: Diagnostic[], files: readonly SourceFile[]): void {
  if (diagnostics.length < 2) return;
  const order = new Map<string, number>();
  for (const [at, { path }] of files.entries()) order.set(path, at);
  const ordered = diagnostics.map((diagnostic) => ({ diagnostic, at: order.get(diagnostic.file) ?? -1 }));
  ordered.sort(
    ({ diagnostic: a, at: first }, { diagnostic: b, at: second }) =>
      first - second ||
      // Of files that are not among those given, such as `adit.yaml` and sources of overlays.
      (first >= 0 || a.file === b.file ? 0 : a.file < b.file ? -1 : 1) ||
      a.line - b.line ||
      a.column - b.column,
  );
  for (const [at, { diagnostic }] of ordered.entries()) diagnostics[at] = diagnostic;
}

function withHint(diagnostic: Diagnostic, hints: ReadonlyMap<string, string>): Diagnostic {
  const more = diagnostic.object === undefined ? undefined : hints.get(objectId(diagnostic.object));
  if (more === undefined) return diagnostic;
  return { ...diagnostic, hint: diagnostic.hint === undefined ? more : `${diagnostic.hint} ${more}` };
}

type CheckOptions = Omit<Memory, 'files' | 'folders'>;

function check(file: SourceFile, options: CheckOptions): CheckedFile {
  const { documents, diagnostics } = parseFile(file, options.namespace);
  return {
    text: file.text,
    documents,
    diagnostics: [
      ...diagnostics,
      ...documents.flatMap((document) => validateDocument(document, options.schemas, options)),
    ],
  };
}

function checkFolder(folder: RenderedFolder, options: CheckOptions): CheckedFolder {
  const { documents, diagnostics } = parseRendered(folder, options.namespace);
  return {
    folder,
    documents,
    diagnostics: [
      ...diagnostics,
      ...documents.flatMap((document) => validateDocument(document, options.schemas, options)),
    ],
  };
}

/** The same text of the same sources: so are the objects and where they stand. */
function isSameFolder(a: RenderedFolder, b: RenderedFolder): boolean {
  const areSame = (some: readonly SourceFile[], others: readonly SourceFile[]): boolean =>
    some.length === others.length &&
    some.every(({ path, text }, at) => path === others[at]?.path && text === others[at].text);
  return (
    a.by === b.by &&
    a.dir === b.dir &&
    a.text === b.text &&
    areSame(a.sources, b.sources) &&
    areSame(a.patches, b.patches)
  );
}
