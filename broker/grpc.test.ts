import * as grpc from '@grpc/grpc-js';
import { once } from 'node:events';
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bridgeToHttp2 } from './testing/bridge-to-http2.ts';
import { HOST, Http2Stage } from './testing/http2-stage.ts';

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

let stage: Http2Stage;
let server: grpc.Server;
let upstream: ClientHttp2Session;
let client: grpc.Client;
let cancelled = 0;

beforeAll(async () => {
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
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  upstream = connect(`http://127.0.0.1:${port}`);
  stage = await Http2Stage.open();
  await stage.dial({ onRequest: bridgeToHttp2(upstream) });
  client = new grpc.Client(
    stage.broker.addresses.public,
    grpc.credentials.createSsl(Buffer.from(stage.certificates.ca)),
    {
      'grpc.ssl_target_name_override': HOST,
      'grpc.default_authority': HOST,
      'grpc.max_receive_message_length': 32 * 1024 * 1024,
    },
  );
});
afterAll(async () => {
  client.close();
  upstream.destroy();
  server.forceShutdown();
  await stage[Symbol.asyncDispose]();
});

interface Called {
  readonly error: grpc.ServiceError | null;
  readonly reply: Buffer | undefined;
  readonly head: grpc.Metadata;
  readonly status: grpc.StatusObject;
}

function unary(path: string, message: Buffer, metadata = new grpc.Metadata(), options = {}): Promise<Called> {
  return new Promise((resolve) => {
    let head = new grpc.Metadata();
    let answer: { error: grpc.ServiceError | null; reply: Buffer | undefined } | undefined;
    let status: grpc.StatusObject | undefined;
    const whole = (): void => {
      if (answer !== undefined && status !== undefined) resolve({ ...answer, head, status });
    };
    const call = client.makeUnaryRequest(path, asIs, asIs, message, metadata, options, (error, reply) => {
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

describe('gRPC through a broker', () => {
  test('a unary call has its message, metadata and trailers, binary ones too', async () => {
    const metadata = new grpc.Metadata();
    metadata.set('x-name', 'ada');
    const { error, reply, head, status } = await unary(SERVICE.one.path, Buffer.from('hello'), metadata);
    expect([error, reply?.toString(), status.code]).toEqual([null, 'hello', grpc.status.OK]);
    expect(head.get('x-asked')).toEqual(['ada']);
    expect(status.metadata.get('x-sum-bin')).toEqual([Buffer.from([0, 255, 5])]);
  });

  test('8 MB pass in one message', async () => {
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

  test('a server streams a hundred messages in order', async () => {
    const call = client.makeServerStreamRequest(SERVICE.many.path, asIs, asIs, Buffer.from('go'));
    const got: string[] = [];
    for await (const piece of call) got.push(String(piece));
    expect(got).toEqual(Array.from({ length: 100 }, (_none, n) => String(n)));
  });

  test('a client streams a hundred messages', async () => {
    const reply = await new Promise<Buffer | undefined>((resolve, reject) => {
      const call = client.makeClientStreamRequest(SERVICE.sum.path, asIs, asIs, (error, bytes?: Buffer) =>
        error === null ? resolve(bytes) : reject(error),
      );
      for (let n = 0; n < 100; n += 1) call.write(Buffer.alloc(10_000));
      call.end();
    });
    expect(reply?.toString()).toBe('1000000');
  });

  test('both talk in turn on one call', async () => {
    const call = client.makeBidiStreamRequest(SERVICE.talk.path, asIs, asIs);
    for (const word of ['one', 'two', 'three']) {
      call.write(Buffer.from(word));
      const [piece] = (await once(call, 'data')) as [Buffer];
      expect(piece.toString()).toBe(word);
    }
    call.end();
    const [status] = (await once(call.resume(), 'status')) as [grpc.StatusObject];
    expect(status.code).toBe(grpc.status.OK);
  });

  test('a call that is cancelled, or past its deadline, ends at the upstream', async () => {
    const call = client.makeServerStreamRequest(SERVICE.hang.path, asIs, asIs, Buffer.from('x'));
    call.on('error', () => undefined);
    await once(call, 'data');
    call.cancel();
    await expect.poll(() => cancelled).toBe(1);
    const late = client.makeServerStreamRequest(SERVICE.hang.path, asIs, asIs, Buffer.from('x'), {
      deadline: Date.now() + 300,
    });
    late.resume();
    const [error] = (await once(late, 'error').catch((thrown: unknown) => [thrown])) as [grpc.ServiceError];
    expect(error.code).toBe(grpc.status.DEADLINE_EXCEEDED);
    await expect.poll(() => cancelled).toBe(2);
  });

  test('an answer of our own is a status of HTTP that gRPC understands', async () => {
    await using empty = await Http2Stage.open();
    const other = new grpc.Client(
      empty.broker.addresses.public,
      grpc.credentials.createSsl(Buffer.from(empty.certificates.ca)),
      { 'grpc.ssl_target_name_override': HOST, 'grpc.default_authority': HOST },
    );
    const error = await new Promise<grpc.ServiceError | null>((resolve) =>
      other.makeUnaryRequest(SERVICE.one.path, asIs, asIs, Buffer.from('x'), (thrown) => resolve(thrown)),
    );
    // 404, by the table of gRPC for answers of HTTP.
    expect(error?.code).toBe(grpc.status.UNIMPLEMENTED);
    other.close();
  });
});
