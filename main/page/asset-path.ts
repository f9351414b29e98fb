import path from 'node:path';

/**
 * The file of the interface's build that a request path names; undefined when it names none inside it. Both shells
 * serve by it. `path.relative` decides, as a prefix test would let `…/renderer-evil` pass.
 */
export function assetPath(root: string, requestPath: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(requestPath);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
  if (decoded.includes('\0') || decoded.includes('\\')) return undefined;
  const wanted = decoded === '/' || decoded === '' ? '/index.html' : decoded;
  const file = path.join(root, ...wanted.split('/'));
  const relative = path.relative(root, file);
  if (relative === '' || relative.startsWith('..') || path.isAbsolute(relative)) return undefined;
  // Nothing of the build begins with a dot; a file that does got there by accident.
  if (relative.split(path.sep).some((part) => part.startsWith('.'))) return undefined;
  return file;
}
