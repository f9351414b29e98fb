import type { Missing } from '../peers/peer.ts';
import { startServer } from '../peers/server-process.ts';
import { endpointProgram } from './endpoint.ts';
import { startSshServer } from './ssh.ts';
import { bridgeProgram } from './ws-bridge.ts';

/** A way to bring a visitor's TCP connections to an upstream that only dials out. */
export interface Transport {
  readonly name: string;
  start(folder: string, upstream: number): Promise<RunningTransport | Missing>;
}

export interface RunningTransport {
  /** Port that agents dial. */
  readonly tunnel: number;
  readonly brokers: readonly number[];
  /** Starts the agent, which reaches the broker by `through`. */
  agent(through: number): Promise<RunningAgent>;
  stop(): Promise<void>;
}

export interface RunningAgent {
  /** Port of the visitors. */
  readonly visitors: number;
  readonly pids: readonly number[];
  /** What its processes wrote, for when it does not work. */
  said(): string;
  stop(): Promise<void>;
}

/** Nothing in between: what HTTP alone costs. */
export const noTransport: Transport = {
  name: 'no tunnel',
  start: (_folder, upstream) =>
    Promise.resolve({
      tunnel: upstream,
      brokers: [],
      agent: (through) =>
        Promise.resolve({ visitors: through, pids: [], said: () => '', stop: () => Promise.resolve() }),
      stop: () => Promise.resolve(),
    }),
};

/** A multiplexer of `endpoint.ts`, each end a process. */
export function ours(name: string, kind: string): Transport {
  return {
    name,
    async start(folder, upstream) {
      const broker = await startServer(process.execPath, [endpointProgram, kind, folder]);
      const [, visitors = '', tunnel = ''] = await broker.says(/listening (\d+) (\d+)\n/);
      return {
        tunnel: Number(tunnel),
        brokers: [broker.pid],
        async agent(through) {
          const agent = await startServer(process.execPath, [
            endpointProgram,
            kind,
            folder,
            String(through),
            `${upstream}`,
          ]);
          return { visitors: Number(visitors), pids: [agent.pid], said: agent.said, stop: () => agent.stop() };
        },
        stop: () => broker.stop(),
      };
    },
  };
}

export const sshOverTcp: Transport = {
  name: 'SSH over TCP (OpenSSH -R)',
  async start(folder, upstream) {
    const server = await startSshServer(folder);
    if ('missing' in server) return server;
    return {
      tunnel: server.port,
      brokers: [server.pid],
      async agent(through) {
        const forward = await server.forward(through, upstream);
        return { visitors: forward.visitors, pids: forward.pids(), said: forward.said, stop: () => forward.stop() };
      },
      stop: () => server.stop(),
    };
  },
};

export const sshOverWebSocket: Transport = {
  name: 'SSH over WebSocket',
  async start(folder, upstream) {
    const server = await startSshServer(folder);
    if ('missing' in server) return server;
    const bridge = await startServer(process.execPath, [bridgeProgram, 'server', folder, String(server.port)]);
    const [, tunnel = ''] = await bridge.says(/listening (\d+)\n/);
    return {
      tunnel: Number(tunnel),
      brokers: [server.pid, bridge.pid],
      async agent(through) {
        const wrapper = await startServer(process.execPath, [bridgeProgram, 'client', folder, String(through)]);
        const [, port = ''] = await wrapper.says(/listening (\d+)\n/);
        const forward = await server.forward(Number(port), upstream);
        return {
          visitors: forward.visitors,
          pids: [wrapper.pid, ...forward.pids()],
          said: () => `${wrapper.said()}${forward.said()}`,
          async stop() {
            await forward.stop();
            await wrapper.stop();
          },
        };
      },
      async stop() {
        await bridge.stop();
        await server.stop();
      },
    };
  },
};
