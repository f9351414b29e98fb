import { createHash } from 'node:crypto';

import swagger from '@fastify/swagger';
import Fastify, { LogController } from 'fastify';
import type { FastifyRequest } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { z } from 'zod';

import {
  brokerHeartbeat,
  brokerList,
  edgeHeartbeat,
  enrolReply,
  enrolRequest,
  lease,
  leaseRequest,
  problem,
  renewRequest,
  revocationList,
} from '../shared/control/api.ts';
import type { BrokerRecord } from '../shared/control/api.ts';

import { withoutPeer } from './broker-directory.ts';
import type { ControlPlane } from './control-plane.ts';
import { bearerOf, hashCredential, matchesAny } from './credential.ts';
import { ControlError } from './errors.ts';
import type { ControlLimits } from './options.ts';
import { sendProblem, toControlError } from './problem-reply.ts';
import { addressGroup, plainAddress } from '../shared/limits/address-group.ts';
import { RateLimiter } from '../shared/limits/rate-limiter.ts';
import { publicJwk } from './signing-keys.ts';

const MAX_BODY_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 10_000;
const REQUEST_TIMEOUT_MS = 10_000;
const id = z.object({ id: z.string().regex(/^[A-Za-z0-9._-]{1,63}$/) });
const token = id.extend({ jti: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/) });
const healthy = z.object({ status: z.literal('ok') });
const nothing = z.null().describe('No content');

declare module 'fastify' {
  interface FastifyRequest {
    /** The agent whose secret the request bears; empty on routes that need none. */
    agentId: string;
  }
}

export interface ApiOptions {
  readonly plane: ControlPlane;
  readonly enrolmentKeys: readonly string[];
  readonly brokerKeys: readonly string[];
  readonly limits: ControlLimits;
  readonly version: string;
  readonly log: Logger;
  readonly now: () => number;
}

