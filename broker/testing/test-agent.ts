import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { WebSocket } from 'ws';
import { brokerMessage, TUNNEL_SUBPROTOCOL } from '../../shared/tunnel/protocol.ts';
import type { BrokerMessage } from '../../shared/tunnel/protocol.ts';
import { Session } from '../../shared/yamux/session.ts';
import { toDuplex } from '../../shared/yamux/to-duplex.ts';
import type { YamuxStream } from '../../shared/yamux/types.ts';
import { WsChannel } from '../../shared/yamux/testing/ws-channel.ts';

export interface TestAgentOptions {
  readonly token: string;
  readonly hosts: readonly string[];
  readonly agent?: string;
  readonly generation?: number;
  /** Of this machine. */
  readonly localAddress?: string;
  /** False: sends no pings, so that it is silent once its socket is paused. */
  readonly keepAlive?: false;
  /** Answers requests, by `node:http` on each stream. */
  readonly onRequest?: RequestListener;
  /** Takes the streams as they are instead. */
  readonly onStream?: (stream: YamuxStream) => void;
  /** Changes the HTTP server before it is used. */
  readonly prepare?: (server: Server) => void;
}

/** A small real agent: WebSocket, yamux session, control stream, and a `node:http` server on the other streams. */
export class TestAgent {
  readonly messages: BrokerMessage[] = [];
  readonly session: Session;
  readonly socket: WebSocket;
  streams = 0;
  #send: (line: string) => void = () => undefined;
  #waiters: { readonly type: string; resolve(message: BrokerMessage): void }[] = [];

  static async dial(url: string, options: TestAgentOptions): Promise<TestAgent> {
    const socket = new WebSocket(url, TUNNEL_SUBPROTOCOL, {
      headers: { authorization: `Bearer ${options.token}` },
      perMessageDeflate: false,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    });
    const agent = await new Promise<TestAgent>((resolve, reject) => {
      // At once: the first message may come with the handshake, before a promise would go on.
      socket.once('open', () => resolve(new TestAgent(socket, options)));
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (piece: Buffer) => (body += piece.toString()));
        response.on('end', () => reject(new Error(`${response.statusCode} ${body}`)));
      });
    });
    if (options.hosts.length > 0) await agent.received('host-added');
    return agent;
  }

  private constructor(socket: WebSocket, options: TestAgentOptions) {
    this.socket = socket;
    const server = createServer(
      { keepAliveTimeout: 60_000, requestTimeout: 0 },
      options.onRequest ?? ((_request, response) => response.end('ok')),
    );
    options.prepare?.(server);
    let control = true;
    this.session = new Session(new WsChannel(socket), {
      role: 'client',
      ...(options.keepAlive === undefined ? {} : { keepAlive: options.keepAlive }),
      onStream: (stream) => {
        if (control) {
          control = false;
          this.#takeControl(stream, options);
          return;
        }
        this.streams += 1;
        if (options.onStream !== undefined) options.onStream(stream);
        else {
          const duplex = toDuplex(stream);
          duplex.on('error', () => duplex.destroy());
          server.emit('connection', duplex);
        }
      },
      onClosed: () => server.close(),
    });
  }

  send(message: object): void {
    this.#send(`${JSON.stringify(message)}\n`);
  }

  /** The first message of this type, also when it has come already. */
  received(type: BrokerMessage['type']): Promise<BrokerMessage> {
    const known = this.messages.find((message) => message.type === type);
    if (known !== undefined) return Promise.resolve(known);
    return new Promise((resolve) => this.#waiters.push({ type, resolve }));
  }

  #takeControl(stream: YamuxStream, options: TestAgentOptions): void {
    let text = '';
    this.#send = (line) => void stream.write(Buffer.from(line));
    stream.attach({
      onData: (bytes) => {
        stream.consumed(bytes.length);
        text += Buffer.from(bytes).toString();
        for (let lf = text.indexOf('\n'); lf >= 0; lf = text.indexOf('\n')) {
          this.#onMessage(brokerMessage.parse(JSON.parse(text.slice(0, lf))));
          text = text.slice(lf + 1);
        }
      },
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClosed: () => undefined,
    });
    this.send({
      type: 'hello',
      agent: options.agent ?? 'agent-1',
      version: '0',
      generation: options.generation ?? 1,
      hosts: options.hosts,
    });
  }

  #onMessage(message: BrokerMessage): void {
    this.messages.push(message);
    this.#waiters = this.#waiters.filter((waiter) => {
      if (waiter.type !== message.type) return true;
      waiter.resolve(message);
      return false;
    });
  }
}
