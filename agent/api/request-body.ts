import type { IncomingMessage } from 'node:http';
import { AgentError } from '../errors.ts';

/** The JSON body of a request, at most `limitBytes` long. Throws AgentError `api-input` for anything else. */
export async function requestBody(request: IncomingMessage, limitBytes: number): Promise<unknown> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') throw new AgentError('api-input', 'The body is not declared as application/json.');
  const tooLarge = (): AgentError => new AgentError('api-input', `The body is larger than ${limitBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) throw tooLarge();
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request) {
    const part: unknown = piece;
    if (!(part instanceof Buffer)) continue;
    bytes += part.length;
    if (bytes > limitBytes) throw tooLarge();
    pieces.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'));
  } catch (error) {
    throw new AgentError(
      'api-input',
      `The body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
