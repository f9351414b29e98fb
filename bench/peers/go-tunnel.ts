import { findProgram } from './find-program.ts';
import type { Peer } from './peer.ts';
import { goTunnelRecipe } from './recipes.ts';
import { startServer } from './server-process.ts';

/** WebSocket + hashicorp/yamux with the standard library's HTTP at both ends, streams reused. */
export const goTunnelPeer: Peer = {
  name: 'go-tunnel',
  async start(upstream) {
    const program = await findProgram(goTunnelRecipe);
    if (typeof program !== 'string') return program;
    const broker = await startServer(program, []);
    const [, address = '', tunnel = ''] = await broker.says(/listening (\S+) (\S+)\n/);
    const agent = await startServer(program, ['-tunnel', `ws://${tunnel}/`, '-upstream', `http://${upstream}`]);
    await broker.says(/^agent$/m);
    return {
      address,
      parties: { broker: broker.pid, agent: agent.pid },
      async stop() {
        await agent.stop();
        await broker.stop();
      },
    };
  },
};
