/**
 * What a child process says on standard output with `--json`: one JSON object a line. The first is `ready`, once it
 * serves; the rest are events. Logs go to standard error.
 *
 * Every child ends itself when its standard input ends: a parent that is killed leaves none behind.
 */
export type ChildLine =
  | { readonly event: 'ready'; readonly role: 'control'; readonly address: string; readonly pid: number }
  | {
      readonly event: 'ready';
      readonly role: 'broker' | 'edge';
      readonly id: string;
      readonly region: string;
      /** Public listener, `127.0.0.1:PORT`. */
      readonly address: string;
      /** `wss://…/tunnel`; absent for a pure edge. */
      readonly tunnel?: string;
      /** Listener for edges; absent for a pure edge. */
      readonly peer?: string;
      readonly pid: number;
    }
  | { readonly event: 'ready'; readonly role: 'agent'; readonly address: string; readonly pid: number }
  | { readonly event: 'failed'; readonly code: string; readonly message: string; readonly hint?: string | undefined }
  | PreviewEvent;

/** What `adit up` prints after its own ready line; the agent is the source of most. */
export type PreviewEvent =
  | {
      readonly event: 'session-up';
      readonly broker: string;
      readonly region: string;
      readonly rttMs?: number | undefined;
    }
  | { readonly event: 'session-down'; readonly broker: string; readonly reason: string; readonly retryInMs: number }
  /** A broker refuses a host that is leased, or serves it no longer. */
  | { readonly event: 'host-removed'; readonly broker: string; readonly host: string; readonly reason: string }
  | { readonly event: 'config-applied'; readonly revision: number; readonly routes: number; readonly tookMs: number }
  | { readonly event: 'config-refused'; readonly errors: number; readonly message: string }
  | { readonly event: 'control-unreachable'; readonly message: string }
  | { readonly event: 'control-reachable' }
  /** The token ran out before the control plane renewed it: brokers end the sessions, nothing serves until there is another. */
  | { readonly event: 'token-expired'; readonly at: string; readonly message: string }
  | {
      readonly event: 'child-exited';
      readonly child: string;
      readonly pid: number;
      readonly reason: string;
      readonly restartInMs: number;
    }
  | {
      readonly event: 'child-restarted';
      readonly child: string;
      readonly pid: number;
      readonly address?: string | undefined;
    };
