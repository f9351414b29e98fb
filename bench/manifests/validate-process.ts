import { mkdtemp, rm, mkdir, writeFile, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { analyze } from '../../shared/manifests/analyze.ts';
import type { SourceFile } from '../../shared/manifests/types.ts';
import { manyFiles } from './workspace.ts';

/** Reads and validates so many files for the first time in this process, then one edit after the other; prints ms, and of the processor. */
const [count = '5000', edits = '20'] = process.argv.slice(2);
const dir = await mkdtemp(join(tmpdir(), 'adit-bench-'));
try {
  const made = manyFiles(Number(count));
  for (const { path, text } of made) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), text);
  }
  const begun = performance.now();
  const atStart = process.cpuUsage();
  const files: SourceFile[] = [];
  for (const { path } of made) files.push({ path, text: await readFile(join(dir, path), 'utf8') });
  const read = performance.now();
  let analysis = analyze(files, { namespace: 'ns' });
  const cold = performance.now();
  const coldCpuMs = cpuSince(atStart);
  if (analysis.documents.length !== files.length || analysis.errors > 0) throw new Error(`${analysis.errors} errors`);
  const editMs: number[] = [];
  const editCpuMs: number[] = [];
  for (let edit = 0; edit < Number(edits); edit += 1) {
    const at: number = (edit * 997) % files.length;
    const file: SourceFile | undefined = files[at];
    if (file === undefined) continue;
    files[at] = { path: file.path, text: `# edit ${edit}\n${file.text}` };
    const before = performance.now();
    const cpuBefore = process.cpuUsage();
    analysis = analyze(files, { namespace: 'ns', previous: analysis });
    editMs.push(performance.now() - before);
    editCpuMs.push(cpuSince(cpuBefore));
  }
  console.log(JSON.stringify({ readMs: read - begun, coldMs: cold - begun, coldCpuMs, editMs, editCpuMs }));
} finally {
  await rm(dir, { recursive: true, force: true });
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
