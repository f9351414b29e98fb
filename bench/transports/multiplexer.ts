import type { Socket } from 'node:net';

/** PEM of a development authority and of a server certificate for 127.0.0.1. */
export interface Certificates {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Passes one visitor's connection on through the link. */
export type Forward = (visitor: Socket) => void;

/**
 * A way to carry many TCP connections over one: the broker accepts the agent's link and opens streams on it, the agent
 * connects each to its upstream.
 */
export interface Multiplexer {
  /** Listens for agents on a port of the system's choice; `onLink` is told of each link, and of none when it ended. */
  serve(certificates: Certificates, onLink: (forward: Forward | undefined) => void): Promise<number>;
  /** Dials a broker on 127.0.0.1; settles when the link has ended, rejects when it never stood. */
  link(port: number, certificates: Certificates, connectUpstream: () => Socket): Promise<void>;
}
