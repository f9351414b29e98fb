import { WebSocket, type RawData } from 'ws';
import { agentEvent, type AgentEvent } from '../../shared/agent/api.ts';
import type { AgentAccess } from './stack-port.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 3_000;
const HANDSHAKE_MS = 5_000;
const SILENCE_MS = 30_000;
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface AgentFollower {
  /** Called each time the connection opens: what happened before has to be asked for. */
  onOpen(): void;
  onEvent(event: AgentEvent): void;
  /** Called when it breaks, with why; it is tried again until closed. */
  onLost(why: string): void;
}

/** Follows the agent's events, connecting again with a jittered, growing pause. Returns the function that ends it. */
export function followAgent(
  access: Pick<AgentAccess, 'address' | 'token'>,
  follower: AgentFollower,
  warn: (message: string) => void,
): () => void {
  let closed = false;
  let pauseMs = FIRST_PAUSE_MS;
  let retry: NodeJS.Timeout | undefined;
  let socket: WebSocket | undefined;

  const connect = (): void => {
    const current = new WebSocket(`ws://${access.address}/v1/events`, {
      headers: { authorization: `Bearer ${access.token}` },
      perMessageDeflate: false,
      handshakeTimeout: HANDSHAKE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
    });
    socket = current;
    let why = 'the connection ended';
    let alive = true;
    // A stopped agent (SIGSTOP, a sleeping machine) keeps its sockets open and says nothing.
    const pinger = setInterval(() => {
      if (!alive) return current.terminate();
      alive = false;
      if (current.readyState === WebSocket.OPEN) current.ping();
    }, SILENCE_MS / 2);
    pinger.unref();
    current.on('open', () => {
      pauseMs = FIRST_PAUSE_MS;
      if (!closed) follower.onOpen();
    });
    current.on('pong', () => {
      alive = true;
    });
    current.on('message', (data: RawData, isBinary: boolean) => {
      alive = true;
      const event = isBinary || !Buffer.isBuffer(data) ? undefined : parseEvent(data.toString('utf8'));
      if (event === undefined) warn('the agent sent an event that is not understood');
      else if (!closed) follower.onEvent(event);
    });
    current.on('error', (error) => {
      why = error.message;
    });
    current.on('close', () => {
      clearInterval(pinger);
      if (closed) return;
      follower.onLost(why);
      retry = setTimeout(connect, pauseMs * (0.5 + Math.random() / 2));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    });
  };
  connect();
  return () => {
    closed = true;
    clearTimeout(retry);
    socket?.terminate();
  };
}

function parseEvent(text: string): AgentEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  return agentEvent.safeParse(value).data;
}
