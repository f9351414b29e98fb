import { Agent, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One GET to an address with the given Host; rejects on a connection error. */
export function get(
  address: string,
  host: string,
  path = '/',
  headers: Record<string, string> = {},
  agent?: Agent,
): Promise<Answer> {
  const [hostname, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        hostname,
        port: Number(port),
        path,
        headers: { ...headers, host },
        ...(agent ? { agent } : {}),
        timeout: 10_000,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }),
        );
        response.on('error', reject);
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('no answer within 10 s')));
    sent.on('error', reject);
    sent.end();
  });
}

export interface Load {
  /** What was not the expected status, with the reason. */
  readonly failures: readonly string[];
  readonly sent: number;
  /** Ends the load and waits for what is in flight. */
  stop(): Promise<void>;
}

/** Constant GETs at a rate, each on a kept-alive connection, until stopped. */
export function startLoad(
  address: string,
  host: string,
  options: { perSecond: number; expected: number; path?: string; headers?: Record<string, string> },
): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const failures: string[] = [];
  const inFlight = new Set<Promise<void>>();
  let sent = 0;
  const started = Date.now();
  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - started) / 1000) * options.perSecond);
    // What the machine could not send in time is not sent in one burst later.
    for (let n = Math.min(due - sent, 50); n > 0; n--) fire();
    sent = Math.max(sent, due);
  }, 5);

  function fire(): void {
    const at = Date.now() - started;
    const one = get(address, host, options.path ?? '/', options.headers ?? {}, agent)
      .then((answer) => {
        if (answer.status !== options.expected)
          failures.push(`at ${at} ms: ${answer.status} ${answer.body.slice(0, 200)}`);
      })
      .catch((error: Error) => failures.push(`at ${at} ms: ${error.message}`))
      .then(() => void inFlight.delete(one));
    inFlight.add(one);
  }

  return {
    failures,
    get sent() {
      return sent;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(inFlight);
      agent.destroy();
    },
  };
}
