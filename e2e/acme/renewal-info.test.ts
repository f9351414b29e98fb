import { X509Certificate } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../broker/testing/test-broker.ts';
import { AcmeStage } from './acme-stage.ts';
import { acmeBinaries } from './binaries.ts';

const binaries = await acmeBinaries();

/** Certificates live 90 days here, so that whatever is renewed within a test is renewed because the authority says so. */
describe.skipIf(binaries === undefined)('an authority that says when to renew (RFC 9773)', () => {
  let stage: AcmeStage;

  beforeEach(async () => {
    if (binaries === undefined) return;
    stage = await AcmeStage.prepare(binaries);
    await stage.pebble.start();
    await stage.startBroker();
    await until(() => stage.issued().length === 1, 20_000);
    await stage.stopBroker();
  });
  afterEach(() => stage.remove());

  const window = (startMs: number, endMs: number): unknown => ({
    suggestedWindow: {
      start: new Date(Date.now() + startMs).toISOString(),
      end: new Date(Date.now() + endMs).toISOString(),
    },
  });
  const wish = async (said: unknown): Promise<void> => stage.pebble.sayOfRenewal(await stage.keptCertificate(), said);

  test('a certificate whose time has come by the word of the authority is renewed at once', async () => {
    const { serialNumber: first } = new X509Certificate(await stage.keptCertificate());
    await wish(window(-3_600_000, -1_800_000));
    await stage.startBroker();
    await until(() => stage.issued().length === 2, 20_000);
    const second = await stage.shown(await stage.pebble.root());
    expect(second.serialNumber).not.toBe(first);
    expect(stage.refused()).toEqual([]);
  });

  test('within the window of the authority, and not before it', async () => {
    const from = Date.now() + 4_000;
    await wish(window(4_000, 6_000));
    await stage.startBroker();
    await until(() => stage.issued().length === 2, 20_000);
    expect(Date.now()).toBeGreaterThanOrEqual(from);
  });

  test('an authority that would have each renewed at once is not asked without end', async () => {
    await wish(window(-2_000, -1_000));
    await stage.startBroker({ retry: { firstMs: 3_000, mostMs: 3_000 } });
    await until(() => stage.issued().length === 2, 20_000);
    const second = Date.now();
    await wish(window(-2_000, -1_000));
    await until(() => stage.issued().length === 3, 20_000);
    expect(Date.now() - second).toBeGreaterThan(2_000);
  });

  test('an order names what it replaces; one that was replaced already is renewed without', async () => {
    await copyFile(await stage.keptFile(), join(stage.folder, 'first.pem'));
    await wish(window(-2_000, -1_000));
    await stage.startBroker();
    await until(() => stage.issued().length === 2, 20_000);
    await stage.stopBroker();
    // As after a restore from a backup: the authority knows that this one was replaced.
    await copyFile(join(stage.folder, 'first.pem'), await stage.keptFile());
    await stage.startBroker();
    await until(() => stage.issued().length === 3, 20_000);
    expect(stage.refused()[0]?.reason).toMatch(/^the order for shop\.example\.test was refused: .*replace/i);
    expect(stage.refused()).toHaveLength(1);
  });

  test('nonsense from the authority leaves the time to us', async () => {
    for (const said of [{ suggestedWindow: { start: 'soon', end: 'later' } }, window(0, -86_400_000), 'whenever']) {
      await wish(said);
      await stage.startBroker();
      await until(() => stage.lines.some(({ msg }) => msg.includes('does not say when to renew')), 20_000);
      await stage.stopBroker();
      stage.lines.length = 0;
    }
    expect(stage.issued()).toEqual([]);
  });
});
