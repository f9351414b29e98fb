import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { AgentError, toAgentError } from '../../errors.ts';
import type { BcryptQuestion } from './bcrypt-worker.ts';

/** Threads at most: one processor is left to the requests that need no password. */
const MAX_THREADS = Math.max(1, Math.min(4, availableParallelism() - 1));
/** Comparisons that run or wait; each costs a tenth of a second and more. */
const MAX_ASKED = 64;
/** Right passwords are remembered, so threads are needed seldom: they go when nobody asked for so long. */
const IDLE_MS = 10_000;

interface Job {
  readonly question: BcryptQuestion;
  readonly right: (right: boolean) => void;
  readonly failed: (error: Error) => void;
}

/** Compares passwords with bcrypt digests in threads of their own, so that requests go on meanwhile. */
export class BcryptPool {
  readonly #idle: Worker[] = [];
  readonly #running = new Map<Worker, Job>();
  readonly #waiting: Job[] = [];
  #retire: NodeJS.Timeout | undefined;

  /** Rejects with `auth-unavailable` when too many are asked for, or when a thread cannot run. */
  compare(question: BcryptQuestion): Promise<boolean> {
    if (this.#running.size + this.#waiting.length >= MAX_ASKED)
      return Promise.reject(
        new AgentError('auth-unavailable', `${MAX_ASKED} passwords are being checked; ask again in a moment.`),
      );
    return new Promise((right, failed) => {
      this.#waiting.push({ question, right, failed });
      this.#next();
    });
  }

  #next(): void {
    if (this.#idle.length === 0 && this.#running.size >= MAX_THREADS) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    try {
      const worker = this.#idle.pop() ?? this.#start();
      this.#running.set(worker, job);
      worker.postMessage(job.question);
    } catch (error) {
      job.failed(toAgentError(error, 'auth-unavailable'));
    }
  }

  #start(): Worker {
    const worker = new Worker(workerFile());
    // Nobody waits for a password when the process is to end.
    worker.unref();
    worker.on('message', (right: boolean) => {
      this.#settled(worker)?.right(right);
      this.#idle.push(worker);
      clearTimeout(this.#retire);
      this.#retire = setTimeout(() => this.#retireIdle(), IDLE_MS).unref();
      this.#next();
    });
    const onEnd = (why: string): void => {
      const at = this.#idle.indexOf(worker);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#settled(worker)?.failed(new AgentError('auth-unavailable', `A password cannot be checked: ${why}.`));
      this.#next();
    };
    worker.once('error', (error) => onEnd(error instanceof Error ? error.message : String(error)));
    worker.once('exit', (code) => onEnd(`its thread ended with ${code}`));
    return worker;
  }

  #settled(worker: Worker): Job | undefined {
    const job = this.#running.get(worker);
    this.#running.delete(worker);
    return job;
  }

  #retireIdle(): void {
    for (const worker of this.#idle.splice(0)) void worker.terminate();
  }
}

/** One for the process: the processors are what it shares out. */
export const bcryptPool = new BcryptPool();

/** Beside this file, as sources are and the parts of `dist/agent/`; or below it, from `dist/*.js`. */
function workerFile(): URL {
  const here = import.meta.url;
  const places = here.endsWith('.ts') ? ['./bcrypt-worker.ts'] : ['./bcrypt-worker.js', './agent/bcrypt-worker.js'];
  const urls = places.map((place) => new URL(place, here));
  const found = urls.find((url) => existsSync(url));
  if (found === undefined)
    throw new AgentError('auth-unavailable', `${urls.join(' and ')} are not there: build or install adit anew.`);
  return found;
}
