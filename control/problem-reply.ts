import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';

import type { Problem } from '../shared/control/api.ts';

import { ControlError } from './errors.ts';

/** Whatever went wrong, as an error of the catalogue. */
export function toControlError(error: unknown, maxBodyBytes: number): ControlError {
  if (error instanceof ControlError) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const where = error.validationContext ?? 'request';
    const fields = error.validation.map((issue) => `${where}${issue.instancePath} ${issue.message ?? 'is wrong'}`);
    return new ControlError('invalid-request', fields.slice(0, 8).join('; '));
  }
  const { code, statusCode, message } = fastifyErrorOf(error);
  if (statusCode === 413) return new ControlError('body-too-large', `a body may have ${maxBodyBytes} bytes`);
  if (statusCode === 415) return new ControlError('unsupported-media-type', 'send content-type: application/json');
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ControlError('invalid-request', `${message}${code === undefined ? '' : ` (${code})`}`);
  }
  return new ControlError('internal', 'the request could not be answered; the log of the control plane says why', {
    cause: error,
  });
}

function fastifyErrorOf(error: unknown): Partial<Pick<FastifyError, 'code' | 'statusCode' | 'message'>> {
  return error instanceof Error ? error : {};
}

/** Answers with a problem document (RFC 9457). */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: ControlError): FastifyReply {
  const status = error.status ?? 500;
  if (status >= 500 && error.code === 'internal') request.log.error({ err: error.cause }, 'request failed');
  const problem: Problem = {
    type: 'about:blank',
    title: error.title,
    status,
    detail: error.hint === undefined ? error.message : `${error.message}. ${error.hint}`,
    code: error.code,
  };
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer(String)
    .send(JSON.stringify(problem));
}
