/** A way from a visitor to the upstream, measured beside the others of the same run. */
export interface Peer {
  /** Its row in the table and its name for `--only`. */
  readonly name: string;
  /** Starts it in front of `upstream` (`HOST:PORT`), or says why it cannot run here. */
  start(upstream: string): Promise<RunningPeer | Missing>;
}

export interface RunningPeer {
  /** `HOST:PORT` that the load generator asks. */
  readonly address: string;
  /** The `Host` that it must send; the address when absent. */
  readonly host?: string;
  /** Process of each party between visitor and upstream. */
  readonly parties: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

export interface Missing {
  readonly missing: string;
}
