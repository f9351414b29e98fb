import { get } from 'node:https';
import { rootCertificates } from 'node:tls';
import { failUnaskedSwitch } from '../shared/sockets/fail-unasked-switch.ts';

const TIMEOUT_MS = 10_000;

/**
 * Why the directory of an authority gives no answer. Asked only after a failure: `acme-client` loses the error of a
 * connection that failed.
 */
export function whyUnreachable(directory: string, ca: string | undefined, signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const request = get(
      directory,
      {
        signal,
        timeout: TIMEOUT_MS,
        agent: false,
        // RFC 8555 §6.1: without one an authority may refuse to answer.
        headers: { 'user-agent': 'adit' },
        ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
      },
      (response) => {
        response.destroy();
        resolve(`the connection was lost; asked again, it answers ${response.statusCode}`);
      },
    );
    request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    request.on('error', (error) => resolve(messageOf(error)));
    failUnaskedSwitch(request, (error) => resolve(messageOf(error)));
  });
}

/** Refused connections to several addresses come as an error without a message of its own. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
