import { readFile } from 'node:fs/promises';
import { SocketAddress } from 'node:net';
import { endianness, totalmem } from 'node:os';
import { join } from 'node:path';

/**
 * The part of the kernel's memory for TCP, of what it takes as pressure, from which visitors are looked at. Under pressure it
 * drops what comes in on any connection, tunnels included, and those stand still until it is sent again.
 */
const WATCHED_PART = 1 / 4;
/** What the kernel counts TCP's memory in, on all machines that Node is built for but some of ARM. */
const PAGE_BYTES = 4096;
/** Reading through the tables takes at most this part of the time. */
const LOOKING_PART = 1 / 20;
/** Until the next look, when the tables could not be read. */
const BLIND_MS = 60_000;
/** A send queue of less is nobody's fault, and not told. */
export const LEAST_QUEUE_BYTES = 128 * 1024;

/**
 * How much the kernel holds of what was sent to each connection of a listener. A visitor who reads nothing makes it hold up to
 * `tcp_wmem`, 4 MiB as a rule, and some hundred of them all the memory that it has for TCP; Node can neither bound that nor
 * tell of it. Linux only: elsewhere nothing is told.
 */
export class KernelQueues {
  readonly #proc: string;
  #watchedBytes: number | undefined;
  #isLooking = false;
  #nextAt = 0;

  /** `proc`: where procfs is. */
  constructor(proc = '/proc') {
    this.#proc = proc;
  }

  /**
   * Send queues of at least `LEAST_QUEUE_BYTES`, by `ADDRESS:PORT` of the other end; none while memory is plenty. Undefined: no
   * look was taken, as one is under way or the last one was too long ago too little. Never rejects.
   */
  async look(port: number, now: number): Promise<ReadonlyMap<string, number> | undefined> {
    if (this.#isLooking || now < this.#nextAt) return undefined;
    this.#isLooking = true;
    try {
      if (!(await this.#isScarce())) return NONE;
      const queues = new Map<string, number>();
      for (const table of ['tcp', 'tcp6']) {
        const text = await this.#read('self/net', table);
        const startedAt = performance.now();
        addQueues(queues, text, port);
        this.#nextAt = Math.max(this.#nextAt, now) + (performance.now() - startedAt) / LOOKING_PART;
      }
      return queues;
    } catch {
      // Another system, a container that hides these files, or too many open ones for now.
      this.#nextAt = now + BLIND_MS;
      return NONE;
    } finally {
      this.#isLooking = false;
    }
  }

  async #isScarce(): Promise<boolean> {
    this.#watchedBytes ??= WATCHED_PART * (await this.#pressureBytes());
    const pages = /^TCP:.* mem (\d+)/m.exec(await this.#read('self/net', 'sockstat'))?.[1];
    return Number(pages) * PAGE_BYTES > this.#watchedBytes;
  }

  async #pressureBytes(): Promise<number> {
    try {
      return Number((await this.#read('sys/net/ipv4', 'tcp_mem')).split(/\s+/)[1]) * PAGE_BYTES;
    } catch {
      // Containers do not see it. This is what a kernel starts with.
      return totalmem() / 16;
    }
  }

  #read(folder: string, name: string): Promise<string> {
    return readFile(join(this.#proc, folder, name), 'latin1');
  }
}

const NONE: ReadonlyMap<string, number> = new Map();

/** proc(5), `/proc/net/tcp`: number, local and remote address, state, and the queues as `tx:rx`, all in hexadecimal. */
function addQueues(queues: Map<string, number>, table: string, port: number): void {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of table.split('\n')) {
    if (!line.includes(local)) continue;
    const [, from = '', to = '', , sizes = ''] = line.trim().split(/\s+/, 5);
    const bytes = Number.parseInt(sizes, 16);
    if (!from.endsWith(local) || !(bytes >= LEAST_QUEUE_BYTES)) continue;
    const [address = '', remotePort = ''] = to.split(':');
    queues.set(`${addressText(address)}:${Number.parseInt(remotePort, 16)}`, bytes);
  }
}

/** As `plainAddress` writes it, of words in the byte order of the machine. */
function addressText(hex: string): string {
  const bytes = Buffer.from(hex, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16));
  if (groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff') return bytes.subarray(12).join('.');
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address;
}
