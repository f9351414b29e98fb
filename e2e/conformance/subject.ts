import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startUp, type RunningProgram } from '../support/running-stack.ts';
import { SERVICES } from './echo-services.ts';
import { NAMESPACE, namespaceOf } from './objects.ts';

/** Hosts that a case may ask for. Fixed, because each is leased once: a case changes only what they answer. */
export const HOSTS = [
  'app.test',
  'api.test',
  'www.app.test',
  'a.b.app.test',
  'other.test',
  'x1.test',
  'x2.example.test',
  'canary.test',
] as const;

/** `adit up --preview DIR` on a folder that the suite rewrites. */
export interface Subject {
  readonly address: string;
  /** Preview host that stands for a host of the manifests. */
  hostOf(host: string): string;
  write(yaml: string): void;
  program: RunningProgram;
  stop(): Promise<void>;
}

/** `settings`: what `adit.yaml` has besides. */
export async function startSubject(
  port: number,
  firstManifests: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Subject> {
  const home = mkdtempSync(join(tmpdir(), 'adit-conformance-'));
  const dir = join(home, 'work');
  mkdirSync(dir);
  const upstreams = Object.fromEntries(
    Object.entries(SERVICES).map(([name, address]) => [
      `${namespaceOf(name)}/${name}`,
      { url: `http://${address}:${port}` },
    ]),
  );
  writeFileSync(join(dir, 'adit.yaml'), stringify({ name: 'conf', namespace: NAMESPACE, upstreams, ...settings }));
  const write = (yaml: string): void => {
    // In one step, so that no half-written file is ever seen.
    const next = join(home, 'next.yaml');
    writeFileSync(next, yaml);
    renameSync(next, join(dir, 'case.yaml'));
  };
  write(firstManifests);
  try {
    const { program, ready } = await startUp(dir);
    const [broker] = ready.brokers;
    if (broker === undefined) throw new Error('no broker');
    const byStands = new Map(
      (ready as unknown as { hosts: { host: string; stands: string | null }[] }).hosts.map(({ host, stands }) => [
        stands,
        host,
      ]),
    );
    return {
      address: broker.address,
      program,
      hostOf(host) {
        const preview = byStands.get(host);
        if (preview === undefined) throw new Error(`${host} has no preview host; the suite has ${HOSTS.join(', ')}`);
        return preview;
      },
      write,
      async stop() {
        await program.stop();
        rmSync(home, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(home, { recursive: true, force: true });
    throw error;
  }
}
