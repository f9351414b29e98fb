import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { Gateway } from '../../agent/gateway/gateway.ts';
import { tunnelPair } from '../../agent/gateway/testing/tunnel-pair.ts';
import { VisitorStream } from '../../agent/gateway/testing/visitor.ts';
import { Recorder } from '../../agent/recorder/recorder.ts';
import { FolderSource } from '../../agent/sources/folder-source.ts';
import { manyFiles } from './workspace.ts';

const MOST_MS = 5_000;
const FILES = 200;

/** ms from a file being written to the first answer that is as it says, by the agent's source, gateway and a session. */
export async function editToLive(edits: number): Promise<number[]> {
  const dir = await mkdtemp(join(tmpdir(), 'adit-bench-'));
  const gateway = new Gateway({ recorder: new Recorder() });
  const source = new FolderSource({
    dir,
    upstreams: {},
    log: pino({ level: 'silent' }),
    onUpdate: (update) => {
      if (update.kind === 'config')
        gateway.apply(update.config, {
          hostMap: new Map([['live.preview', 'live.test']]),
          upstreams: update.upstreams,
        });
    },
  });
  const pair = tunnelPair((stream) => gateway.accept(stream, { broker: 'b', region: 'local' }));
  const visitor = new VisitorStream(pair.broker);
  try {
    for (const { path, text } of [...manyFiles(FILES), { path: 'live.yaml', text: redirect(0) }]) {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), text);
    }
    await source.start();
    const tookMs: number[] = [];
    for (let edit = 1; edit <= edits; edit += 1) {
      await writeFile(join(dir, 'live.yaml'), redirect(edit));
      const begun = performance.now();
      while ((await visitor.ask('/', { host: 'live.preview' })).header('location') !== `http://live.preview/${edit}`) {
        if (performance.now() - begun > MOST_MS) throw new Error(`edit ${edit} is not live after ${MOST_MS} ms`);
        await sleep(1);
      }
      tookMs.push(performance.now() - begun);
    }
    return tookMs;
  } finally {
    visitor.stream.end();
    await source.close();
    await gateway.close();
    await pair.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** The gateway answers it alone, so that no upstream is in the way. */
function redirect(edit: number): string {
  return `apiVersion: v1
kind: Service
metadata: { name: live, namespace: ns }
spec: { ports: [{ port: 80 }] }
---
apiVersion: traefik.io/v1alpha1
kind: Middleware
metadata: { name: away, namespace: ns }
spec: { redirectRegex: { regex: '^.*$', replacement: 'http://live.preview/${edit}' } }
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: live, namespace: ns }
spec:
  routes:
    - match: Host(\`live.test\`)
      kind: Rule
      middlewares: [{ name: away }]
      services: [{ name: live, port: 80 }]
`;
}
