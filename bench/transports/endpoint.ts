import { readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { tcp, webSocket, yamuxOver } from './carriers.ts';
import { grpcCall } from './grpc-carrier.ts';
import { http2Streams } from './http2.ts';
import type { Certificates, Forward, Multiplexer } from './multiplexer.ts';

/** The transports whose ends are programs of ours, all in TLS. */
const multiplexers: Readonly<Record<string, Multiplexer>> = {
  'yamux-wss': yamuxOver(webSocket),
  'yamux-tcp': yamuxOver(tcp),
  'yamux-grpc': yamuxOver(grpcCall),
  http2: http2Streams,
};

/** Started as a process of its own. */
export const endpointProgram = import.meta.filename;

/** Every transport is dialled again after the same pause, so that what differs is the transport. */
export const REDIAL_MS = 100;

async function broker(multiplexer: Multiplexer, certificates: Certificates): Promise<void> {
  let forward: Forward | undefined;
  const tunnel = await multiplexer.serve(certificates, (next) => (forward = next));
  const visitors = createServer({ allowHalfOpen: true }, (visitor) => {
    if (forward === undefined) visitor.destroy();
    else forward(visitor);
  });
  visitors.listen(0, '127.0.0.1', () => {
    const address = visitors.address();
    if (typeof address === 'object' && address !== null) console.log(`listening ${address.port} ${tunnel}`);
  });
}

async function agent(
  multiplexer: Multiplexer,
  certificates: Certificates,
  tunnel: number,
  upstream: number,
): Promise<void> {
  for (;;) {
    await multiplexer
      .link(tunnel, certificates, () => connect({ port: upstream, host: '127.0.0.1', allowHalfOpen: true }))
      .catch((error: unknown) => console.error(String(error)));
    await wait(REDIAL_MS);
  }
}

/** `endpoint.ts KIND FOLDER` is the broker, `endpoint.ts KIND FOLDER TUNNEL-PORT UPSTREAM-PORT` the agent. */
if (import.meta.main) {
  const [kind = '', folder = '', tunnel, upstream] = process.argv.slice(2);
  const multiplexer = multiplexers[kind];
  if (multiplexer === undefined) throw new Error(`no transport is called ${kind}`);
  const read = (name: string): string => readFileSync(`${folder}/${name}.pem`, 'utf8');
  const certificates = { ca: read('ca'), cert: read('cert'), key: read('key') };
  if (tunnel === undefined) await broker(multiplexer, certificates);
  else await agent(multiplexer, certificates, Number(tunnel), Number(upstream));
}
