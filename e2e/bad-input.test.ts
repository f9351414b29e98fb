import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runAdit } from './support/run-adit.ts';
import { startUp } from './support/running-stack.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'adit-bad-input-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const small = { apiVersion: 'hub.traefik.io/v1alpha1', kind: 'APIPlan', namespace: 'default', name: 'small' };

async function validate(text: string): Promise<{ code: number | null; diagnostics: unknown[] }> {
  writeFileSync(join(dir, 'a.yaml'), text);
  const { code, out, err } = await runAdit(['validate', '--json', 'a.yaml'], { cwd: dir });
  expect(err).toBe('');
  return { code, diagnostics: (JSON.parse(out) as { diagnostics: unknown[] }).diagnostics };
}

describe('adit validate --json names object, field, file, line, column and the next step', () => {
  test('of broken YAML', async () => {
    expect(await validate('apiVersion: v1\nkind: Service\nmetadata:\n  name: pets\n spec: {}\n')).toEqual({
      code: 1,
      diagnostics: [
        {
          severity: 'error',
          code: 'yaml-syntax',
          type: null,
          file: 'a.yaml',
          line: 5,
          column: 1,
          endLine: 5,
          endColumn: 2,
          object: null,
          path: null,
          message: 'All mapping items must start at the same column',
          hint: 'Check the indentation of this line and the ones above.',
        },
      ],
    });
  });

  test('of an unknown field', async () => {
    const text = `apiVersion: hub.traefik.io/v1alpha1
kind: APIPlan
metadata:
  name: small
spec:
  title: Small
  rateLimt:
    limit: 5
`;
    expect(await validate(text)).toEqual({
      code: 1,
      diagnostics: [
        expect.objectContaining({
          severity: 'error',
          code: 'unknown-field',
          file: 'a.yaml',
          line: 7,
          column: 3,
          object: small,
          path: 'spec.rateLimt',
          message: 'strict decoding error: unknown field "spec.rateLimt"',
          hint: 'Did you mean "rateLimit"?',
        }),
      ],
    });
  });

  test('of a value that the schema forbids, with the type that the API server gives', async () => {
    const text = `apiVersion: hub.traefik.io/v1alpha1
kind: APIPlan
metadata:
  name: small
spec:
  title: Small
  rateLimit:
    limit: many
`;
    expect(await validate(text)).toEqual({
      code: 1,
      diagnostics: [
        expect.objectContaining({
          severity: 'error',
          type: 'FieldValueTypeInvalid',
          line: 8,
          column: 12,
          object: small,
          path: 'spec.rateLimit.limit',
          message: expect.stringContaining('must be of type integer') as unknown,
        }),
      ],
    });
  });

  test('of an unknown kind', async () => {
    const text = 'apiVersion: hub.traefik.io/v1alpha1\nkind: APIPlann\nmetadata:\n  name: small\n';
    expect(await validate(text)).toEqual({
      code: 1,
      diagnostics: [
        expect.objectContaining({
          severity: 'error',
          code: 'unknown-kind',
          line: 2,
          column: 7,
          object: { ...small, kind: 'APIPlann' },
          path: 'kind',
          message: 'no matches for kind "APIPlann" in version "hub.traefik.io/v1alpha1"',
          hint: 'Did you mean "APIPlan"?',
        }),
      ],
    });
  });

  test('of a missing reference, which a cluster may still have', async () => {
    const text = `apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata:
  name: pets
spec:
  routes:
    - match: PathPrefix(\`/pets\`)
      kind: Rule
      services:
        - name: petz
          port: 80
`;
    expect(await validate(text)).toEqual({
      code: 0,
      diagnostics: [
        expect.objectContaining({
          severity: 'warning',
          code: 'reference-missing',
          line: 10,
          column: 17,
          object: { apiVersion: 'traefik.io/v1alpha1', kind: 'IngressRoute', namespace: 'default', name: 'pets' },
          path: 'spec.routes[0].services[0].name',
          message: 'Service "petz" does not exist in namespace "default" of the files',
          hint: 'Define the Service, or give its address under `upstreams:` in adit.yaml.',
        }),
      ],
    });
  });

  test('of a folder and a file that may not be read, and checks the rest', async () => {
    mkdirSync(join(dir, 'closed'));
    writeFileSync(join(dir, 'closed.yaml'), '');
    writeFileSync(join(dir, 'open.yaml'), 'kind: [\n');
    chmodSync(join(dir, 'closed'), 0);
    chmodSync(join(dir, 'closed.yaml'), 0);
    const { code, out } = await runAdit(['validate', '--json', '.'], { cwd: dir, asAnybody: true });
    const { diagnostics } = JSON.parse(out) as { diagnostics: { code: string; file: string; message: string }[] };
    expect(code).toBe(1);
    expect(diagnostics).toEqual([
      expect.objectContaining({ code: 'file-unreadable', file: 'closed', message: 'permission denied' }),
      expect.objectContaining({ code: 'file-unreadable', file: 'closed.yaml', message: 'permission denied' }),
      expect.objectContaining({ code: 'yaml-syntax', file: 'open.yaml' }),
    ]);
  });
});

