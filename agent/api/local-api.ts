import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import type { Duplex } from 'node:stream';
import { z } from 'zod';
import { overlayRequest, previewRequest } from '../../shared/agent/api.ts';
import type { PreviewAgent } from '../agent.ts';
import { AgentError, problemDocument, toAgentError } from '../errors.ts';
import { apiGuard } from './guard.ts';
import { EventFeed } from './event-feed.ts';

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

const MAX_OVERLAY_BYTES = 64 * 1024 * 1024;
const listQuery = z.object({
  after: z.coerce.number().int().nonnegative().default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});

/** The calls of `shared/agent/api.ts` on a loopback listener. */
export async function localApi(options: LocalApiOptions): Promise<LocalApi> {
  const { agent, host, port } = options;
  const refusal = apiGuard(options.token);
  const app = Fastify({ logger: false, bodyLimit: 256 * 1024, requestTimeout: 30_000 });
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

  app.addHook('onRequest', async (request) => {
    const refused = refusal(request.headers);
    if (refused !== undefined) throw refused;
  });
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, apiError(error)));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, new AgentError('api-missing', `${request.method} ${request.url} is not served.`)),
  );
  routes(app, options);

  app.server.on('upgrade', (request, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const refused =
      refusal(request.headers) ??
      (request.url?.split('?', 1)[0] === '/v1/events'
        ? undefined
        : new AgentError('api-missing', `${request.url ?? ''} is not served.`));
    if (refused === undefined) feed.accept(request, socket, head);
    else socket.end(`HTTP/1.1 ${refused.status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  });
  const endStatus = agent.subscribe((status) => feed.send({ type: 'status', status }));

  await app.listen({ host, port });
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string')
    throw new AgentError('api-failed', `The local API does not listen on ${host}.`);
  return {
    address: `${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async close() {
      endStatus();
      endExchanges?.();
      // Fastify waits for open connections: those of WebSockets would keep it for ever.
      feed.close();
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

function routes(app: FastifyInstance, { agent, onStop }: LocalApiOptions): void {
  app.get('/v1/status', async () => agent.status());
  app.put('/v1/preview', async (request) => agent.start(parse(previewRequest, request.body)));
  app.delete('/v1/preview', async () => agent.stop());
  app.put('/v1/overlay', { bodyLimit: MAX_OVERLAY_BYTES }, async (request, reply) => {
    agent.overlay(parse(overlayRequest, request.body).files);
    return reply.code(204).send();
  });
  app.get('/v1/exchanges', async (request) => {
    const { after, limit } = parse(listQuery, request.query);
    return agent.recorder.list(after, limit);
  });
  app.get<{ Params: { id: string } }>('/v1/exchanges/:id', async (request) => {
    const found = agent.recorder.find(request.params.id);
    if (found === undefined)
      throw new AgentError('api-missing', `The exchange ${request.params.id} is not kept (any more).`);
    return found;
  });
  app.delete('/v1/exchanges', async (_request, reply) => {
    agent.recorder.clear();
    return reply.code(204).send();
  });
  app.post('/v1/stop', async (_request, reply) => {
    reply.raw.once('finish', onStop);
    return reply.code(202).send({});
  });
}

function parse<T extends z.ZodType>(shape: T, value: unknown): z.output<T> {
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw new AgentError('api-input', z.prettifyError(parsed.error));
  return parsed.data;
}

/** Fastify's own refusals (body too large, not JSON) carry a status of the caller's fault. */
function apiError(error: unknown): AgentError {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return toAgentError(error, typeof status === 'number' && status < 500 ? 'api-input' : 'api-failed');
}

function sendProblem(reply: FastifyReply, { code, message, status, hint }: AgentError): FastifyReply {
  return reply
    .code(status)
    .type('application/problem+json')
    .send(problemDocument(code, message, hint));
}
