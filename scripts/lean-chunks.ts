import { builtinModules } from 'node:module';
import { parseAst, type Plugin } from 'vite';

/**
 * Makes a program small in memory once it is loaded:
 *
 * * Node's own modules come by `process.getBuiltinModule`. An `import` of one makes Node read every export of it, those too that
 *   load on first use: `node:http` brings its WebSocket, and with it a whole HTTP client, 8 MiB of an idle process.
 * * What `node:fs` can do by itself is not asked of `node:fs/promises`, which brings `node:readline`, the history of a REPL and watchers: 3 MiB.
 * * All is ASCII. A single other character makes Node keep the whole file with two bytes for each of them.
 */
export function leanChunks(): Plugin {
  return {
    name: 'lean-chunks',
    // The last to touch them: whoever prints them again would undo it.
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle))
        if (file.type === 'chunk') file.code = asAscii(withoutBuiltinImports(file.code));
    },
  };
}

/** Functions of `node:fs` that, turned into promises, do the same as those of `node:fs/promises`. */
const SAME_AS_PROMISES: ReadonlySet<string> = new Set(
  'access appendFile chmod copyFile link lstat mkdir mkdtemp opendir readdir readFile rename rm stat symlink unlink writeFile'.split(
    ' ',
  ),
);
const BUILTINS: ReadonlySet<string> = new Set(builtinModules.map((name) => name.replace(/^node:/, '')));

/** Imports are the first to run wherever they stand; rolldown puts them first. */
export function withoutBuiltinImports(code: string): string {
  let [lean, copied] = ['', 0];
  for (const node of parseAst(code).body) {
    if (node.type !== 'ImportDeclaration' || node.specifiers.length === 0) continue;
    const name = String(node.source.value).replace(/^node:/, '');
    if (!BUILTINS.has(name)) continue;
    const builtin = builtinModule(name);
    const named: string[] = [];
    let statements = '';
    for (const specifier of node.specifiers) {
      const local = specifier.local.name;
      const imported = specifier.type !== 'ImportSpecifier' ? 'default' : nameOf(specifier.imported);
      if (name === 'fs/promises' && SAME_AS_PROMISES.has(imported))
        statements += `const ${local} = ${builtinModule('util')}.promisify(${builtinModule('fs')}.${imported});`;
      else if (imported === 'default') statements += `const ${local} = ${builtin};`;
      else named.push(imported === local ? local : `${JSON.stringify(imported)}: ${local}`);
    }
    if (named.length > 0) statements += `const { ${named.join(', ')} } = ${builtin};`;
    lean += code.slice(copied, node.start) + statements;
    copied = node.end;
  }
  return lean + code.slice(copied);
}

function builtinModule(name: string): string {
  return `globalThis.process.getBuiltinModule(${JSON.stringify(`node:${name}`)})`;
}

/** In strings, templates, regular expressions and names an escape means the same; in comments nobody minds. */
export function asAscii(code: string): string {
  return code.replace(/(\\*)([^\0-\x7f])/g, (_all, before: string, unit: string) => {
    // A backslash that stood for nothing before such a character would make two of the one that begins the escape.
    const kept = before.length % 2 === 0 ? before : before.slice(1);
    return `${kept}\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function nameOf(imported: { type: string; name?: string; value?: unknown }): string {
  return imported.type === 'Identifier' ? String(imported.name) : String(imported.value);
}
