import type { SourceFile } from './types.ts';

/** YAML and JSON files that live beside manifests and are not Kubernetes objects. */
const OTHER_NAMES =
  /^(adit\.ya?ml|kustomization\.ya?ml|Chart\.ya?ml|Chart\.lock|values(\..*)?\.ya?ml|(docker-)?compose(\..*)?\.ya?ml|package(-lock)?\.json|tsconfig(\..*)?\.json|.*\.schema\.json|openapi\.(ya?ml|json)|\.[^/]*)$/i;
/** Hidden ones; `..`, in the path of what lies beside the folder that one is in, is none. */
const OTHER_FOLDERS = /(^|\/)(node_modules|\.(?!\.\/)[^/]+)\//;

/** True for files that are known not to hold objects, so that nothing is said about them. */
export function isOtherFile(file: SourceFile): boolean {
  const name = file.path.slice(file.path.lastIndexOf('/') + 1);
  return OTHER_NAMES.test(name) || (file.named !== true && isInOtherFolder(file.path)) || isHelmTemplate(file);
}

/** `path`: with `/`. */
export function isInOtherFolder(path: string): boolean {
  return OTHER_FOLDERS.test(path);
}

/** Templates of a chart are not YAML until Helm has rendered them. */
function isHelmTemplate(file: SourceFile): boolean {
  return /(^|\/)templates\//.test(file.path) && file.text.includes('{{');
}
