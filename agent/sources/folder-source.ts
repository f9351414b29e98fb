import { opendir, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Logger } from 'pino';
import { accept, analyze, readCustomRules, type Accepted, type Analysis } from '../../shared/manifests/index.ts';
import { isBelow, isRenderingEntry } from '../../shared/manifests/render/find-renderings.ts';
import type { RenderMemory, RenderResult } from '../../shared/manifests/render/run-renderer.ts';
import type { SourceFile } from '../../shared/manifests/types.ts';
import { WORKSPACE_CONFIG_FILE, type WorkspaceConfig } from '../../shared/workspace/adit-yaml.ts';
import { parseWorkspaceConfig } from '../../shared/workspace/parse-config.ts';
import { AgentError } from '../errors.ts';
import { FolderFiles } from './folder-files.ts';
import { resolveUpstreams } from './resolve-upstreams.ts';
import { isRead } from './read-folder.ts';
import { hostLabel, type OnUpdate, type Source } from './source.ts';

export interface FolderSourceOptions {
  readonly dir: string;
  /** Base URL by Service; comes before `adit.yaml` and the manifests. */
  readonly upstreams: Readonly<Record<string, string>>;
  readonly onUpdate: OnUpdate;
  readonly log: Logger;
  readonly sweepMs?: number;
}

/** Buffers are kept by the application; a preview takes as many as a person could have open. */
const MAX_OVERLAYS = 1000;

/** A workspace folder: its manifests, with unsaved buffers in the place of files, compiled at every change. */
export class FolderSource implements Source {
  #options: FolderSourceOptions;
  #dir: string;
  #files: FolderFiles;
  #overlay: ReadonlyMap<string, string | null> = new Map();
  #name: string;
  #started = false;
  /** Of the last texts: what did not change is not read again. */
  #analysis: Analysis | undefined;
  #accepted: Accepted | undefined;
  /** What programs made of overlays and charts of the last texts, and the call that is under way. */
  #rendered: RenderResult | undefined;
  #memory: RenderMemory = new Map();
  #rendering: AbortController | undefined;

