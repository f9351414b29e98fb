import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { calls } from '../../shared/contract/contract.ts';
import type { Application } from '../application.ts';
import { registerCalls } from '../bridge/register-calls.ts';
import { assetPath } from '../page/asset-path.ts';
import { contentType } from '../page/content-type.ts';
import { SECURITY_HEADERS } from '../page/security-headers.ts';
import { serveEvents } from './event-socket.ts';
import { refusal } from './request-guard.ts';
import { createSessions, type Sessions } from './session.ts';

export interface WebShellOptions {
  readonly application: Pick<Application, 'handlers' | 'onEvent'>;
  /** The interface's build. */
  readonly staticDir: string;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: chosen by the system. */
  readonly port?: number;
  /** More `HOST:PORT` that lead here, as when a port is forwarded from another machine. */
  readonly allowedHosts?: readonly string[];
  readonly log: Logger;
}

export interface WebShell {
  /** Signs in once; later ones come from `newUrl`. */
  readonly url: string;
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  newUrl(): string;
  close(): Promise<void>;
}

/** A file of 5 MiB, escaped as JSON. */
const BODY_LIMIT = 12 * 1024 * 1024;

/**
 * The application in a browser: the interface's build, its calls and its events over HTTP. The page is public to the
 * machine; every call and the events need the session that a one-time link opened, from our own page, at our own host.
 */
export async function startWebShell(options: WebShellOptions): Promise<WebShell> {
  const { application, log } = options;
  const hosts = new Set<string>((options.allowedHosts ?? []).map((host) => host.toLowerCase()));
  const app = fastify({ bodyLimit: BODY_LIMIT, forceCloseConnections: true, exposeHeadRoutes: true });
  // A form of another site can send text/plain without asking first; JSON it cannot.
  app.removeContentTypeParser('text/plain');
  let sessions = createSessions(0);

  app.addHook('onRequest', async (request, reply) => {
    void reply.headers(SECURITY_HEADERS);
    const fromPage = request.url.startsWith('/bridge/');
    const why = refusal(hosts, { method: request.method, headers: request.headers, fromPage });
    if (why !== undefined) return reply.code(403).send(refused('forbidden', why));
    if (fromPage && !sessions.isOpen(request.headers.cookie))
      return reply.code(401).send(refused('signed-out', 'This page is not signed in.'));
    return undefined;
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error }, 'a request failed');
    return reply.code(status).send(refused(status >= 500 ? 'internal' : 'invalid-input', error.message));
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(refused('not-found', 'There is nothing at this address.')),
  );

  addCalls(app, options);
  addPage(app, options.staticDir, () => sessions);
  const events = serveEvents(app.server, application, (request) => {
    if (request.url !== '/bridge/events') return 404;
    if (refusal(hosts, { method: 'GET', headers: request.headers, fromPage: true }) !== undefined) return 403;
    return sessions.isOpen(request.headers.cookie) ? undefined : 401;
  });

  const host = options.host ?? '127.0.0.1';
  await app.listen({ host, port: options.port ?? 0 });
  const bound = app.server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the web shell listens on no port');
  const address = `${host.includes(':') ? `[${host}]` : host}:${bound.port}`;
  hosts.add(address);
  sessions = createSessions(bound.port);
  const newUrl = (): string => `http://${address}/?token=${sessions.issueToken()}`;
  return {
    url: newUrl(),
    address,
    newUrl,
    close: async () => {
      // Fastify would wait for open WebSockets.
      events.close();
      await app.close();
    },
  };
}

function addCalls(app: FastifyInstance, { application, log }: WebShellOptions): void {
  const dispatch = registerCalls(calls, application.handlers, (call, err) => log.error({ err, call }, 'a call failed'));
  app.post<{ Params: { name: string } }>('/bridge/call/:name', async (request, reply) => {
    const abort = new AbortController();
    // The page cancels a call by ending its request.
    const onClose = (): void => {
      if (!reply.raw.writableEnded) abort.abort();
    };
    reply.raw.once('close', onClose);
    const result = await dispatch(request.params.name, request.body, abort.signal);
    reply.raw.off('close', onClose);
    return reply.header('cache-control', 'no-store').send(result);
  });
}

function addPage(app: FastifyInstance, staticDir: string, sessions: () => Sessions): void {
  const root = path.resolve(staticDir);
  app.get('/*', async (request: FastifyRequest<{ Querystring: { token?: unknown } }>, reply) => {
    const { token } = request.query;
    const requested = request.url.split('?')[0] ?? '/';
    if (requested === '/' && typeof token === 'string') return signIn(token, request, reply, sessions());
    const file = assetPath(root, requested);
    const info = file === undefined ? undefined : await stat(file).catch(() => undefined);
    if (file === undefined || info?.isFile() !== true) return reply.callNotFound();
    void reply
      .type(contentType(file))
      .header('content-length', info.size)
      // Vite names what is in `assets/` by its content.
      .header('cache-control', requested.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-cache');
    return reply.send(createReadStream(file));
  });
}

/** Exchanges the token for the session and leads to the address without it, which history and bookmarks may keep. */
function signIn(token: string, request: FastifyRequest, reply: FastifyReply, sessions: Sessions): FastifyReply {
  const cookie = sessions.exchange(token);
  void reply.header('cache-control', 'no-store');
  if (cookie !== undefined) return reply.header('set-cookie', cookie).redirect('/', 303);
  if (sessions.isOpen(request.headers.cookie)) return reply.redirect('/', 303);
  return reply
    .code(401)
    .type('text/plain; charset=utf-8')
    .send('This link was used already, or is not of this run of Adit. Start `adit serve` again for a new one.\n');
}

function refused(code: string, message: string): { ok: false; error: { code: string; message: string } } {
  return { ok: false, error: { code, message } };
}
