import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { certificateAuthority } from '../../testing/certificates.ts';

/** An https server of key sets that counts who asks. */
export interface KeyServer {
  readonly url: string;
  readonly ca: string;
  asked: number;
  status: number;
  keys: readonly object[];
  stop(): Promise<void>;
}

export async function startKeyServer(keys: readonly object[]): Promise<KeyServer> {
  const authority = await certificateAuthority();
  const { cert, key } = await authority.issue([{ type: 'ip', value: '127.0.0.1' }]);
  const server = createServer({ cert, key }, (_request, response) => {
    started.asked += 1;
    response.statusCode = started.status;
    response.end(JSON.stringify({ keys: started.keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const started: KeyServer = {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    ca: authority.ca,
    asked: 0,
    status: 200,
    keys,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return started;
}
