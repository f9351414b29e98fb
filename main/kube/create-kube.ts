import { homedir } from 'node:os';
import { stringify } from 'yaml';
import type { KubeState } from '../../shared/contract/contract.ts';
import { ok } from '../../shared/result/result.ts';
import type { Result } from '../../shared/result/result.ts';
import { resolveAccess } from './access.ts';
import { ApiClient } from './api-client.ts';
import { compare } from './compare.ts';
import { Connection } from './connection.ts';
import { dryRunDocument } from './dry-run.ts';
import { kubeFail } from './errors.ts';
import { kubeContexts, KubeconfigFiles, kubeconfigPaths } from './kubeconfig-files.ts';
import { inOrderOf, normalise } from './normalise.ts';
import { objectStates } from './object-states.ts';
import type { KubeObject, KubePort } from './port.ts';
import { withoutDefaults } from './without-defaults.ts';

export interface KubeOptions {
  /** Names the kubeconfig files and is what exec plugins see; default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly home?: string;
  /** Namespaces to read when the user may not list a kind in all; the context's own is always among them. */
  readonly namespaces?: () => readonly string[];
  /** Environment of exec plugins, asked once for each connection (the PATH of the user's login shell). */
  readonly execEnv?: () => Promise<Readonly<Record<string, string | undefined>>>;
  /** For one request, and for connecting. Default 15 s. */
  readonly requestTimeoutMs?: number;
  /** For an exec plugin, which may ask a person to log in. Default 60 s. */
  readonly execTimeoutMs?: number;
}

const REQUEST_TIMEOUT_MS = 15_000;
const EXEC_TIMEOUT_MS = 60_000;
const OFF: KubeState = { state: 'off', unreadable: [], liveSchemas: false };

/** The cluster side of the application. Reads files on `contexts` and `connect`; speaks to a server only after `connect`. */
export function createKube(options: KubeOptions = {}): KubePort {
  const env = options.env ?? process.env;
  const files = new KubeconfigFiles(kubeconfigPaths(env, options.home ?? homedir()));
  const listeners = new Set<(what: 'state' | 'objects') => void>();
  const emit = (what: 'state' | 'objects') => {
    for (const listener of listeners) listener(what);
  };
  /** At most one: the latest `connect` wins. */
  let current:
    | { readonly context: string; readonly stop: AbortController; connection?: Connection; opened: boolean }
    | undefined;
  let failed: KubeState | undefined;

  const state = (): KubeState => {
    if (!current) return failed ?? OFF;
    const { context, connection, opened } = current;
    if (!connection || !opened) return { ...OFF, state: 'connecting', context };
    return {
      // What was read stays usable while the server cannot be reached.
      state: connection.trouble ? 'connecting' : 'connected',
      context,
      serverVersion: connection.serverVersion,
      unreadable: [...connection.unreadable],
      liveSchemas: connection.crds.length > 0,
      ...(connection.trouble ? { error: connection.trouble } : {}),
    };
  };

  const leave = async () => {
    const leaving = current;
    current = undefined;
    failed = undefined;
    leaving?.stop.abort();
    await leaving?.connection?.close();
  };

  const connectionOf = () => (current?.opened ? current.connection : undefined);

  async function connect(context: string, signal?: AbortSignal): Promise<Result<KubeState>> {
    const closing = leave();
    const mine: NonNullable<typeof current> = { context, stop: new AbortController(), opened: false };
    current = mine;
    emit('state');
    await closing;
    const limit = AbortSignal.any([mine.stop.signal, ...(signal ? [signal] : [])]);
    const opened = await open(mine, limit);
    if (current !== mine) return kubeFail('kube-cancelled', `Connecting to ${context} was cancelled.`);
    if (opened.ok) {
      mine.opened = true;
      emit('state');
      emit('objects');
      return ok(state());
    }
    await leave();
    failed = { ...OFF, state: 'failed', context, error: opened.error };
    emit('state');
    return opened;
  }

  async function open(mine: NonNullable<typeof current>, signal: AbortSignal): Promise<Result<undefined>> {
    const read = await files.read();
    const access = await resolveAccess(read.config, mine.context, {
      env: (await options.execEnv?.()) ?? env,
      execTimeoutMs: options.execTimeoutMs ?? EXEC_TIMEOUT_MS,
    });
    if (!access.ok) return access;
    const client = new ApiClient(access.value, options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS);
    const connection = new Connection(client, {
      objects: () => current === mine && mine.opened && emit('objects'),
      state: () => current === mine && mine.opened && emit('state'),
    });
    mine.connection = connection;
    if (current !== mine) {
      await connection.close();
      return ok(undefined);
    }
    const namespaces = new Set([access.value.namespace ?? 'default', ...(options.namespaces?.() ?? [])]);
    const opened = await connection.open([...namespaces], signal);
    return opened.ok ? ok(undefined) : { ok: false, error: opened.error.failure };
  }

  return {
    async contexts() {
      return ok(kubeContexts(await files.read()));
    },
    state,
    connect,
    disconnect() {
      const wasOn = current !== undefined;
      void leave();
      emit('state');
      if (wasOn) emit('objects');
      return state();
    },
    objectStates(documents) {
      const connection = connectionOf();
      return connection ? objectStates(documents, connection.objects) : new Map();
    },
    live: (id) => connectionOf()?.objects.get(id),
    drift(id, document) {
      const connection = connectionOf();
      if (!connection) return notConnected();
      const live = connection.objects.get(id);
      if (!live && !document) return kubeFail('kube-object-unknown', `No object ${id} in the files or in the cluster.`);
      const file = document ? normalise(document.value) : undefined;
      const fields = document && live ? compare(document.value, live.object).fields : [];
      return ok({
        file: file ? yaml(file) : null,
        live: live
          ? yaml(inOrderOf(withoutDefaults(normalise(live.object), file ?? {}, connection.crds), file ?? {}))
          : null,
        fields,
      });
    },
    async dryRun(documents, signal) {
      const connection = connectionOf();
      if (!connection) return notConnected();
      const results = [];
      for (const document of documents) {
        const result = await dryRunDocument(connection.client, connection.discovery, document, signal);
        if (!result.ok) return result;
        results.push(result.value);
      }
      return ok(results);
    },
    liveCrds: (): readonly KubeObject[] => connectionOf()?.crds ?? [],
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      await leave();
    },
  };
}

function notConnected(): Result<never> {
  return kubeFail('kube-not-connected', 'No Kubernetes context is connected.');
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