  constructor(options: FolderSourceOptions) {
    this.#options = options;
    this.#dir = resolve(options.dir);
    this.#name = hostLabel(basename(this.#dir));
    const onTrouble = (message: string): void => options.log.warn({ dir: this.#dir }, message);
    const sweep = options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs };
    this.#files = new FolderFiles({
      root: this.#dir,
      onChange: () => void this.#refresh(),
      onOthers: (paths) => this.#othersChanged(paths),
      onTrouble,
      ...sweep,
    });
  }

  get name(): string {
    return this.#name;
  }

  async start(): Promise<void> {
    const refuse = (error: unknown): never => {
      const reason = error instanceof Error ? error.message : String(error);
      throw new AgentError('workspace-unreadable', `${this.#dir}: ${reason}.`, { cause: error });
    };
    const info = await stat(this.#dir).catch(refuse);
    if (!info.isDirectory()) throw new AgentError('workspace-unreadable', `${this.#dir} is not a folder.`);
    // Later it may come and go; a preview of what may not be read at all would be an empty one.
    await opendir(this.#dir).then((opened) => opened.close(), refuse);
    await this.#files.start();
    this.#started = true;
    await this.#refresh();
  }

  overlay(files: Readonly<Record<string, string | null>>): void {
    const entries = Object.entries(files);
    if (entries.length > MAX_OVERLAYS)
      throw new AgentError('api-input', `There are more than ${MAX_OVERLAYS} unsaved buffers.`);
    const before = this.#overlay;
    this.#overlay = new Map(entries);
    const same = entries.length === before.size && entries.every(([path, text]) => before.get(path) === text);
    if (this.#started && !same) void this.#refresh();
  }

  close(): Promise<void> {
    this.#rendering?.abort();
    this.#started = false;
    return this.#files.close();
  }

  /** Compiles, at once where nothing is rendered; else when the programs are done. A newer state cancels them. */
  async #refresh(): Promise<void> {
    this.#rendering?.abort();
    this.#rendering = undefined;
    const texts = this.#texts();
    if (![...texts.keys()].some(isRenderingEntry)) {
      this.#rendered = undefined;
      this.#compile();
      return;
    }
    const rendering = new AbortController();
    this.#rendering = rendering;
    try {
      const { config } = parseWorkspaceConfig(texts.get(WORKSPACE_CONFIG_FILE) ?? '');
      const { renderFolders } = await import('../../shared/manifests/render/run-renderer.ts');
      const files = manifestsOf(texts, config);
      const { signal } = rendering;
      const { namespace } = config;
      const [unsaved, memory] = [this.#overlay, this.#memory];
      this.#rendered = await renderFolders({ root: this.#dir, files, namespace, unsaved, memory, signal });
      if (this.#rendering === rendering && this.#started) this.#compile();
    } catch (error) {
      if (!rendering.signal.aborted) this.#options.log.warn({ dir: this.#dir, err: error }, 'rendering failed');
    }
  }

  #othersChanged(paths: readonly string[]): void {
    const parts = this.#rendered?.parts ?? [];
    if (paths.some((path) => parts.some((part) => isBelow(path, part)))) void this.#refresh();
  }

  #texts(): Map<string, string> {
    const texts = new Map(this.#files.texts);
    for (const [path, text] of this.#overlay) {
      // Templates that are unsaved are for the programs alone.
      if (!isRead(path)) continue;
      if (text === null) texts.delete(path);
      else texts.set(path, text);
    }
    return texts;
  }

  #compile(): void {
    const begun = performance.now();
    const texts = this.#texts();
    const configText = texts.get(WORKSPACE_CONFIG_FILE) ?? '';
    const { config: workspace, problems } = parseWorkspaceConfig(configText);
    const [problem] = problems;
    if (problem !== undefined) {
      const { file, line, path, message } = problem;
      const field = path === '' ? '' : `${path}: `;
      this.#options.onUpdate({
        kind: 'refused',
        errors: problems.length,
        message: `${file}:${line}: ${field}${message}`,
      });
      return;
    }
    this.#name = workspace.name ?? hostLabel(basename(this.#dir));
    const files = this.#rendered?.plain ?? manifestsOf(texts, workspace);
    const customRules = readCustomRules(workspace.lint.custom, configText);
    this.#analysis = analyze(files, {
      namespace: workspace.namespace,
      traefik: workspace.traefik,
      customRules,
      rendered: this.#rendered?.rendered,
      problems: this.#rendered?.problems,
      previous: this.#analysis,
    });
    const { diagnostics, errors: count } = this.#analysis;
    const error = diagnostics.find(({ severity }) => severity === 'error');
    const first = error === undefined ? undefined : `${error.file}:${error.line}: ${error.message}`;
    const accepted = accept(this.#analysis, this.#accepted);
    const { config } = accepted;
    if (first !== undefined && this.#accepted === undefined && config.routes.length === 0) {
      this.#options.onUpdate({ kind: 'refused', errors: count, message: first });
      return;
    }
    this.#accepted = accepted;
    const places = [this.#options.upstreams, urlsOf(workspace)];
    const upstreams = resolveUpstreams(config, places, workspace.namespace);
    const tookMs = performance.now() - begun;
    this.#options.onUpdate({
      kind: 'config',
      config,
      upstreams,
      tookMs,
      limits: workspace.limits,
      observe: workspace.observe,
      ...(first === undefined ? {} : { errors: { count, first } }),
    });
  }
}

function manifestsOf(texts: ReadonlyMap<string, string>, { manifests }: WorkspaceConfig): SourceFile[] {
  const wanted = manifests?.map((entry) => entry.replace(/^\.\//, '').replace(/\/$/, ''));
  const files: SourceFile[] = [];
  for (const [path, text] of texts) {
    if (path === WORKSPACE_CONFIG_FILE) continue;
    const listed = wanted?.some(
      (entry) => entry === '' || entry === '.' || path === entry || path.startsWith(`${entry}/`),
    );
    if (listed !== false) files.push({ path, text });
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function urlsOf({ upstreams }: WorkspaceConfig): Record<string, string> {
  const urls: Record<string, string> = {};
  for (const [name, upstream] of Object.entries(upstreams)) if ('url' in upstream) urls[name] = upstream.url;
  return urls;
}
