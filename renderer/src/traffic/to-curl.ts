import type { Exchange } from '../../../shared/agent/api.ts';
import { decodeText } from './decode-body.ts';

const skipped = new Set(['host', 'content-length', 'connection', 'transfer-encoding', 'accept-encoding']);
const secret =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|api-key|apikey)$|token|secret|password/i;

/**
 * A command that repeats the request at `origin` in a POSIX shell. Secrets stay masked (`$NAME` is expanded by the shell, so that the
 * command works once the variable is set); a body that was cut, or is not text, is left out and said so in a comment.
 */
export function toCurl(exchange: Exchange, origin: string): string {
  const parts = ['curl'];
  if (exchange.method !== 'GET') parts.push(`-X ${quote(exchange.method)}`);
  for (const [name, value] of exchange.request.headers) {
    if (skipped.has(name.toLowerCase()) || name.startsWith(':')) continue;
    parts.push(
      `-H ${secret.test(name) ? `"${name}: ${scheme(value)}$${variable(name)}"` : quote(`${name}: ${value}`)}`,
    );
  }
  const { body } = exchange.request;
  const text = body.bytes > 0 && !body.truncated ? decodeText(body.data) : undefined;
  if (text !== undefined && text !== '') parts.push(`--data-binary ${quote(text)}`);
  parts.push(quote(origin.replace(/\/$/, '') + exchange.target));
  const note =
    body.bytes > 0 && text === undefined
      ? `# the body of ${body.bytes} bytes is left out: ${body.truncated ? 'only its start was kept' : 'it is not text'}\n`
      : '';
  return note + parts.join(' \\\n  ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function scheme(value: string): string {
  return /^(Bearer|Basic) /.exec(value)?.[0] ?? '';
}

function variable(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}
