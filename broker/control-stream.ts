import { agentMessage } from '../shared/tunnel/protocol.ts';
import type { AgentMessage, BrokerMessage } from '../shared/tunnel/protocol.ts';
import type { StreamReceiver, YamuxStream } from '../shared/yamux/types.ts';

const MAX_LINE_BYTES = 64 * 1024;
/** An agent that does not read what it asked for is of no use; a hello and its answers are some KiB. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** An agent says some lines at the start, and one every few seconds from then on. */
const MAX_LINES_AT_ONCE = 200;
const LINES_PER_SECOND = 10;
const LF = 0x0a;

export interface ControlReceiver {
  onMessage(message: AgentMessage): void;
  /** The agent broke the protocol or ended the stream. */
  onEnded(reason: string): void;
}

/** JSON lines in both directions on the first stream of a session. Lines of unknown types are passed over. */
export class ControlStream implements StreamReceiver {
  readonly #stream: YamuxStream;
  readonly #receiver: ControlReceiver;
  #partial = Buffer.alloc(0);
  #ended = false;
  #lines = MAX_LINES_AT_ONCE;
  #linesAt = performance.now();

  constructor(stream: YamuxStream, receiver: ControlReceiver) {
    this.#stream = stream;
    this.#receiver = receiver;
    stream.attach(this);
  }

  send(message: BrokerMessage): void {
    if (this.#ended || this.#stream.closed) return;
    this.#stream.write(Buffer.from(`${JSON.stringify(message)}\n`));
    if (this.#stream.queuedBytes > MAX_QUEUED_BYTES) this.#end('the agent does not read the control stream');
  }

  onData(bytes: Uint8Array): void {
    this.#stream.consumed(bytes.length);
    if (this.#ended) return;
    let rest = this.#partial.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#partial, bytes]);
    for (let lf = rest.indexOf(LF); lf >= 0 && !this.#hasEnded(); lf = rest.indexOf(LF)) {
      this.#line(rest.toString('utf8', 0, lf));
      rest = rest.subarray(lf + 1);
    }
    this.#partial = rest;
    if (rest.length > MAX_LINE_BYTES) this.#end('a control line is longer than 64 KiB');
  }

  onEnd(): void {
    this.#end('the agent ended the control stream');
  }

  onDrain(): void {}

  onClosed(error?: Error): void {
    this.#end(error?.message ?? 'the control stream ended');
  }

  #hasEnded(): boolean {
    return this.#ended;
  }

  #line(text: string): void {
    if (!this.#mayGoOn()) {
      this.#end('the agent sends control lines without end');
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      this.#end(`a control line is not JSON: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    const message = agentMessage.safeParse(value);
    if (message.success) this.#receiver.onMessage(message.data);
    else if (isKnownType(value))
      this.#end(
        `a control message is not valid: ${message.error.issues[0]?.path.join('.') ?? ''} ${message.error.issues[0]?.message ?? ''}`,
      );
  }

  #mayGoOn(): boolean {
    if (this.#lines < 1) {
      const now = performance.now();
      this.#lines = Math.min(MAX_LINES_AT_ONCE, this.#lines + ((now - this.#linesAt) * LINES_PER_SECOND) / 1000);
      this.#linesAt = now;
    }
    this.#lines -= 1;
    return this.#lines >= 0;
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#partial = Buffer.alloc(0);
    this.#receiver.onEnded(reason);
  }
}

function isKnownType(value: unknown): boolean {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  return type === undefined || type === 'hello' || type === 'renew' || type === 'load';
}
