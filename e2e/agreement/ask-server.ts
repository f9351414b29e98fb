import { readFile } from 'node:fs/promises';
import { Agent, request } from 'undici';
import { fields, items, text } from '../../shared/manifests/field.ts';
import { ADMIN, type ApiServer } from '../kube/api-server.ts';
import type { Manifest } from './make-manifests.ts';

/** What the API server said of a manifest. */
export interface Answer {
  readonly accepted: boolean;
  /** Fields that strict decoding refused; the server looks no further then. */
  readonly decoding: readonly string[];
  readonly causes: readonly { readonly type: string; readonly path: string; readonly message: string }[];
  readonly status: number;
  readonly message: string;
}

/** Asks by a dry run; nothing is stored. Close it when done. */
export async function serverAsker(
  server: ApiServer,
): Promise<{ ask(manifest: Manifest): Promise<Answer>; close(): Promise<void> }> {
  const ca = await readFile(server.caFile, 'utf8');
  const dispatcher = new Agent({ connect: { ca }, connections: 4 });
  return {
    ask: async ({ collection, text: body }) => {
      const answer = await request(`${server.url}${collection}?dryRun=All&fieldValidation=Strict`, {
        dispatcher,
        method: 'POST',
        headers: {
          authorization: `Bearer ${ADMIN}-token`,
          'content-type': 'application/yaml',
          accept: 'application/json',
        },
        body,
      });
      return read(answer.statusCode, await answer.body.json());
    },
    close: async () => await dispatcher.destroy(),
  };
}

function read(status: number, body: unknown): Answer {
  const accepted = status < 300;
  const message = accepted ? '' : (text(fields(body)['message']) ?? '');
  const strict = /strict decoding error: (.*)/s.exec(message)?.[1];
  const causes = items(fields(body, 'details')['causes']).map((cause) => {
    const { reason, field, message: said } = fields(cause);
    return { type: String(reason), path: String(field), message: String(said) };
  });
  return {
    accepted,
    decoding: strict?.split(/, (?=unknown field|duplicate field|json:)/) ?? [],
    causes,
    status,
    message,
  };
}
