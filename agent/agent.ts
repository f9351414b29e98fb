import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { PreviewRequest, PreviewStatus } from '../shared/agent/api.ts';
import type { PreviewEvent } from '../shared/process/lines.ts';
import { AgentError, toAgentError } from './errors.ts';
import { Exposure } from './exposure.ts';
import { Gateway } from './gateway/gateway.ts';
import { Limiter } from './gateway/limiter.ts';
import { Observer } from './gateway/observe/observer.ts';
import { SharedPlans } from './gateway/plans/shared-plans.ts';
import { loadRe2 } from './gateway/re2.ts';
import { KeptConsumption } from './gateway/plans/kept-consumption.ts';
import { wantedHosts, type WantedHost } from './preview-hosts.ts';
import { previewState } from './preview-state.ts';
import { Recorder } from './recorder/recorder.ts';
import { hostLabel, type OnUpdate, type Source, type SourceUpdate } from './sources/source.ts';
import { UrlSource } from './sources/url-source.ts';

export interface PreviewAgentOptions {
  readonly control?: { readonly url: string; readonly enrolmentKey?: string | undefined } | undefined;
  readonly stateDir: string;
  readonly version: string;
  readonly wanted: number;
  readonly ca?: string | undefined;
  /** `redis:` or `rediss:` with credentials, which are used for this server alone. */
  readonly redisUrl?: string | undefined;
  readonly log: Logger;
  readonly onEvent: (event: PreviewEvent) => void;
}

interface Running {
  readonly request: PreviewRequest;
  readonly source: Source;
  applied: Extract<SourceUpdate, { kind: 'config' }> | undefined;
  appliedAt: string | undefined;
  refused: string | undefined;
}

