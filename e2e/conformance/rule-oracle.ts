import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { findProgram, type Recipe } from '../../bench/peers/find-program.ts';
import { startServer, type ServerProcess } from '../../bench/peers/server-process.ts';
import type { Ask } from './exchange.ts';

export interface RuleRoute {
  readonly rule: string;
  readonly syntax: 'v2' | 'v3';
  /** 0: the length of the rule counts. */
  readonly priority: number;
}

export interface RuleVerdict {
  /** Of each route why it is refused; empty when it is not. */
  readonly refused: readonly string[];
  /** Of each request the index of the route that takes it, or -1. */
  readonly taken: readonly number[];
}

const sources = join(import.meta.dirname, 'rule-oracle');
const name = 'adit-rule-oracle';
const recipe: Recipe = {
  name,
  version: ['main.go', 'go.sum']
    .reduce((hash, file) => hash.update(readFileSync(join(sources, file))), createHash('sha256'))
    .digest('hex')
    .slice(0, 12),
  tool: 'go',
  cwd: sources,
  args: (into) => ['build', '-mod=readonly', '-o', join(into, name), '.'],
};
const Verdict = z.object({ refused: z.array(z.string()), taken: z.array(z.number()) });

/** Traefik's own muxer, in a process that takes routes and requests and says what becomes of each. */
export class RuleOracle {
  #process: ServerProcess;
  #lines: AsyncIterator<string>;

  private constructor(process: ServerProcess) {
    this.#process = process;
    const { stdout } = process.child;
    if (stdout === null) throw new Error('the oracle has no output');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** Undefined, with the reason printed, where it cannot be built; with `CI=true` that is an error. */
  static async start(): Promise<RuleOracle | undefined> {
    const program = await findProgram(recipe);
    if (typeof program === 'string') return new RuleOracle(await startServer(program, []));
    const message = `TRAEFIK'S MUXER: ${program.missing}.`;
    if (process.env['CI'] === 'true') throw new Error(`${message} CI=true requires it.`);
    console.warn(`${message} SKIPPING every test against it.`);
    return undefined;
  }

  /** `peer`: the address of the connection that the requests come by. */
  async judge(routes: readonly RuleRoute[], asks: readonly Ask[], peer: string): Promise<RuleVerdict> {
    const question = { routes, asks: asks.map((ask) => ({ head: headOf(ask), peer: `${peer}:1234` })) };
    this.#process.child.stdin?.write(`${JSON.stringify(question)}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error(`the oracle has ended: ${this.#process.said()}`);
    return Verdict.parse(JSON.parse(line.value));
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}

function headOf({ method = 'GET', target, host = '', headers = [] }: Ask): string {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...headers.map(([key, value]) => `${key}: ${value}`)];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
