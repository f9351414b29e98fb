import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/**
 * GETs at a steady rate over kept connections, by bare sockets: the load must cost little beside what it loads. Argument:
 * the settings as JSON. Prints a progress line ten times a second, and the report once standard input ends.
 */
const settings = z
  .object({
    address: z.string(),
    host: z.string(),
    path: z.string(),
    perSecond: z.number(),
    connections: z.number(),
    expected: z.number(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''));

const ANSWER_WITHIN_MS = 20_000;
const MAX_TOLD_FAILURES = 50;
const [hostname = '127.0.0.1', port = '80'] = settings.address.split(':');
const request = Buffer.from(`GET ${settings.path} HTTP/1.1\r\nHost: ${settings.host}\r\n\r\n`);
const started = performance.now();
const latencies: number[] = [];
const failures: string[] = [];
let failed = 0;
let sent = 0;
let answered = 0;
let missed = 0;
let due = 0;
let stopping = false;

interface Connection {
  readonly socket: Socket;
  sentAt: number;
  received: Buffer;
  bodyLeft: number;
  close: boolean;
}
const idle: Connection[] = [];
const busy = new Set<Connection>();

function fail(why: string): void {
  failed += 1;
  if (failures.length < MAX_TOLD_FAILURES) failures.push(`at ${Math.round(performance.now() - started)} ms: ${why}`);
}

function open(): Connection {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  const one: Connection = { socket, sentAt: 0, received: Buffer.alloc(0), bodyLeft: -1, close: false };
  let error = 'the connection ended before the answer';
  socket.on('data', (bytes: Buffer) => take(one, bytes));
  socket.on('error', (cause) => (error = cause.message));
  socket.on('close', () => {
    const at = idle.indexOf(one);
    if (at >= 0) idle.splice(at, 1);
    if (busy.delete(one)) fail(error);
  });
  return one;
}

function send(): void {
  let one = idle.pop();
  if (one === undefined) {
    if (busy.size >= settings.connections) {
      missed += 1;
      return;
    }
    one = open();
  }
  one.sentAt = performance.now();
  one.bodyLeft = -1;
  busy.add(one);
  sent += 1;
  one.socket.write(request);
}

function take(one: Connection, bytes: Buffer): void {
  if (!busy.has(one)) {
    fail(`bytes without a request: ${bytes.toString('latin1', 0, 80)}`);
    one.socket.destroy();
    return;
  }
  let rest = bytes;
  if (one.bodyLeft < 0) {
    one.received = one.received.length === 0 ? bytes : Buffer.concat([one.received, bytes]);
    const end = one.received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = one.received.toString('latin1', 0, end);
    rest = one.received.subarray(end + 4);
    one.received = Buffer.alloc(0);
    const status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (status !== settings.expected || length === undefined) {
      fail(`${head.split('\r\n', 1)[0]} ${rest.toString('latin1', 0, 200)}`);
      busy.delete(one);
      one.socket.destroy();
      return;
    }
    one.close = /\r\nconnection: *close/i.test(head);
    one.bodyLeft = Number(length);
  }
  one.bodyLeft -= rest.length;
  if (one.bodyLeft > 0) return;
  busy.delete(one);
  answered += 1;
  latencies.push(performance.now() - one.sentAt);
  if (one.close || stopping) one.socket.end();
  else idle.push(one);
}

const timer = setInterval(() => {
  const now = performance.now();
  const total = Math.floor(((now - started) / 1000) * settings.perSecond);
  // What the machine could not send in time is not sent in one burst later.
  const burst = Math.min(total - due, settings.connections);
  missed += Math.max(0, total - due - burst);
  due = total;
  for (let n = 0; n < burst; n += 1) send();
}, 4);
const progress = setInterval(() => {
  const now = performance.now();
  for (const one of busy) {
    if (now - one.sentAt < ANSWER_WITHIN_MS) continue;
    busy.delete(one);
    fail(`no answer within ${ANSWER_WITHIN_MS} ms`);
    one.socket.destroy();
  }
  console.log(JSON.stringify({ event: 'progress', sent, answered, failed }));
}, 100);

createInterface({ input: process.stdin }).on('close', () => {
  stopping = true;
  clearInterval(timer);
  const seconds = (performance.now() - started) / 1000;
  const finish = setInterval(() => {
    if (busy.size > 0) return;
    clearInterval(finish);
    clearInterval(progress);
    for (const one of idle) one.socket.destroy();
    const sorted = latencies.toSorted((a, b) => a - b);
    const quantile = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
    const report = {
      event: 'report',
      sent,
      answered,
      failed,
      missed,
      failures,
      perSecond: Math.round(sent / seconds),
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
      maxMs: sorted.at(-1) ?? 0,
    };
    process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
  }, 20);
});