/** Wires source → gateway ← links, and says how it stands. One preview at a time. */
export class PreviewAgent {
  readonly recorder = new Recorder();
  readonly observer: Observer;
  #options: PreviewAgentOptions;
  #kept: KeptConsumption;
  #shared: SharedPlans;
  #restored: Promise<void> | undefined;
  #gateway: Gateway;
  #exposure: Exposure | undefined;
  #running: Running | undefined;
  #overlay: Readonly<Record<string, string | null>> = {};
  #revision = 0;
  /** Seconds since the epoch. */
  #reloadedAt: number | undefined;
  #listeners = new Set<(status: PreviewStatus) => void>();
  #told = '';
  #telling = false;
  /** Starts and stops, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: PreviewAgentOptions) {
    this.#options = options;
    const { log, stateDir } = options;
    this.observer = new Observer({
      recorder: this.recorder,
      stateDir,
      version: options.version,
      say: (message) => log.warn(message),
      state: {
        openStreams: () => this.#gateway.openStreams,
        servers: () => this.#gateway.servers(),
        reloads: () => this.#revision,
        lastReload: () => this.#reloadedAt,
      },
    });
    const limiter = new Limiter(() => performance.now());
    this.#kept = new KeptConsumption({ stateDir, limiter, onTrouble: (message) => log.warn(message) });
    this.#shared = new SharedPlans({ redisUrl: options.redisUrl, ca: options.ca, log });
    this.#gateway = new Gateway({ recorder: this.recorder, limiter, log });
  }

  get gateway(): Gateway {
    return this.#gateway;
  }

  /** Returns what ends the subscription. */
  subscribe(listener: (status: PreviewStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Replaces the preview that runs, if any, and keeps its hosts where the names are the same. Resolves once the source
   * was read; links come up afterwards. Throws AgentError when there is nothing to read; the old one runs on then.
   */
  start(request: PreviewRequest): Promise<PreviewStatus> {
    return this.#inTurn(async () => {
      const { control } = this.#options;
      if (control === undefined) throw new AgentError('no-control', 'The agent was started without a control plane.');
      await this.#restore();
      const early: SourceUpdate[] = [];
      const own: { running?: Running } = {};
      const source = await this.#makeSource(request, (update) => {
        if (own.running === undefined) early.push(update);
        else this.#onUpdate(own.running, update);
      });
      source.overlay(this.#overlay);
      try {
        await source.start();
      } catch (error) {
        await source.close();
        throw toAgentError(error, 'workspace-unreadable');
      }
      const before = this.#running;
      const current: Running = { request, source, applied: undefined, appliedAt: undefined, refused: undefined };
      own.running = current;
      this.#running = current;
      await before?.source.close();
      this.#exposure ??= this.#expose(control);
      for (const update of early) this.#onUpdate(current, update);
      if (current.applied === undefined) {
        // Nothing serves what the visitor asked for before: the old manifests are another workspace's.
        this.#gateway.clear('The manifests of this preview have errors.');
        this.#exposure.want([source.name]);
      }
      this.#tell();
      return this.status();
    });
  }

  stop(): Promise<PreviewStatus> {
    return this.#inTurn(async () => {
      await this.#end(0, { keep: false });
      this.#tell();
      return this.status();
    });
  }

  overlay(files: Readonly<Record<string, string | null>>): void {
    this.#running?.source.overlay(files);
    this.#overlay = files;
  }

  status(): PreviewStatus {
    const running = this.#running;
    const exposure = this.#exposure;
    const links = exposure?.links ?? [];
    const error = this.#error();
    const { wanted, control } = this.#options;
    const controlStatus = exposure?.control;
    return {
      state: previewState({ running: running !== undefined, failed: error !== undefined, links, wanted }),
      source: running?.request.source,
      hosts: this.#hosts().flatMap(({ name, stands }) => {
        const place = exposure?.places.get(name);
        return place === undefined ? [] : [{ host: place.host, url: place.url, stands }];
      }),
      links,
      wanted,
      config: {
        revision: this.#revision,
        routes: running?.applied?.config.routes.length ?? 0,
        appliedAt: running?.appliedAt,
        refused: running?.refused,
      },
      control: { url: control?.url, reachable: controlStatus?.reachable ?? true, error: controlStatus?.error?.message },
      leaseExpiresAt: exposure?.expiresAt,
      error: error === undefined ? undefined : { code: error.code, message: error.message, hint: error.hint },
    };
  }

  /** Ends everything in order; the hosts stay leased for the next start. */
  close({ graceMs }: { graceMs: number }): Promise<void> {
    return this.#inTurn(async () => {
      await this.#end(graceMs, { keep: true });
      await this.#gateway.close(0);
      this.#shared.close();
      await this.#kept.close();
      await this.observer.close();
      this.#listeners.clear();
    });
  }

  async #end(graceMs: number, { keep }: { keep: boolean }): Promise<void> {
    const running = this.#running;
    const exposure = this.#exposure;
    this.#running = undefined;
    this.#exposure = undefined;
    await running?.source.close();
    await exposure?.close(graceMs, { keep });
    this.observer.configure();
    this.#gateway.clear('The preview has ended.');
  }

  async #makeSource({ source, upstreams }: PreviewRequest, onUpdate: OnUpdate): Promise<Source> {
    if (source.kind === 'url') return new UrlSource(source, onUpdate);
    // Parsers, schemas and compilers are a third of the program, and a URL needs none of them.
    const [{ FolderSource }] = await Promise.all([import('./sources/folder-source.ts'), loadRe2()]);
    return new FolderSource({ dir: source.dir, upstreams, onUpdate, log: this.#options.log });
  }

  #expose(control: { readonly url: string; readonly enrolmentKey?: string | undefined }): Exposure {
    const { stateDir, version, wanted, ca, log, onEvent } = this.#options;
    return new Exposure({
      control,
      stateDir,
      agentName: hostLabel(hostname()),
      version,
      wanted,
      ca,
      load: () => this.#gateway.inFlight,
      log,
      onStream: (stream, link) => this.#gateway.accept(stream, link),
      onEvent,
      onPlaces: () => this.#place(),
      onChange: () => this.#tell(),
    });
  }

  #onUpdate(running: Running, update: SourceUpdate): void {
    if (this.#running !== running) return;
    if (update.kind === 'refused') {
      this.#refuse(running, update.errors, update.message);
      return;
    }
    const before = running.applied;
    running.applied = update;
    this.#exposure?.want(this.#hosts().map(({ name }) => name));
    try {
      this.#place();
    } catch (error) {
      running.applied = before;
      this.#refuse(running, 1, toAgentError(error, 'config-refused').message);
      return;
    }
    running.appliedAt = new Date().toISOString();
    running.refused = undefined;
    this.#revision += 1;
    this.#reloadedAt = Math.floor(Date.now() / 1000);
    const { config, tookMs, errors } = update;
    this.#options.onEvent({
      event: 'config-applied',
      revision: this.#revision,
      routes: config.routes.length,
      tookMs: Math.round(tookMs),
    });
    if (errors === undefined) this.#tell();
    else this.#refuse(running, errors.count, errors.first);
  }

  #refuse(running: Running, errors: number, message: string): void {
    running.refused = message;
    this.#options.onEvent({ event: 'config-refused', errors, message });
    this.#tell();
  }

  /** The configuration under the hosts that are leased now. */
  #place(): void {
    const applied = this.#running?.applied;
    if (applied === undefined) return;
    const places = this.#exposure?.places;
    const hostMap = new Map<string, string | null>();
    for (const { name, stands } of this.#hosts()) {
      const place = places?.get(name);
      if (place !== undefined) hostMap.set(place.host, stands);
    }
    const { config, upstreams, limits, observe } = applied;
    this.observer.configure(observe);
    const plans = this.#shared.storeFor(limits, this.#running?.source.name ?? '');
    try {
      this.#gateway.apply(config, { hostMap, upstreams, plans });
    } catch (error) {
      this.#shared.refused();
      throw error;
    }
    this.#shared.taken();
  }

  #hosts(): WantedHost[] {
    const running = this.#running;
    return running === undefined ? [] : wantedHosts(running.source.name, running.applied?.config.hosts ?? []);
  }

  #error(): AgentError | undefined {
    const running = this.#running;
    if (running === undefined) return undefined;
    if (running.applied === undefined && running.refused !== undefined)
      return new AgentError('config-refused', running.refused);
    const error = this.#exposure?.error;
    return this.#exposure?.places.size === 0 || error?.code === 'token-expired' ? error : undefined;
  }

  /** Once for all that changed in one turn, and only when something did. */
  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      const status = this.status();
      const text = JSON.stringify(status);
      if (text === this.#told) return;
      this.#told = text;
      for (const listener of this.#listeners) listener(status);
    });
  }

  #restore(): Promise<void> {
    this.#restored ??= this.#kept.start().catch((error: unknown) => {
      this.#restored = undefined;
      throw error;
    });
    return this.#restored;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
