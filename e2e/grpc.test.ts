import * as grpc from '@grpc/grpc-js';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificateAuthority } from '../agent/gateway/testing/certificates.ts';
import { previewStatus, type PreviewStatus } from '../shared/agent/api.ts';
import { adit, RunningProgram, until } from './support/running-stack.ts';
import { SECRETS } from './support/test-secrets.ts';

const MANIFESTS = `
apiVersion: v1
kind: Service
metadata: { name: echo }
spec: { ports: [{ name: grpc, port: 50051 }] }
---
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
metadata: { name: echo }
spec:
  routes:
    - match: PathPrefix(\`/test.Echo/\`)
      services: [{ name: echo, port: grpc, scheme: h2c }]
`;

const asIs = (bytes: Buffer): Buffer => bytes;
const kind = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});
const SERVICE = {
  one: kind('One', false, false),
  many: kind('Many', false, true),
  sum: kind('Sum', true, false),
  talk: kind('Talk', true, true),
  fail: kind('Fail', false, false),
  hang: kind('Hang', false, true),
} satisfies grpc.ServiceDefinition;

const programs: RunningProgram[] = [];
let server: grpc.Server;
let client: grpc.Client;
let directory: string;
let cancelled = 0;

async function start(...args: readonly string[]): Promise<Record<string, unknown>> {
  const program = new RunningProgram(process.execPath, [adit, ...args, '--json', '--log-level', 'warn'], {
    env: SECRETS,
  });
  programs.push(program);
  return program.line(({ event }) => event === 'ready');
}

async function startServer(): Promise<number> {
  server = new grpc.Server({ 'grpc.max_receive_message_length': 32 * 1024 * 1024 });
  server.addService(SERVICE, {
    one: (call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
      const trailers = new grpc.Metadata();
      trailers.set('x-sum-bin', Buffer.from([0, 255, call.request.length % 256]));
      const head = new grpc.Metadata();
      head.set('x-asked', call.metadata.get('x-name')[0] ?? 'nothing');
      call.sendMetadata(head);
      done(null, call.request, trailers);
    },
    many: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      for (let n = 0; n < 100; n += 1) call.write(Buffer.from(String(n)));
      call.end();
    },
    sum: (call: grpc.ServerReadableStream<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) => {
      let bytes = 0;
      call.on('data', (piece: Buffer) => (bytes += piece.length));
      call.on('end', () => done(null, Buffer.from(String(bytes))));
    },
    talk: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (piece: Buffer) => call.write(piece));
      call.on('end', () => call.end());
    },
    fail: (_call: grpc.ServerUnaryCall<Buffer, Buffer>, done: grpc.sendUnaryData<Buffer>) =>
      done({ code: grpc.status.FAILED_PRECONDITION, details: 'not today: 100 %' }),
    hang: (call: grpc.ServerWritableStream<Buffer, Buffer>) => {
      call.write(Buffer.from('first'));
      call.on('cancelled', () => (cancelled += 1));
    },
  });
  return new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
}

function shows({ hostname, port }: URL, servername: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), servername, ca, ALPNProtocols: ['h2'] });
    socket.once('secureConnect', () => resolve(socket.authorized));
    socket.once('error', () => resolve(false));
    socket.once('secureConnect', () => socket.destroy());
  });
}

