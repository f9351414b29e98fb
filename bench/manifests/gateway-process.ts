import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Gateway } from '../../agent/gateway/gateway.ts';
import { Recorder } from '../../agent/recorder/recorder.ts';
import { analyze } from '../../shared/manifests/analyze.ts';
import { SocketStream } from './socket-stream.ts';
import { configurations, NO_HOST } from './workspace.ts';

/** The gateway of the agent without a tunnel: `gateway-process.ts CONFIGURATION UPSTREAM` prints its port. */
const [name = '', upstream = ''] = process.argv.slice(2);
const { config, errors } = analyze(configurations[name]?.() ?? [], { namespace: 'ns' });
if (errors > 0 || config.routes.length === 0) throw new Error(`${name}: ${errors} errors`);
const gateway = new Gateway({ recorder: new Recorder() });
gateway.apply(config, {
  // Rules without a host are served at a host that stands for none.
  hostMap: new Map<string, string | null>([[NO_HOST, null], ...config.hosts.map((host) => [host, host] as const)]),
  upstreams: new Map([['ns/web:80', `http://${upstream}`]]),
});
const server = createServer({ allowHalfOpen: true }, (socket) =>
  gateway.accept(new SocketStream(socket), { broker: 'none', region: 'local' }),
).listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(`port ${(server.address() as AddressInfo).port}`);
