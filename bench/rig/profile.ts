import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cpuMs } from './cpu-time.ts';

/** What the processor time of one process went to, in shares of 1. */
interface Profile {
  readonly byKind: ReadonlyMap<Kind, number>;
  readonly bySymbol: readonly (readonly [symbol: string, share: number])[];
}

type Kind =
  | 'kernel'
  | 'collector'
  | 'own code'
  | 'code of Node'
  | 'built-in code'
  | 'TLS'
  | 'libuv'
  | 'C++ of Node'
  | 'V8'
  | 'rest';

/** Processes that are to be profiled write the names of their functions for perf (`/tmp/perf-PID.map`). */
export const PROFILED = '--perf-basic-prof';

/** One line of `perf report`: share, library, symbol. */
const LINE = /^\s*([\d.]+)%\s+(\[JIT\] tid \d+|\S+)\s+\[[.k]\]\s+(.*?)(?:\s{2,}.*)?$/;
const COLLECTOR =
  /Scaveng|MarkCompact|Marking|Sweep|Evacuat|Heap::|ConcurrentMark|GCTracer|Worklist|RememberedSet|YoungGen|Safepoint|WriteBarrier|RecordWrite|EphemeronTable/;
const TLS = /aes|gcm|gmac|ghash|EVP_|SSL|ssl3|tls1|tls_|BIO_|CRYPTO_|OSSL|ossl|ERR_|sha\d|TLSWrap|NodeBIO/;

const MOST_SYMBOLS = 30;

/** Prints where the time of a process goes while `load` runs, and what it asks of the kernel. */
export async function printProfile(
  pid: number,
  seconds: number,
  load: () => Promise<{ readonly requests: number; readonly perSecond: number }>,
): Promise<void> {
  const before = cpuMs([pid]);
  const [measured, { byKind, bySymbol }] = await Promise.all([load(), profile(pid, seconds)]);
  const cpuUs = ((cpuMs([pid]) - before) * 1000) / measured.requests;
  const line = (name: string, share: number): string =>
    `| ${name.slice(0, 100)} | ${(share * 100).toFixed(1)} | ${(share * cpuUs).toFixed(2)} |`;
  console.log(`${measured.perSecond.toFixed(0)} requests/s, ${cpuUs.toFixed(1)} µs a request\n`);
  console.log('| kind | % | µs |\n|---|---|---|');
  for (const [kind, share] of [...byKind].toSorted((a, b) => b[1] - a[1])) console.log(line(kind, share));
  console.log('\n| symbol | % | µs |\n|---|---|---|');
  for (const [symbol, share] of bySymbol.slice(0, MOST_SYMBOLS)) console.log(line(symbol, share));
  const [again, calls] = await Promise.all([load(), systemCalls(pid, seconds)]);
  const each = [...calls].map(([name, count]) => `${name} ${(count / (again.perSecond * seconds)).toFixed(3)}`);
  console.log(`\nsystem calls a request: ${each.join(', ')}`);
}

/** Samples one process for so long (Linux, `perf`). */
async function profile(pid: number, seconds: number): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), 'adit-bench-perf-'));
  try {
    const data = join(folder, 'perf.data');
    await run('perf', ['record', '-q', '-F', '1999', '-p', String(pid), '-o', data, '--', 'sleep', String(seconds)]);
    const report = await run('perf', [
      'report',
      '-i',
      data,
      '--stdio',
      '-q',
      '-g',
      'none',
      '--percent-limit',
      '0.02',
      '--sort',
      'dso,symbol',
    ]);
    return read(report);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** System calls of one process by name, in so many seconds. */
async function systemCalls(pid: number, seconds: number): Promise<ReadonlyMap<string, number>> {
  const events =
    'read,write,writev,epoll_pwait,epoll_pwait2,epoll_wait,epoll_ctl,futex,sendmsg,recvmsg,madvise,mprotect,mmap,io_uring_enter';
  const list = events.split(',').flatMap((name) => ['-e', `syscalls:sys_enter_${name}`]);
  const child = spawn('perf', ['stat', '-x', ',', ...list, '-p', String(pid), '--', 'sleep', String(seconds)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await once(child, 'close');
  const counts = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [count = '', , event = ''] = line.split(',');
    if (Number(count) > 0) counts.set(event.replace('syscalls:sys_enter_', ''), Number(count));
  }
  return counts;
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

function read(report: string): Profile {
  const byKind = new Map<Kind, number>();
  const bySymbol: [string, number][] = [];
  for (const line of report.split('\n')) {
    const found = LINE.exec(line);
    if (found === null) continue;
    const [, percent = '', library = '', symbol = ''] = found;
    const share = Number(percent) / 100;
    const kind = kindOf(library, symbol);
    byKind.set(kind, (byKind.get(kind) ?? 0) + share);
    bySymbol.push([`${kind}: ${symbol}`, share]);
  }
  return { byKind, bySymbol };
}

function kindOf(library: string, symbol: string): Kind {
  if (library.startsWith('[kernel')) return 'kernel';
  if (symbol.startsWith('JS:')) return symbol.includes('node:') ? 'code of Node' : 'own code';
  if (/^(?:Builtin|BytecodeHandler|RegExp|Stub|LazyCompile|Script|Eval|Handler):/.test(symbol)) return 'built-in code';
  if (COLLECTOR.test(symbol)) return 'collector';
  if (TLS.test(symbol)) return 'TLS';
  if (symbol.startsWith('uv_')) return 'libuv';
  if (symbol.startsWith('node::')) return 'C++ of Node';
  if (/v8::|Builtins_/.test(symbol)) return symbol.startsWith('Builtins_') ? 'built-in code' : 'V8';
  return 'rest';
}
