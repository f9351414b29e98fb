import fc from 'fast-check';
import { open, type mkdtemp, type readFile, type rm, type writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { asAscii, withoutBuiltinImports } from './lean-chunks.ts';

/** What the variables are after the code has run where `import` is not understood. */
function valuesAfter(code: string, names: readonly string[]): unknown[] {
  const asked: string[] = [];
  const modules: Record<string, unknown> = {
    'node:http': { Agent: 'agent', get: 'get', get WebSocket(): never { throw new Error('read') } }, // prettier-ignore
    'node:fs/promises': { open: 'open' },
    'node:process': { argv: 'argv' },
  };
  const process = { getBuiltinModule: (name: string) => (asked.push(name), modules[name]) };
  return runInNewContext(`${code}; [${names.join(', ')}]`, { process }) as unknown[];
}

test('each form of import of a module of Node reads only what is asked for', () => {
  const code = withoutBuiltinImports(
    `import http, { Agent, get as ask } from "node:http";\nimport * as all from 'http';\nimport { "open" as openIt } from "fs/promises";\nimport { default as other } from "node:http";\n`,
  );
  expect(code).not.toContain('import');
  const [http, agent, ask, all, openIt, other] = valuesAfter(code, ['http', 'Agent', 'ask', 'all', 'openIt', 'other']);
  expect([agent, ask, openIt]).toEqual(['agent', 'get', 'open']);
  expect(http).toBe(all);
  expect(http).toBe(other);
});

test('what is asked of files comes without the module of promises, and does the same', async () => {
  const code = withoutBuiltinImports(
    'import { mkdtemp, "readFile" as read, rm, writeFile } from "node:fs/promises";\nimport { open } from "fs/promises";\n',
  );
  expect(code.match(/getBuiltinModule\("node:fs\/promises"\)/g)).toHaveLength(1);
  const files = runInNewContext(`${code}; ({ mkdtemp, read, rm, writeFile, open })`, { process }) as {
    mkdtemp: typeof mkdtemp;
    read: typeof readFile;
    rm: typeof rm;
    writeFile: typeof writeFile;
    open: unknown;
  };
  expect(files.open).toBe(open);
  const folder = await files.mkdtemp(join(tmpdir(), 'adit-files-'));
  const path = join(folder, 'text');
  await files.writeFile(path, 'é', { mode: 0o600, flag: 'wx', flush: true });
  expect(await files.read(path, 'utf8')).toBe('é');
  await expect(files.writeFile(path, '', { flag: 'wx' })).rejects.toMatchObject({ code: 'EEXIST', path });
  await files.rm(folder, { recursive: true });
  await expect(files.read(path)).rejects.toMatchObject({ code: 'ENOENT', syscall: 'open', path });
});

test('a program may call what it imports `process`', () => {
  const code = withoutBuiltinImports('import process from "node:process";\nimport { Agent } from "node:http";\n');
  expect(valuesAfter(code, ['process.argv', 'Agent'])).toEqual(['argv', 'agent']);
});

test('other imports, what only runs, and text that looks like one stay', () => {
  const code = `import { a } from "./a.js";\nimport "node:http";\nimport b from "https-proxy";\nconst text = 'import x from "node:fs"';\n// import y from "node:fs"\n`;
  expect(withoutBuiltinImports(code)).toBe(code);
});

test('any string, template and regular expression means the same in ASCII', () => {
  const quoted = (text: string): string => JSON.stringify(text);
  const template = (text: string): string => `\`${text.replace(/[\\`$]/g, '\\$&')}\``;
  const unit = fc.oneof(
    fc.constantFrom('\\', '"', '–', '…', 'é', '§', '😀', '\ufeff'),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(fc.array(unit), fc.constantFrom(quoted, template), (parts, write) => {
      const text = parts.join('').replaceAll('\r', '');
      const code = asAscii(write(text));
      expect(code).toMatch(/^[\0-\x7f]*$/);
      expect(runInNewContext(code)).toBe(text);
    }),
  );
});

test('a backslash that stands for nothing before such a character goes', () => {
  for (const [literal, text] of [
    [String.raw`"\–"`, '–'],
    [String.raw`"\\–"`, '\\–'],
    [String.raw`"\\\–"`, '\\–'],
  ] as const)
    expect([literal, runInNewContext(asAscii(literal))]).toEqual([literal, text]);
  expect(runInNewContext(`${asAscii(String.raw`/^[\–é😀]+$/u`)}.test('–é😀')`)).toBe(true);
});

test('code that runs once more is not changed again', () => {
  const code = asAscii('const a = "é";\nconst ü = 1;\n');
  expect(code).toBe('const a = "\\u00e9";\nconst \\u00fc = 1;\n');
  expect(asAscii(code)).toBe(code);
});
