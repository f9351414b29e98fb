import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../broker/testing/test-broker.ts';
import { AcmeStage, HOST } from './acme-stage.ts';
import { acmeBinaries } from './binaries.ts';

const WILDCARD = '*.preview.example.test';
const RECORD = '_acme-challenge.preview.example.test';
const binaries = await acmeBinaries();

describe.skipIf(binaries === undefined)('wildcards by DNS-01 with a program of the operator', () => {
  let stage: AcmeStage;

  beforeEach(async () => {
    if (binaries === undefined) return;
    stage = await AcmeStage.prepare(binaries);
    await stage.pebble.start();
  });
  afterEach(() => stage.remove());

  /** An executable file; `body` is the rest of a module. */
  async function program(body: string): Promise<string> {
    const path = join(stage.folder, 'dns-hook.mjs');
    await writeFile(path, `#!${process.execPath}\nconst [action, name, value] = process.argv.slice(2);\n${body}`);
    await chmod(path, 0o755);
    return path;
  }

  /** Does what the name server of the authority needs, and notes how it was called. */
  const working = (): Promise<string> =>
    program(`
      import { appendFileSync } from 'node:fs';
      const secrets = Object.keys(process.env).filter((name) => name.startsWith('ADIT_'));
      appendFileSync(${JSON.stringify(join(stage.folder, 'calls'))}, [action, name, value, ...secrets].join(' ') + '\\n');
      const path = action === 'add' ? 'set-txt' : 'clear-txt';
      const body = JSON.stringify({ host: name + '.', value });
      const { ok } = await fetch(${JSON.stringify(stage.pebble.recordsUrl)} + '/' + path, { method: 'POST', body });
      if (!ok) process.exit(1);`);

  test('one certificate serves every preview, and the record is taken away again', async () => {
    process.env['ADIT_PEER_SECRET'] = 'not for programs of others';
    try {
      await stage.startBroker({ hosts: [WILDCARD], dns: { program: await working(), timeoutMs: 20_000 } });
      await until(() => stage.issued(WILDCARD).length > 0, 20_000);
    } finally {
      delete process.env['ADIT_PEER_SECRET'];
    }
    const root = await stage.pebble.root();
    const names = ['shop-1.preview.example.test', 'shop-2.preview.example.test'];
    const shown = await Promise.all(names.map((name) => stage.shown(root, name)));
    expect(shown.map(({ subjectaltname }) => subjectaltname)).toEqual([`DNS:${WILDCARD}`, `DNS:${WILDCARD}`]);
    await expect(stage.shown(root, 'a.b.preview.example.test')).rejects.toThrow(/does not match/);
    const calls = (await readFile(join(stage.folder, 'calls'), 'utf8')).trim().split('\n');
    expect(calls).toEqual([
      expect.stringMatching(new RegExp(`^add ${RECORD} [A-Za-z0-9_-]{43}$`)),
      calls[0]?.replace('add', 'remove'),
    ]);
    expect(await stage.pebble.records(RECORD)).toEqual([]);
    const first = shown[0]?.serialNumber;
    await stage.stopBroker();
    await stage.startBroker({ hosts: [WILDCARD], dns: { program: 'true', timeoutMs: 20_000 } });
    expect((await stage.shown(root, 'shop-1.preview.example.test')).serialNumber).toBe(first);
  });

  test('a host that is no wildcard is proved by it too, beside a plain listener', async () => {
    const dns = { program: await working(), timeoutMs: 20_000 };
    await stage.startBroker({ dns, http: { host: '127.0.0.1', port: stage.ports.http } });
    await until(() => stage.issued().length > 0, 20_000);
    expect(await readFile(join(stage.folder, 'calls'), 'utf8')).toContain(`add _acme-challenge.${HOST} `);
    await stage.shown(await stage.pebble.root());
  });

  test('a program that fails, and one that is missing, are told of with what they said', async () => {
    const failing = await program(`console.error('zone ' + name + ' is read only'); process.exit(3);`);
    await stage.startBroker({ hosts: [WILDCARD], dns: { program: failing, timeoutMs: 20_000 } });
    await until(() => stage.refused(WILDCARD).length > 0, 20_000);
    expect(stage.refused(WILDCARD)[0]?.reason).toMatch(
      new RegExp(`dns-hook.mjs add ${RECORD} ended with 3: zone ${RECORD} is read only$`),
    );
    await stage.stopBroker();
    await stage.startBroker({ hosts: [WILDCARD], dns: { program: join(stage.folder, 'none'), timeoutMs: 20_000 } });
    await until(() => stage.refused(WILDCARD).some(({ reason }) => reason?.includes('cannot be started') === true));
  });

  test('a record that stays behind is told of, and the certificate taken all the same', async () => {
    await working();
    const path = join(stage.folder, 'dns-hook.mjs');
    const body = await readFile(path, 'utf8');
    await writeFile(
      path,
      body.replace('import', `if (action === 'remove') { console.error('zone is locked'); process.exit(4); }\nimport`),
    );
    await stage.startBroker({ hosts: [WILDCARD], dns: { program: path, timeoutMs: 20_000 } });
    await until(() => stage.issued(WILDCARD).length > 0, 20_000);
    expect(stage.refused(WILDCARD)).toEqual([]);
    const told = stage.lines.find(({ msg }) => msg.includes('may be there still'));
    expect(told?.reason).toMatch(/dns-hook\.mjs remove .* ended with 4: zone is locked$/);
    expect(await stage.pebble.records(RECORD)).toHaveLength(1);
  });

  test('a program that does not end is killed with what it started, and the record removed', async () => {
    const pids = join(stage.folder, 'pids');
    const hanging = await program(`
      import { spawn } from 'node:child_process';
      import { appendFileSync } from 'node:fs';
      if (action === 'add') {
        const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
        appendFileSync(${JSON.stringify(pids)}, process.pid + '\\n' + child.pid + '\\n');
        setInterval(() => {}, 1e6);
      } else appendFileSync(${JSON.stringify(pids)}, 'removed\\n');`);
    const retry = { firstMs: 60_000, mostMs: 60_000 };
    await stage.startBroker({ hosts: [WILDCARD], dns: { program: hanging, timeoutMs: 3_000 }, retry });
    await until(() => stage.refused(WILDCARD).length > 0, 30_000);
    expect(stage.refused(WILDCARD)[0]?.reason).toContain(`add ${RECORD} did not end within 3 s`);
    const [own, child, removed] = (await readFile(pids, 'utf8')).trim().split('\n');
    expect(removed).toBe('removed');
    for (const pid of [own, child]) await until(() => !runs(Number(pid)));
  });

  test('a broker that is told to stop waits for no program', async () => {
    const begun = join(stage.folder, 'begun');
    const hanging = await program(`
      import { writeFileSync } from 'node:fs';
      writeFileSync(${JSON.stringify(begun)}, String(process.pid));
      setInterval(() => {}, 1e6);`);
    await stage.startBroker({ hosts: [WILDCARD], dns: { program: hanging, timeoutMs: 600_000 } });
    const pid = async (): Promise<number> => Number(await readFile(begun, 'utf8').catch(() => '0'));
    await expect.poll(pid, { timeout: 20_000 }).toBeGreaterThan(0);
    const added = await pid();
    await stage.stopBroker();
    expect(runs(added)).toBe(false);
  });
});

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
