import { readFile } from 'node:fs/promises';
import { systemCode } from '../errors.ts';
import { assetPath } from '../page/asset-path.ts';
import { contentType } from '../page/content-type.ts';
import { SECURITY_HEADERS } from '../page/security-headers.ts';
import { isOwnPage } from './navigation.ts';

/** The answer of our scheme: a file of the interface's build with every protective header, or 404. Never throws. */
export async function pageResponse(
  root: string,
  request: { readonly method: string; readonly url: string },
): Promise<Response> {
  const answer = (
    status: number,
    body: string | Uint8Array<ArrayBuffer>,
    type = 'text/plain; charset=utf-8',
  ): Response => new Response(body, { status, headers: { ...SECURITY_HEADERS, 'content-type': type } });
  if (request.method !== 'GET') return answer(405, 'only GET');
  if (!isOwnPage(request.url)) return answer(403, 'not our page');
  const file = assetPath(root, new URL(request.url).pathname);
  if (file === undefined) return answer(404, 'not found');
  try {
    return answer(200, new Uint8Array(await readFile(file)), contentType(file));
  } catch (error) {
    const gone = ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCode(error) ?? '');
    return gone ? answer(404, 'not found') : answer(500, 'the file cannot be read');
  }
}
