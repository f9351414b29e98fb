import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

import { WebSocketServer } from 'ws';

import type { BrokerRecord } from '../../../shared/control/api.ts';
import { TUNNEL_SUBPROTOCOL, agentMessage } from '../../../shared/tunnel/protocol.ts';
import type { AgentMessage, BrokerMessage } from '../../../shared/tunnel/protocol.ts';
import { Session } from '../../../shared/yamux/session.ts';
import type { YamuxStream } from '../../../shared/yamux/types.ts';
import { WsChannel } from '../../../shared/yamux/testing/ws-channel.ts';

export interface Served {
  readonly session: Session;
  readonly control: YamuxStream;
  readonly said: AgentMessage[];
}

export interface TestBrokerOptions {
  /** What it calls itself in its hello; the id by default. */
  readonly name?: string;
  readonly region?: string;
  readonly port?: number;
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Status for a bearer; 101 lets it in. */
  readonly judge?: (token: string) => number;
}

/** The broker's side of the tunnel protocol over a real WebSocket: upgrades, says hello, opens streams. */
export class TestBroker {
  readonly record: BrokerRecord;
  /** Sessions that are open. */
  readonly sessions = new Set<Served>();
  /** Bearers of all dials, in order. */
  readonly dials: string[] = [];
  /** What all sessions said, also those that are over. */
  readonly heard: AgentMessage[] = [];
  readonly #server: Server;
  readonly #sockets: WebSocketServer;

  private constructor(
    server: Server,
    id: string,
    { name = id, region = 'r1', tls, judge = () => 101 }: TestBrokerOptions,
  ) {
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const address = `127.0.0.1:${port}`;
    this.record = {
      id,
      region,
      tunnel: `${tls ? 'wss' : 'ws'}://${address}/tunnel`,
      address,
      sessions: 0,
      draining: false,
    };
    this.#server = server;
    this.#sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: () => TUNNEL_SUBPROTOCOL,
      perMessageDeflate: false,
    });
    server.on('upgrade', (request, socket, head) => {
      const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
      this.dials.push(token);
      const status = judge(token);
      if (status !== 101) {
        const problem = JSON.stringify({ title: 'no', status, detail: 'the token is not good' });
        socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: ${problem.length}\r\nconnection: close\r\n\r\n${problem}`);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        const session: Session = new Session(new WsChannel(webSocket), {
          role: 'server',
          onClosed: () => this.sessions.delete(served),
        });
        const control = session.open();
        const served: Served = { session, control, said: [] };
        this.sessions.add(served);
        read(control, served.said, this.heard);
        this.say(served, { type: 'hello', broker: name, region, session: 's', version: 'test' });
      });
    });
  }

  static async start(id: string, options: TestBrokerOptions = {}): Promise<TestBroker> {
    const server: Server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    return new TestBroker(server, id, options);
  }

  say({ control }: Served, message: BrokerMessage | { type: string }): void {
    control.write(Buffer.from(`${JSON.stringify(message)}\n`));
  }

  only(): Served {
    const [served, ...more] = this.sessions;
    if (served === undefined || more.length > 0)
      throw new Error(`${this.record.id} has ${this.sessions.size} sessions, not one`);
    return served;
  }

  /** As SIGKILL does: every connection is cut, the port is closed. */
  async kill(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    await closed;
  }
}

function read(control: YamuxStream, ...said: AgentMessage[][]): void {
  let rest = '';
  control.attach({
    onData: (bytes) => {
      control.consumed(bytes.length);
      const lines = (rest + Buffer.from(bytes).toString('utf8')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) for (const list of said) list.push(agentMessage.parse(JSON.parse(line)));
    },
    onEnd: () => undefined,
    onDrain: () => undefined,
    onClosed: () => undefined,
  });
}
