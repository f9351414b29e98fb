import type { GatewayConfig } from '../../shared/gateway/config.ts';
import type { LimitsConfig } from '../../shared/workspace/adit-yaml.ts';
import type { ObserveConfig } from '../../shared/workspace/observe-config.ts';

/** What a source makes of its input, each time that changes. */
export type SourceUpdate =
  | {
      readonly kind: 'config';
      readonly config: GatewayConfig;
      /** Key of `config.upstreams` → base URL. */
      readonly upstreams: ReadonlyMap<string, string>;
      readonly tookMs: number;
      /** What `adit.yaml` says of plans. */
      readonly limits?: LimitsConfig | undefined;
      readonly observe?: ObserveConfig | undefined;
      /** Of the objects that were not taken over; their last versions without errors are in `config`. */
      readonly errors?: { readonly count: number; readonly first: string } | undefined;
    }
  /** Nothing of the input can serve: what served before serves on. */
  | { readonly kind: 'refused'; readonly errors: number; readonly message: string };

export type OnUpdate = (update: SourceUpdate) => void;

export interface Source {
  /** First label of the preview hosts. May change with the workspace's configuration; read after `start`. */
  readonly name: string;
  /** Resolves after the first update. Throws AgentError when there is nothing to read. */
  start(): Promise<void>;
  /** Replaces the texts that stand in for files, by path; null hides a file. Ignored by sources without files. */
  overlay(files: Readonly<Record<string, string | null>>): void;
  close(): Promise<void>;
}

/** A label that a lease accepts, made of any text. */
export function hostLabel(text: string): string {
  const label = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replaceAll(/^-+|-+$/g, '');
  return label === '' ? 'preview' : label;
}
