import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../broker/testing/test-broker.ts';
import { EXIT } from '../../cli/errors.ts';
import { AcmeStage, HOST } from './acme-stage.ts';
import { acmeBinaries } from './binaries.ts';

const KID = 'customer-7';
const hmacKey = randomBytes(32).toString('base64url');
const binaries = await acmeBinaries();

describe.skipIf(binaries === undefined)('an authority that knows its customers (External Account Binding)', () => {
  let stage: AcmeStage;

  beforeEach(async () => {
    if (binaries === undefined) return;
    stage = await AcmeStage.prepare(binaries);
    await stage.pebble.start({ externalKeys: { [KID]: hmacKey } });
  });
  afterEach(() => stage.remove());

  test('an account bound to the external one gets certificates, also after a restart', async () => {
    await stage.startBroker({ binding: { kid: KID, hmacKey } });
    await until(() => stage.issued().length === 1, 20_000);
    await stage.shown(await stage.pebble.root());
    await stage.stopBroker();
    // The same account asks for another certificate.
    await stage.startBroker({ binding: { kid: KID, hmacKey }, hosts: [HOST, 'second.example.test'] });
    await until(() => stage.issued('second.example.test').length === 1, 20_000);
  });

  test.for([
    ['no binding', undefined, /requires .*'externalAccountBinding'/],
    ['an unknown name', { kid: 'nobody', hmacKey }, /'kid' references a key that is not known/],
    ['a wrong key', { kid: KID, hmacKey: randomBytes(32).toString('base64url') }, /JWS|verif/i],
  ] as const)('with %s it refuses the account, and the log tells why, not the key', async ([, binding, why]) => {
    await stage.startBroker(binding === undefined ? {} : { binding });
    await until(() => stage.refused().length > 0, 20_000);
    expect(stage.refused()[0]?.reason).toMatch(/^no account at https:\/\/localhost:\d+\/dir: /);
    expect(stage.refused()[0]?.reason).toMatch(why);
    expect(JSON.stringify(stage.lines)).not.toContain(binding?.hmacKey ?? hmacKey);
    expect(stage.issued()).toEqual([]);
  });

  test('by flags the key comes from the environment, and not without it', async () => {
    const flags = ['--acme-eab-kid', KID];
    const without = await stage.startProgram(flags);
    expect(await without.ended).toBe(EXIT.usage);
    expect(without.lines.join('\n')).toContain('ADIT_ACME_EAB_KEY');
    const program = await stage.startProgram(flags, { ADIT_ACME_EAB_KEY: hmacKey });
    try {
      await until(() => program.lines.some((line) => line.includes('issued by ACME')), 30_000);
      await stage.shown(await stage.pebble.root());
      expect(program.lines.join('\n')).not.toContain(hmacKey);
    } finally {
      await program.stop();
    }
  });
});