beforeAll(async () => {
  const port = await startServer();
  directory = await mkdtemp(join(tmpdir(), 'adit-grpc-'));
  const workspace = await mkdtemp(join(directory, 'workspace-'));
  await writeFile(join(workspace, 'echo.yaml'), MANIFESTS);
  await writeFile(
    join(workspace, 'adit.yaml'),
    `name: echo\nupstreams:\n  echo: { url: "http://127.0.0.1:${port}" }\n`,
  );

  const authority = await certificateAuthority();
  const files = [join(directory, 'cert.pem'), join(directory, 'key.pem')] as const;
  const certify = async (name: string): Promise<void> => {
    const { cert, key } = await authority.issue([{ type: 'dns', value: name }]);
    await writeFile(files[1], key, { mode: 0o600 });
    await writeFile(files[0], cert);
  };
  await certify('not-known-yet.localhost');
  const control = await start(
    'control',
    '--listen',
    '127.0.0.1:0',
    '--database',
    join(directory, 'control.db'),
    '--public-url',
    'https://{host}/',
  );
  const controlUrl = `http://${String(control['address'])}`;
  const broker = await start('broker', '--id', 'b1', '--control', controlUrl, '--listen', '127.0.0.1:0', '--tunnel-listen', '127.0.0.1:0', '--peer-listen', '127.0.0.1:0', '--public-tls-cert', files[0], '--public-tls-key', files[1], '--grace', '1'); // prettier-ignore
  const agent = await start('agent', '--control', controlUrl, '--listen', '127.0.0.1:0', '--state-dir', join(directory, 'agent'), '--links', '1'); // prettier-ignore
  const call = async (method: string, path: string, body?: unknown): Promise<PreviewStatus> => {
    const answer = await fetch(`http://${String(agent['address'])}${path}`, {
      method,
      headers: { authorization: `Bearer ${SECRETS.ADIT_AGENT_TOKEN}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return previewStatus.parse(await answer.json());
  };
  await call('PUT', '/v1/preview', { source: { kind: 'folder', dir: workspace } });
  await until('the preview is live', async () => (await call('GET', '/v1/status')).state === 'live');
  const host = (await call('GET', '/v1/status')).hosts[0]?.host ?? '';
  // The certificate is for the host that was leased; the broker reads its files again.
  await certify(host);
  const address = new URL(`https://${String(broker['address'])}`);
  await until('the broker shows the certificate of the host', () => shows(address, host, authority.ca));
  client = new grpc.Client(String(broker['address']), grpc.credentials.createSsl(Buffer.from(authority.ca)), {
    'grpc.ssl_target_name_override': host,
    'grpc.default_authority': host,
    'grpc.max_receive_message_length': 32 * 1024 * 1024,
  });
});
afterAll(async () => {
  client?.close();
  server?.forceShutdown();
  await Promise.all(programs.map((program) => program.stop()));
  await rm(directory, { recursive: true, force: true });
});

interface Called {
  readonly error: grpc.ServiceError | null;
  readonly reply: Buffer | undefined;
  readonly head: grpc.Metadata;
  readonly status: grpc.StatusObject;
}

function unary(path: string, message: Buffer, metadata = new grpc.Metadata()): Promise<Called> {
  return new Promise((resolve) => {
    let head = new grpc.Metadata();
    let answer: { error: grpc.ServiceError | null; reply: Buffer | undefined } | undefined;
    let status: grpc.StatusObject | undefined;
    const whole = (): void => {
      if (answer !== undefined && status !== undefined) resolve({ ...answer, head, status });
    };
    const call = client.makeUnaryRequest(path, asIs, asIs, message, metadata, (error, reply) => {
      answer = { error, reply };
      whole();
    });
    call.on('metadata', (given) => (head = given));
    call.on('status', (given) => {
      status = given;
      whole();
    });
  });
}

describe('gRPC, from a client through broker, tunnel and agent to a server', () => {
  test('a unary call has its message, metadata and trailers, binary ones too', async () => {
    const metadata = new grpc.Metadata();
    metadata.set('x-name', 'ada');
    const { error, reply, head, status } = await unary(SERVICE.one.path, Buffer.from('hello'), metadata);
    expect([error, reply?.toString(), status.code]).toEqual([null, 'hello', grpc.status.OK]);
    expect(head.get('x-asked')).toEqual(['ada']);
    expect(status.metadata.get('x-sum-bin')).toEqual([Buffer.from([0, 255, 5])]);
  });

  test('8 MB pass in one message, both ways', async () => {
    const message = Buffer.alloc(8 * 1024 * 1024, 7);
    const { error, reply } = await unary(SERVICE.one.path, message);
    expect(error).toBeNull();
    expect(reply?.equals(message)).toBe(true);
  });

  test('a status without a message (Trailers-Only) keeps code and text', async () => {
    const failed = await unary(SERVICE.fail.path, Buffer.from('x'));
    expect(failed.error).toMatchObject({ code: grpc.status.FAILED_PRECONDITION, details: 'not today: 100 %' });
    const unknown = await unary('/test.Echo/Nothing', Buffer.from('x'));
    expect(unknown.error).toMatchObject({ code: grpc.status.UNIMPLEMENTED });
  });

  test('server and client stream in order', async () => {
    const call = client.makeServerStreamRequest(SERVICE.many.path, asIs, asIs, Buffer.from('go'));
    const got: string[] = [];
    for await (const piece of call) got.push(String(piece));
    expect(got).toEqual(Array.from({ length: 100 }, (_none, n) => String(n)));
    const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
      const sum = client.makeClientStreamRequest(SERVICE.sum.path, asIs, asIs, (error, bytes?: Buffer) =>
        error === null ? resolve(bytes) : reject(error),
      );
      for (let n = 0; n < 100; n += 1) sum.write(Buffer.alloc(10_000));
      sum.end();
    });
    expect(reply?.toString()).toBe('1000000');
  });

  test('both talk in turn on one call, and on fifty at once', async () => {
    const talk = async (words: readonly string[]): Promise<grpc.status> => {
      const call = client.makeBidiStreamRequest(SERVICE.talk.path, asIs, asIs);
      for (const word of words) {
        call.write(Buffer.from(word));
        const [piece] = (await once(call, 'data')) as [Buffer];
        expect(piece.toString()).toBe(word);
      }
      call.end();
      const [status] = (await once(call.resume(), 'status')) as [grpc.StatusObject];
      return status.code;
    };
    const codes = await Promise.all(Array.from({ length: 50 }, (_, n) => talk(['one', `two of ${n}`, 'three'])));
    expect(new Set(codes)).toEqual(new Set([grpc.status.OK]));
  });

  test('a call that is cancelled, or past its deadline, ends at the server', async () => {
    const call = client.makeServerStreamRequest(SERVICE.hang.path, asIs, asIs, Buffer.from('x'));
    call.on('error', () => undefined);
    await once(call, 'data');
    call.cancel();
    await expect.poll(() => cancelled, { timeout: 10_000 }).toBe(1);
    const late = client.makeServerStreamRequest(SERVICE.hang.path, asIs, asIs, Buffer.from('x'), {
      deadline: Date.now() + 300,
    });
    late.resume();
    const [error] = (await once(late, 'error').catch((thrown: unknown) => [thrown])) as [grpc.ServiceError];
    expect(error.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    await expect.poll(() => cancelled, { timeout: 10_000 }).toBe(2);
  });
});
