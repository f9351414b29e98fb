import WebSocket from 'ws';
import {
  agentEvent,
  previewStatus,
  type AgentEvent,
  type PreviewRequest,
  type PreviewStatus,
} from '../../shared/agent/api.ts';
import { problem } from '../../shared/control/api.ts';

/** The agent refused or could not be reached; `code` is the agent's, or `agent-unreachable`. */
export class AgentCallFailed extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Calls of the agent's local API that starting and watching a preview needs. */
export class AgentClient {
  readonly #address: string;
  readonly #token: string;

  constructor(address: string, token: string) {
    this.#address = address;
    this.#token = token;
  }

  async status(): Promise<PreviewStatus> {
    return previewStatus.parse(await this.#call('GET', '/v1/status'));
  }

  async startPreview(request: PreviewRequest): Promise<PreviewStatus> {
    return previewStatus.parse(await this.#call('PUT', '/v1/preview', request));
  }

  /** Events until the returned function is called; reconnects are the caller's, told by `onClosed`. */
  events(onEvent: (event: AgentEvent) => void, onClosed: () => void): () => void {
    const socket = new WebSocket(`ws://${this.#address}/v1/events`, {
      headers: { authorization: `Bearer ${this.#token}` },
      perMessageDeflate: false,
    });
    socket.on('message', (data: Buffer) => {
      const parsed = agentEvent.safeParse(JSON.parse(data.toString('utf8')));
      if (parsed.success) onEvent(parsed.data);
    });
    socket.on('error', () => undefined);
    socket.once('close', onClosed);
    return () => {
      socket.off('close', onClosed);
      socket.close();
    };
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(`http://${this.#address}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      });
    } catch (error) {
      throw new AgentCallFailed(
        'agent-unreachable',
        `the agent at ${this.#address} does not answer: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    const value: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined);
    if (response.ok) return value;
    const said = problem.safeParse(value);
    throw new AgentCallFailed(
      said.data?.code ?? 'agent-refused',
      said.data?.detail ?? said.data?.title ?? `${method} ${path} answered ${response.status}`,
    );
  }
}
