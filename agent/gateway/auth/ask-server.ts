import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { setTimeout as wait } from 'node:timers/promises';
import type { AuthClientConfig } from '../../../shared/gateway/auth.ts';
import { failUnaskedSwitch } from '../../../shared/sockets/fail-unasked-switch.ts';
import { AgentError } from '../../errors.ts';
import { guardedLookup, isRefusedAddress } from '../address-guard.ts';

export const MAX_ANSWER_BYTES = 256 * 1024;
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 2_000;

export interface ServerAsk {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly client: AuthClientConfig;
  readonly signal?: AbortSignal | undefined;
}

export interface ServerAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/**
 * Asks a server that credentials are checked with; again, later each time, when it cannot be reached or answers 5xx.
 * Redirects are not followed. Throws AgentError `auth-unavailable`.
 */
export async function askServer(url: URL, ask: ServerAsk): Promise<ServerAnswer> {
  for (let attempt = 0; ; attempt += 1) {
    let problem: string;
    try {
      const answer = await askOnce(url, ask);
      if (answer.status < 500) return answer;
      problem = `it answered ${answer.status}`;
    } catch (error) {
      if (error instanceof AgentError) throw error;
      problem = error instanceof Error ? error.message : String(error);
    }
    if (attempt >= ask.client.maxRetries || ask.signal?.aborted === true)
      throw new AgentError('auth-unavailable', `${url.origin} cannot be asked: ${problem}.`);
    await wait(Math.min(FIRST_WAIT_MS * 2 ** attempt, MAX_WAIT_MS), undefined, {
      signal: ask.signal,
      ref: false,
    }).catch(() => undefined);
  }
}

function askOnce(url: URL, { method, headers, body, client, signal }: ServerAsk): Promise<ServerAnswer> {
  const bare = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  if (isIP(bare) !== 0 && isRefusedAddress(bare))
    throw new AgentError('auth-unavailable', `${url.origin} is never asked: the address leads to metadata services.`);
  const limit = AbortSignal.timeout(client.timeoutMs);
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      agent: false,
      lookup: guardedLookup,
      ...(client.ca === undefined ? {} : { ca: [...getCACertificates('default'), client.ca] }),
      rejectUnauthorized: !client.insecureSkipVerify,
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    const failed = (error: Error): void =>
      reject(limit.aborted ? new Error(`no answer within ${client.timeoutMs} ms`) : error);
    sent.once('error', failed);
    failUnaskedSwitch(sent, failed);
    sent.once('response', (response) => {
      const parts: Buffer[] = [];
      let bytes = 0;
      response.on('data', (part: Buffer) => {
        bytes += part.length;
        parts.push(part);
        if (bytes > MAX_ANSWER_BYTES)
          response.destroy(new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`));
      });
      response.once('error', failed);
      response.once('end', () => {
        const { statusCode = 0, headers: received } = response;
        resolve({ status: statusCode, headers: received, body: Buffer.concat(parts).toString('utf8') });
      });
    });
    sent.end(body);
  });
}
