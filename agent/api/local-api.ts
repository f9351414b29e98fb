import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { overlayRequest, previewRequest } from '../../shared/agent/api.ts';
import type { PreviewAgent } from '../agent.ts';
import { AgentError, problemDocument, toAgentError } from '../errors.ts';
import { apiGuard } from './guard.ts';
import { EventFeed, refuseUpgrade } from './event-feed.ts';
import { requestBody } from './request-body.ts';

export interface LocalApiOptions {
  readonly host: string;
  /** 0: the system chooses. */
  readonly port: number;
  readonly token: string;
  readonly agent: PreviewAgent;
  /** After the answer to `POST /v1/stop` was sent. */
  readonly onStop: () => void;
}

export interface LocalApi {
  /** `HOST:PORT`. */
  readonly address: string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 256 * 1024;
const MAX_OVERLAY_BYTES = 64 * 1024 * 1024;
const REQUEST_WITHIN_MS = 30_000;
const listQuery = z.object({
  after: z.coerce.number().int().nonnegative().default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});

/** What a call is answered with; no `value`: 204. */
interface Reply {
  readonly status: number;
  readonly value?: unknown;
  /** In the place of `value`: Prometheus' text format. */
  readonly text?: string;
  /** After the answer was sent. */
  readonly afterwards?: () => void;
}

type Call = (request: IncomingMessage, url: URL) => Reply | Promise<Reply>;

/**
 * The calls of `shared/agent/api.ts` on a loopback listener. `node:http` alone: a framework for nine calls would be a
 * tenth of the memory of an idle agent.
 */
export async function localApi(options: LocalApiOptions): Promise<LocalApi> {
  const { agent, host, port } = options;
  const refusal = apiGuard(options.token);
  const calls = callsOf(options);
  let endExchanges: (() => void) | undefined;
  // Exchanges are put into words only while somebody listens.
  const feed = new EventFeed(
    () => ({ type: 'status', status: agent.status() }),
    (anyone) => {
      endExchanges?.();
      endExchanges = anyone
        ? agent.recorder.subscribe((exchanges) => feed.send({ type: 'exchanges', exchanges: [...exchanges] }))
        : undefined;
    },
  );
  const server = createServer({ requestTimeout: REQUEST_WITHIN_MS }, (request, response) => {
    void answer(request).then(
      (reply) => send(response, reply),
      (error: unknown) => sendProblem(response, toAgentError(error, 'api-failed')),
    );
  });

  async function answer(request: IncomingMessage): Promise<Reply> {
    const refused = refusal(request.headers);
    if (refused !== undefined) throw refused;
    const url = URL.parse(request.url ?? '', 'http://localhost');
    const call = url === null ? undefined : findCall(calls, request.method ?? '', url.pathname);
    if (url === null || call === undefined)
      throw new AgentError('api-missing', `${request.method} ${request.url} is not served.`);
    return call(request, url);
  }

  server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const refused =
      refusal(request.headers) ??
      (request.url?.split('?', 1)[0] === '/v1/events'
        ? undefined
        : new AgentError('api-missing', `${request.url ?? ''} is not served.`));
    if (refused === undefined) feed.accept(request, socket, head);
    else refuseUpgrade(socket, `${refused.status} Refused`);
  });
  const endStatus = agent.subscribe((status) => feed.send({ type: 'status', status }));

  server.listen(port, host);
  await once(server, 'listening');
  const bound = server.address();
  if (bound === null || typeof bound === 'string')
    throw new AgentError('api-failed', `The local API does not listen on ${host}.`);
  return {
    address: `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async close() {
      endStatus();
      endExchanges?.();
      // The server waits for open connections: those of WebSockets would keep it for ever.
      feed.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** By `METHOD PATH`; a path that ends in a slash stands for all below it. */
function callsOf({ agent, onStop }: LocalApiOptions): ReadonlyMap<string, Call> {
  return new Map<string, Call>([
    ['GET /v1/status', () => ok(agent.status())],
    [
      'PUT /v1/preview',
      async (request) => ok(await agent.start(parse(previewRequest, await requestBody(request, MAX_BODY_BYTES)))),
    ],
    ['DELETE /v1/preview', async () => ok(await agent.stop())],
    [
      'PUT /v1/overlay',
      async (request) => {
        agent.overlay(parse(overlayRequest, await requestBody(request, MAX_OVERLAY_BYTES)).files);
        return { status: 204 };
      },
    ],
    [
      'GET /v1/exchanges',
      (_request, url) => {
        const { after, limit } = parse(listQuery, Object.fromEntries(url.searchParams));
        return ok(agent.recorder.list(after, limit));
      },
    ],
    [
      'GET /v1/exchanges/',
      (_request, url) => {
        const id = url.pathname.slice('/v1/exchanges/'.length);
        const found = agent.recorder.find(id);
        if (found === undefined) throw new AgentError('api-missing', `The exchange ${id} is not kept (any more).`);
        return ok(found);
      },
    ],
    [
      'DELETE /v1/exchanges',
      () => {
        agent.recorder.clear();
        return { status: 204 };
      },
    ],
    [
      'GET /v1/metrics',
      async () => {
        const text = await agent.observer.metricsText();
        if (text === undefined)
          throw new AgentError(
            'api-missing',
            'No metrics are counted for Prometheus: adit.yaml does not say observe: { metrics: { prometheus: true } }.',
          );
        return { status: 200, text };
      },
    ],
    ['POST /v1/stop', () => ({ status: 202, value: {}, afterwards: onStop })],
  ]);
}

function findCall(calls: ReadonlyMap<string, Call>, method: string, path: string): Call | undefined {
  return calls.get(`${method} ${path}`) ?? calls.get(`${method} ${path.slice(0, path.lastIndexOf('/') + 1)}`);
}

function ok(value: unknown): Reply {
  return { status: 200, value };
}

function parse<T extends z.ZodType>(shape: T, value: unknown): z.output<T> {
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw new AgentError('api-input', z.prettifyError(parsed.error));
  return parsed.data;
}

function send(response: ServerResponse, { status, value, text, afterwards }: Reply): void {
  if (afterwards !== undefined) response.once('finish', afterwards);
  if (text !== undefined) sendText(response, status, 'text/plain; version=0.0.4; charset=utf-8', text);
  else if (value === undefined) response.writeHead(status).end();
  else sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(value));
}

/** What is left of a body that was refused is not read: the connection ends with the answer. */
function sendProblem(response: ServerResponse, { code, message, status, hint }: AgentError): void {
  if (!response.req.complete) response.setHeader('connection', 'close');
  sendText(response, status, 'application/problem+json', problemDocument(code, message, hint));
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length }).end(bytes);
}
