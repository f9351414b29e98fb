import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { parse } from 'yaml';

/**
 * Run after a change of `*.yaml` here: writes `bundled.ts`, by which programs carry the definitions without reading
 * files, and `deploy/crds/install.yaml`, by which they are installed into a cluster. A test keeps them up to date.
 */
const FOLDER = new URL('./', import.meta.url);

/** What the generated files must hold. */
export function generated(): { readonly bundled: string; readonly install: string } {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml')).sort(); // prettier-ignore
  const texts = names.map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));
  const lines = texts.map((text, at) => `  ${quoted(names[at] ?? '')}:\n    ${quoted(JSON.stringify(parse(text)))},\n`);
  return {
    bundled:
      '/** Made by `generate.ts` from the `*.yaml` files beside it: the definitions as JSON, by file. */\n' +
      `export const bundled: Readonly<Record<string, string>> = {\n${lines.join('')}};\n`,
    install: texts.map((text) => `---\n${text}`).join(''),
  };
}

export const INSTALL_FILE = new URL('../../deploy/crds/install.yaml', import.meta.url);
export const BUNDLED_FILE = new URL('bundled.ts', FOLDER);

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

if (import.meta.main) {
  const { bundled, install } = generated();
  writeFileSync(BUNDLED_FILE, bundled);
  writeFileSync(INSTALL_FILE, install);
}
