import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Emit, EventName, EventPayload, Handlers, WorkspaceInfo } from '../shared/contract/contract.ts';
import type { Result } from '../shared/result/result.ts';
import { ok } from '../shared/result/result.ts';
import { createCurrentWorkspace } from './calls/current-workspace.ts';
import { gitCalls } from './calls/git-calls.ts';
import { kubeCalls } from './calls/kube-calls.ts';
import { workspaceCalls } from './calls/workspace-calls.ts';
import { reason } from './errors.ts';
import type { KubePort } from './kube/port.ts';
import { schemaFor } from './model/analyse.ts';
import { createLiveModel } from './model/live-model.ts';
import { createPreview } from './preview/preview.ts';
import type { StackPort } from './preview/stack-port.ts';
import { sampleAvailable } from './workspace/open-sample.ts';
import { openRecentWorkspaces } from './workspace/recent-workspaces.ts';

export interface ApplicationOptions {
  /** Of this user only: drafts, recent workspaces, copies of the sample. Made when missing. */
  readonly stateDir: string;
  /** `examples/petstore` of the installation. */
  readonly sampleDir: string;
  /** Opened before the application is given back; `opened` says how it went. */
  readonly initialDir?: string | undefined;
  readonly version: string;
  readonly shell: 'electron' | 'web';
  readonly stack: StackPort;
  readonly kube: KubePort;
  readonly log: Logger;
  /** Opens a page in the user's browser and answers whether it could; absent: the page opens it itself. */
  readonly openExternal?: ((url: string) => Promise<boolean>) | undefined;
}

export type EventListener = (...event: { [E in EventName]: [name: E, payload: EventPayload<E>] }[EventName]) => void;

/** The application without a shell: what can be called, and what it tells. */
export interface Application {
  readonly handlers: Handlers;
  /** How opening `initialDir` went; undefined when none was given. */
  readonly opened: Result<WorkspaceInfo> | undefined;
  /** Returns the function that stops listening. */
  onEvent(listener: EventListener): () => void;
  /** Ends preview, processes, watches and the connection to the cluster. Files are as they were saved; drafts stay. */
  close(): Promise<void>;
}

/** Nothing goes over the network, and no process but `git` runs, before a call asks for it. */
export async function createApplication(options: ApplicationOptions): Promise<Application> {
  const { stateDir, sampleDir, stack, kube, log } = options;
  await mkdir(stateDir, { recursive: true, mode: 0o700 });
  const warn = (message: string): void => log.warn(message);
  const listeners = new Set<EventListener>();
  const emit: Emit = (name, payload) => {
    // The pair is right by the signature of `emit`; a tuple of a generic name cannot say so.
    const event = [name, payload] as Parameters<EventListener>;
    for (const listener of listeners) listener(...event);
  };

  const recent = await openRecentWorkspaces(stateDir, warn);
  const model = createLiveModel(
    kube,
    (next) => emit('model', next),
    (error) => log.error({ err: error }, 'the manifests could not be analysed'),
  );
  const preview = createPreview({
    stack,
    drafts: () => current.get()?.workspace.drafts() ?? new Map(),
    onView: (view) => emit('preview', view),
    onTraffic: (exchanges) => emit('traffic', { exchanges: [...exchanges] }),
    warn,
  });
  const current = createCurrentWorkspace({
    stateDir,
    recent,
    warn,
    onGit: (status) => emit('git', status),
    onWorkspace: (workspace) => emit('workspace', { workspace }),
    onFiles: (files) => emit('files', files),
    onFileChanged: (change) => emit('fileChanged', change),
    onTexts: () => {
      model.textsChanged();
      preview.draftsChanged();
    },
    onOthers: (paths) => {
      model.othersChanged(paths);
      preview.draftsChanged();
    },
    onLeave: async () => {
      model.open(undefined);
      await preview.stop();
    },
    onEnter: (workspace) => model.open(workspace),
  });
  const stopKube = kube.onChange((what) => {
    if (what === 'state') emit('kube', kube.state());
  });

  const handlers: Handlers = {
    appInfo: async () =>
      ok({
        version: options.version,
        shell: options.shell,
        platform: process.platform,
        sampleAvailable: await sampleAvailable(sampleDir),
      }),
    appOpenExternal: async ({ url }) => {
      try {
        return ok({ opened: (await options.openExternal?.(url)) ?? false });
      } catch (error) {
        warn(`opening ${url}: ${reason(error)}`);
        return ok({ opened: false });
      }
    },
    ...workspaceCalls(current, recent, { sampleDir, stateDir, warn }),
    modelGet: async () => ok(model.current()),
    modelRendered: async ({ id }) => ok({ text: model.document(id)?.rendered?.text ?? null }),
    schemaGet: async () => ok(schemaFor(kube.liveCrds())),
    previewGet: async () => ok(preview.view()),
    previewStart: async () => {
      const open = current.need();
      return open.ok ? ok(await preview.start(open.value.workspace.dir)) : open;
    },
    previewStop: async () => ok(await preview.stop()),
    trafficList: ({ after, limit }, signal) => preview.trafficList(after, limit, signal),
    trafficGet: ({ id }, signal) => preview.trafficGet(id, signal),
    trafficClear: (_input, signal) => preview.trafficClear(signal),
    ...gitCalls(current),
    ...kubeCalls(kube, model, current),
  };

  const opened = options.initialDir === undefined ? undefined : await current.open(options.initialDir);
  return {
    handlers,
    opened,
    onEvent: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: async () => {
      stopKube();
      await current.close();
      model.close();
      const ended = await Promise.allSettled([preview.close(), kube.close()]);
      for (const one of ended)
        if (one.status === 'rejected') log.error({ err: one.reason as unknown }, 'not everything ended in order');
      listeners.clear();
    },
  };
}
