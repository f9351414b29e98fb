import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GatewayConfig } from '../../../shared/gateway/config.ts';
import type { Session } from '../../../shared/yamux/session.ts';
import type { YamuxStream } from '../../../shared/yamux/types.ts';
import { Recorder } from '../../recorder/recorder.ts';
import { Gateway, type GatewayOptions, type Serves } from '../gateway.ts';
import { loadRe2 } from '../re2.ts';
import { tunnelPair } from './tunnel-pair.ts';
import { VisitorStream, type Answer, type Ask } from './visitor.ts';

export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** Answers with what it received. */
export const mirror: RequestListener = (request, response) => {
  void readAll(request).then((body) => {
    response.setHeader('Content-Type', 'application/json');
    response.end(
      JSON.stringify({
        method: request.method,
        url: request.url,
        headers: request.headers,
        raw: request.rawHeaders,
        body: body.toString(),
      }),
    );
  });
};

export async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export interface UnderTest {
  readonly gateway: Gateway;
  readonly recorder: Recorder;
  readonly upstream: Server;
  readonly url: string;
  apply(config: GatewayConfig, placement?: Partial<Serves>): void;
  /** The agent's end. */
  readonly session: Session;
  /** A stream as a broker opens it. */
  open(): YamuxStream;
  visitor(): VisitorStream;
  ask(target: string, ask?: Ask): Promise<Answer>;
  close(): Promise<void>;
}

/** A gateway at the end of a real session, with a real upstream behind it. */
export async function gatewayUnderTest(
  config: GatewayConfig,
  listener: RequestListener = mirror,
  options: Partial<GatewayOptions> = {},
): Promise<UnderTest> {
  await loadRe2();
  const upstream = createServer(listener);
  const url = await listen(upstream);
  const recorder = new Recorder();
  const gateway = new Gateway({ recorder, ...options });
  const pair = tunnelPair((stream) => gateway.accept(stream, { broker: 'b1', region: 'local' }));
  const apply = (next: GatewayConfig, placement: Partial<Serves> = {}): void =>
    gateway.apply(next, {
      hostMap: placement.hostMap ?? new Map([['shop.preview.test', null]]),
      upstreams: placement.upstreams ?? new Map([['shop/web:80', url]]),
      plans: placement.plans,
    });
  apply(config);
  return {
    gateway,
    recorder,
    upstream,
    url,
    apply,
    session: pair.agent,
    open: () => pair.broker.open(),
    visitor: () => new VisitorStream(pair.broker),
    async ask(target, ask) {
      const visitor = new VisitorStream(pair.broker);
      try {
        return await visitor.ask(target, ask);
      } finally {
        visitor.stream.end();
      }
    },
    async close() {
      await gateway.close();
      await pair.close();
      await closeServer(upstream);
    },
  };
}