/** The HTTP API of `shared/control/api.ts` over a control plane. Not yet listening. */
export async function apiServer({ plane, enrolmentKeys, brokerKeys, limits, version, log, now }: ApiOptions) {
  const app = Fastify({
    loggerInstance: log,
    // One line a heartbeat would be all that the log says.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    return503OnClosing: true,
  }).withTypeProvider<ZodTypeProvider>();
  app.server.maxConnections = MAX_CONNECTIONS;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('agentId', '');

  const enrolmentHashes = enrolmentKeys.map(hashCredential);
  const brokerHashes = brokerKeys.map(hashCredential);
  const ofAddress = new RateLimiter({ perSecond: limits.addressPerSecond, burst: limits.addressBurst });
  const ofAgent = new RateLimiter({ perSecond: limits.agentPerSecond, burst: limits.agentBurst });
  const bound = (limiter: RateLimiter, key: string): void => {
    const seconds = limiter.take(key, now());
    if (seconds > 0)
      throw new ControlError('rate-limited', `too many requests of ${key}`, { retryAfterSeconds: seconds });
  };
  const bearer = (request: FastifyRequest): string | undefined => bearerOf(request.headers.authorization);

  const needsEnrolmentKey = async (request: FastifyRequest): Promise<void> => {
    if (!matchesAny(bearer(request) ?? '', enrolmentHashes)) throw unauthorized('an enrolment key');
  };
  const needsBrokerKey = async (request: FastifyRequest): Promise<void> => {
    if (!matchesAny(bearer(request) ?? '', brokerHashes)) throw unauthorized('a broker key');
  };
  const needsAgent = async (request: FastifyRequest): Promise<void> => {
    const agentId = plane.agents.authenticate(bearer(request) ?? '', now());
    if (agentId === undefined) throw unauthorized('the secret of an agent');
    bound(ofAgent, agentId);
    request.agentId = agentId;
  };
  const viewFor = (request: FastifyRequest): ((brokers: readonly BrokerRecord[]) => BrokerRecord[]) =>
    matchesAny(bearer(request) ?? '', brokerHashes) ? (all) => [...all] : (all) => all.map(withoutPeer);

  app.addHook('onRequest', async (request) => bound(ofAddress, addressGroup(plainAddress(request.ip))));
  app.setErrorHandler((error, request, reply) => sendProblem(request, reply, toControlError(error, MAX_BODY_BYTES)));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      request,
      reply,
      new ControlError('unknown-route', `${request.method} ${request.url.split('?')[0]} is not part of the API`),
    ),
  );

  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Adit control plane',
        version,
        description: 'Leases of preview hosts, tunnel tokens and the directory of brokers.',
      },
      components: {
        securitySchemes: {
          enrolmentKey: { type: 'http', scheme: 'bearer' },
          agentSecret: { type: 'http', scheme: 'bearer' },
          brokerKey: { type: 'http', scheme: 'bearer' },
        },
      },
    },
    transform: jsonSchemaTransform,
  });

  const failures = { '4xx': problem, '5xx': problem };
  const secured = (scheme: string): { security: Record<string, string[]>[] } => ({ security: [{ [scheme]: [] }] });

  app.post(
    '/v1/agents',
    {
      onRequest: needsEnrolmentKey,
      schema: {
        summary: 'Enrol an agent',
        ...secured('enrolmentKey'),
        body: enrolRequest,
        response: { 201: enrolReply, ...failures },
      },
    },
    async (request, reply) =>
      reply.code(201).header('cache-control', 'no-store').send(plane.agents.enrol(request.body.name, now())),
  );

  app.delete(
    '/v1/agents/:id',
    {
      onRequest: needsEnrolmentKey,
      schema: {
        summary: 'Remove an agent: its leases end and its tokens are revoked',
        ...secured('enrolmentKey'),
        params: id,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      plane.agents.revoke(request.params.id, now());
      return reply.code(204).send(null);
    },
  );

  app.delete(
    '/v1/agents/:id/tokens/:jti',
    {
      onRequest: needsEnrolmentKey,
      schema: {
        summary: 'Revoke one token of an agent; the agent gets another one with its next renewal',
        ...secured('enrolmentKey'),
        params: token,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      plane.revokeToken(request.params.id, request.params.jti, now());
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/revocations',
    {
      onRequest: needsBrokerKey,
      schema: {
        summary: 'What tokens that are alive are no longer good for',
        ...secured('brokerKey'),
        response: { 200: revocationList, 304: nothing, ...failures },
      },
    },
    async (request, reply) => {
      const revocations = plane.revocations.list(now());
      const etag = `"${createHash('sha256').update(JSON.stringify(revocations)).digest('base64url')}"`;
      reply.header('etag', etag).header('cache-control', 'no-cache');
      return request.headers['if-none-match'] === etag ? reply.code(304).send(null) : reply.send({ revocations });
    },
  );

  app.post(
    '/v1/leases',
    {
      onRequest: needsAgent,
      schema: {
        summary: 'Lease a host for each name',
        ...secured('agentSecret'),
        body: leaseRequest,
        response: { 201: lease, ...failures },
      },
    },
    async (request, reply) => {
      const { names, ttlSeconds } = request.body;
      const granted = await plane.grant(request.agentId, names, ttlSeconds, now());
      return reply.code(201).header('cache-control', 'no-store').send(granted);
    },
  );

  app.post(
    '/v1/leases/:id/renew',
    {
      onRequest: needsAgent,
      schema: {
        summary: 'Extend a lease',
        ...secured('agentSecret'),
        params: id,
        body: renewRequest,
        response: { 200: lease, ...failures },
      },
    },
    async (request, reply) => {
      const renewed = await plane.renew(request.agentId, request.params.id, request.body.ttlSeconds, now());
      return reply.code(200).header('cache-control', 'no-store').send(renewed);
    },
  );

  app.delete(
    '/v1/leases/:id',
    {
      onRequest: needsAgent,
      schema: {
        summary: 'Give a lease back',
        ...secured('agentSecret'),
        params: id,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      plane.leases.release(request.agentId, request.params.id, now());
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/brokers',
    {
      schema: {
        summary: 'The brokers that are alive (`peer` only with a broker key)',
        response: { 200: brokerList, ...failures },
      },
    },
    async (request, reply) =>
      reply.header('cache-control', 'no-store').send({ brokers: viewFor(request)(plane.brokers.list()) }),
  );

  app.get(
    '/v1/brokers/events',
    {
      schema: {
        summary: 'The same list as server-sent events, again with each change',
        produces: ['text/event-stream'],
      },
    },
    async (request, reply) => {
      plane.listeners.checkRoom();
      reply.hijack();
      plane.listeners.add(reply.raw, viewFor(request), plane.brokers.list());
    },
  );

  app.put(
    '/v1/brokers/:id',
    {
      onRequest: needsBrokerKey,
      schema: {
        summary: 'Heartbeat of a broker',
        ...secured('brokerKey'),
        params: id,
        body: brokerHeartbeat,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      plane.brokers.put(request.params.id, request.body, now());
      return reply.code(204).send(null);
    },
  );

  app.put(
    '/v1/edges/:id',
    {
      onRequest: needsBrokerKey,
      schema: {
        summary: 'Heartbeat of an edge',
        ...secured('brokerKey'),
        params: id,
        body: edgeHeartbeat,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      plane.edges.put(request.params.id, request.body.publicUrl, now());
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        summary: 'Keys that verify tunnel tokens (RFC 7517)',
        response: { 200: z.object({ keys: z.array(publicJwk) }), ...failures },
      },
    },
    async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=300').send({ keys: plane.keys.published() }),
  );

  app.get('/healthz', { schema: { summary: 'The process answers', response: { 200: healthy } } }, async () => ({
    status: 'ok' as const,
  }));

  app.get(
    '/readyz',
    { schema: { summary: 'Tokens can be signed', response: { 200: healthy, ...failures } } },
    async () => {
      if (plane.keys.newestAt() === undefined) throw new ControlError('internal', 'there is no signing key');
      return { status: 'ok' as const };
    },
  );

  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  return app;
}

function unauthorized(what: string): ControlError {
  return new ControlError('unauthorized', `send ${what} as authorization: Bearer …`);
}