test('adit validate for people: place, object, field, what to do, and totals', async () => {
  writeFileSync(
    join(dir, 'a.yaml'),
    'apiVersion: hub.traefik.io/v1alpha1\nkind: APIPlan\nmetadata:\n  name: small\nspec:\n  title: Small\n  rate: 5\n',
  );
  const { code, out } = await runAdit(['validate', 'a.yaml'], { cwd: dir });
  expect(code).toBe(1);
  expect(out).toMatch(/^a\.yaml:7:3: error: APIPlan default\/small: .*unknown field "spec\.rate" \[unknown-field\]$/m);
  expect(out).toMatch(/^1 error, 0 warnings, 0 notes$/m);
});

describe('wrong use ends with 2 and says what would be right', () => {
  test.each([
    { args: ['validate'], says: "missing required argument 'path'" },
    { args: ['validate', '--jsn', 'a.yaml'], says: 'Did you mean --json?' },
    { args: ['validate', 'nowhere'], says: 'nowhere: no such file or folder' },
    { args: ['serve', 'nowhere'], says: /folder \S+nowhere does not exist\.\n\s+Choose another folder/ },
    { args: ['serve', '--listen', 'anywhere'], says: 'use HOST:PORT' },
    { args: ['agent', '--control', 'control.example'], says: 'use https://HOST' },
    { args: ['broker', '--id', 'a', '--control', 'control.example:8090'], says: 'use https://HOST' },
    { args: ['broker', '--id', 'a', '--public-url', 'https://preview.example/'], says: 'use https://{host}/' },
    { args: ['control', '--public-url', '{host}'], says: 'use https://{host}/' },
    { args: ['serve', '--listen', '0.0.0.0:0'], says: 'only this machine may reach it' },
    { args: ['agent', '--listen', '0.0.0.0:0'], says: 'only this machine may reach it' },
  ])('adit $args', async ({ args, says }) => {
    const { code, out, err } = await runAdit(args, { cwd: dir, env: { ADIT_STATE_DIR: join(dir, 'state') } });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    if (typeof says === 'string') expect(err).toContain(says);
    else expect(err).toMatch(says);
    expect(err).not.toMatch(/^\s+at /m);
  });
});

test('a workspace that may not be read is named, with what to do', async () => {
  const closed = join(dir, 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0);
  const serve = await runAdit(['serve', '--json', '--state-dir', join(dir, 'state'), closed], { asAnybody: true });
  expect(serve.code).toBe(2);
  expect(JSON.parse(serve.out)).toEqual({
    event: 'failed',
    code: 'workspace-unreadable',
    message: `The folder ${closed} cannot be read: permission denied.`,
    hint: 'Check the permissions of the folder and of those above it.',
  });
  const up = await runAdit(['up', '--json', '--preview', closed], { asAnybody: true });
  expect(up.code).toBe(3);
  expect(JSON.parse(up.out)).toEqual({
    event: 'failed',
    code: 'folder-unreadable',
    message: `${closed}: permission denied`,
    hint: 'check the permissions of the folder and of those above it',
  });
});

describe('a port in use', () => {
  let other: Server;
  let taken: string;
  beforeEach(async () => {
    other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    taken = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });
  afterEach(() => other.close());

  const keys = { ADIT_ENROLMENT_KEY: 'enrolment', ADIT_BROKER_KEY: 'broker' };
  test.each(['serve', 'control', 'broker'])('is named by adit %s, with what to do', async (command) => {
    const more = {
      serve: ['--state-dir', join(dir, 'state')],
      control: ['--database', join(dir, 'control.db')],
      broker: ['--id', 'one', '--role', 'edge'],
    }[command];
    const { code, out } = await runAdit([command, '--json', '--listen', taken, ...(more ?? [])], { env: keys });
    expect(code).toBe(3);
    expect(JSON.parse(out)).toEqual({
      event: 'failed',
      code: 'address-in-use',
      message: `cannot listen on ${taken}: another program listens there`,
      hint: 'choose another port, or 0 for any free one',
    });
  });
});

test('a second preview from the same state folder is refused and names it; the first one serves on', async () => {
  const state = join(dir, 'state');
  const { program, ready } = await startUp('http://127.0.0.1:9', ['--state-dir', state]);
  try {
    const second = await runAdit(['up', '--json', '--preview', 'http://127.0.0.1:9', '--state-dir', state]);
    expect(second.code).toBe(3);
    expect(JSON.parse(second.out)).toMatchObject({
      event: 'failed',
      code: 'database-in-use',
      message: expect.stringContaining(state),
      hint: expect.stringContaining('--state-dir'),
    });
    const [visit] = (await once(
      get(`http://${ready.edge.address}/`, { headers: { host: ready.host } }),
      'response',
    )) as [IncomingMessage];
    visit.resume();
    expect(visit.statusCode, 'of an upstream that is not there').toBe(502);
  } finally {
    await program.stop();
  }
});
