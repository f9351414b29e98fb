import { resolve } from 'node:path';
import type { PreviewSource } from '../shared/agent/api.ts';
import { CommandFailed, EXIT } from './errors.ts';

/** `DIR|URL` of the command line: a folder of manifests, or a plain upstream without manifests. */
export function previewTarget(text: string): PreviewSource {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return { kind: 'folder', dir: resolve(text) };
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new CommandFailed({ code: 'usage', message: `${text} is neither a folder nor an http(s) URL` }, EXIT.usage);
  }
  return { kind: 'url', url: url.href };
}
