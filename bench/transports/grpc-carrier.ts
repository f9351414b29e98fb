import * as grpc from '@grpc/grpc-js';
import type { ByteChannel, ChannelReceiver } from '../../shared/yamux/types.ts';
import type { Carrier } from './carriers.ts';

type Call = grpc.ClientDuplexStream<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>;

const asIs = (bytes: Buffer): Buffer => bytes;
const service = {
  carry: {
    path: '/bench.Tunnel/Carry',
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
} as const satisfies grpc.ServiceDefinition;

/** One bidirectional call whose messages are the bytes of the session. */
export const grpcCall: Carrier = {
  listen({ cert, key }, onChannel) {
    const server = new grpc.Server();
    server.addService(service, { carry: (call: Call) => onChannel(new CallChannel(call)) });
    const credentials = grpc.ServerCredentials.createSsl(null, [
      { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) },
    ]);
    return new Promise((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port))),
    );
  },
  async dial(port, { ca }) {
    const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createSsl(Buffer.from(ca)));
    await new Promise<void>((resolve, reject) =>
      client.waitForReady(Date.now() + 5_000, (error) => (error ? reject(error) : resolve())),
    );
    const call = client.makeBidiStreamRequest(service.carry.path, asIs, asIs);
    call.once('close', () => client.close());
    return new CallChannel(call);
  },
};

class CallChannel implements ByteChannel {
  readonly #call: Call;
  #receiver: ChannelReceiver | undefined;
  #over = false;
  #reason: Error | undefined;

  constructor(call: Call) {
    this.#call = call;
    call.pause();
    call.on('error', (error: Error) => {
      this.#reason ??= error;
      this.#end();
    });
    call.once('end', () => this.#end());
    call.once('close', () => this.#end());
    call.once('cancelled', () => this.#end());
  }

  get queuedBytes(): number {
    return this.#call.writableLength;
  }

  send(chunks: readonly Uint8Array[], sent: () => void): void {
    if (!this.#over) this.#call.write(Buffer.concat(chunks), () => sent());
  }

  attach(receiver: ChannelReceiver): void {
    this.#receiver = receiver;
    this.#call.on('data', (bytes: Buffer) => receiver.onBytes(bytes));
    this.#call.resume();
    if (this.#over) receiver.onClosed(this.#reason);
  }

  close(): void {
    if (!this.#over) this.#call.end();
  }

  destroy(): void {
    if ('cancel' in this.#call && typeof this.#call.cancel === 'function') this.#call.cancel();
    else this.#call.destroy();
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#receiver?.onClosed(this.#reason);
  }
}
