import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApiServer, type ApiServer } from '../kube/api-server.ts';
import { kubeBinaries } from '../kube/binaries.ts';
import { until } from '../kube/until.ts';
import { serverAsker, type Answer } from './ask-server.ts';
import { difference, EXPLAINED, oursOn } from './compare.ts';
import { makeManifests, type Manifest } from './make-manifests.ts';

/** `ADIT_AGREEMENT=2500 ADIT_SEED=7` asks for more, and for others. */
const COUNT = Number(process.env['ADIT_AGREEMENT'] ?? 400);
const SEED = Number(process.env['ADIT_SEED'] ?? 1);
const FOLDER = join(import.meta.dirname, '..', '..', 'shared', 'crds');
const AT_ONCE = 4;

const binaries = await kubeBinaries();

describe.skipIf(!binaries)(`${COUNT} manifests of seed ${SEED}, at a real API server and here`, () => {
  let server: ApiServer;
  const asked: { manifest: Manifest; answer: Answer }[] = [];

  beforeAll(async () => {
    if (!binaries) return;
    server = await startApiServer(binaries);
    for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.yaml')))
      await server.kubectl(['apply', '--server-side', '-f', join(FOLDER, name)]);
    await server.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
    const manifests = makeManifests(COUNT, SEED);
    const asker = await serverAsker(server);
    const collections = new Map(manifests.map((manifest) => [manifest.collection, manifest]));
    for (const one of collections.values())
      await until(`${one.collection} is served`, async () => (await asker.ask(one)).status !== 404);
    for (let at = 0; at < manifests.length; at += AT_ONCE) {
      const some = manifests.slice(at, at + AT_ONCE);
      asked.push(...(await Promise.all(some.map(async (manifest) => ({ manifest, answer: await asker.ask(manifest) })))));
    }
    await asker.close();
  });
  afterAll(async () => await server?.stop());

  it('cover every kind, and both verdicts', () => {
    const share = asked.filter(({ answer }) => answer.accepted).length / asked.length;
    expect(asked).toHaveLength(COUNT);
    expect(share).toBeGreaterThan(0.2);
    expect(share).toBeLessThan(0.8);
    expect(asked.filter(({ answer }) => answer.causes.length > 0).length).toBeGreaterThan(COUNT / 8);
    expect(asked.filter(({ answer }) => answer.decoding.length > 0).length).toBeGreaterThan(COUNT / 40);
    expect(new Set(asked.map(({ manifest }) => manifest.kind.kind)).size).toBe(readdirSync(FOLDER).filter((file) => file.endsWith('.yaml')).length);
  });

  it('get the same verdict, with the same types, paths and words', () => {
    const different = asked.flatMap(({ manifest: { what, text }, answer }) => {
      const found = difference(oursOn(text), answer);
      if (found === undefined || EXPLAINED.some(({ holds }) => holds(text, found))) return [];
      return [`${what}\n  ${found}\n  ${text}`];
    });
    expect(different).toEqual([]);
  });
}); // prettier-ignore
