import { brokerMessage } from '../../shared/tunnel/protocol.ts';
import type { AgentMessage, BrokerMessage } from '../../shared/tunnel/protocol.ts';
import type { YamuxStream } from '../../shared/yamux/types.ts';

/** `shared/tunnel/protocol.ts`: a line of the control stream has at most this many bytes. */
const CONTROL_LINE_MAX_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

export interface ControlStreamReceiver {
  /** `from`: what has come already is told while `from` is being made. */
  onMessage(message: BrokerMessage, from: ControlStream): void;
  /** The broker broke the protocol or ended the stream: the session is of no more use. */
  onEnd(reason: string): void;
}

/** JSON lines in both directions over the first stream of a session. Types that are not known are ignored. */
export class ControlStream {
  readonly #stream: YamuxStream;
  #rest = Buffer.alloc(0);
  #ended = false;

  constructor(stream: YamuxStream, receiver: ControlStreamReceiver) {
    this.#stream = stream;
    const end = (reason: string): void => {
      if (this.#ended) return;
      this.#ended = true;
      receiver.onEnd(reason);
    };
    stream.attach({
      onData: (bytes) => {
        stream.consumed(bytes.length);
        if (this.#ended) return;
        const problem = this.#read(bytes, receiver);
        if (problem !== undefined) end(problem);
      },
      onEnd: () => end('the broker ended the control stream'),
      onDrain: () => undefined,
      onClosed: (error) => end(error?.message ?? 'the control stream was closed'),
    });
  }

  send(message: AgentMessage): void {
    if (!this.#ended) this.#stream.write(Buffer.from(`${JSON.stringify(message)}\n`));
  }

  /** What is wrong with the bytes, or undefined. */
  #read(bytes: Uint8Array, receiver: ControlStreamReceiver): string | undefined {
    let buffer = Buffer.concat([this.#rest, bytes]);
    for (let end = buffer.indexOf(NEWLINE); end !== -1 && !this.#ended; end = buffer.indexOf(NEWLINE)) {
      if (end > CONTROL_LINE_MAX_BYTES) break;
      const message = parseLine(buffer.toString('utf8', 0, end));
      buffer = buffer.subarray(end + 1);
      if (message === 'not-json') return 'the broker sent a control line that is not JSON';
      if (message !== undefined) receiver.onMessage(message, this);
    }
    if (buffer.length > CONTROL_LINE_MAX_BYTES)
      return `the broker sent a control line of more than ${CONTROL_LINE_MAX_BYTES} bytes`;
    // Copied, so that a few bytes that wait do not pin the whole frame they came in.
    this.#rest = Buffer.from(buffer);
    return undefined;
  }
}

function parseLine(line: string): BrokerMessage | 'not-json' | undefined {
  if (line.trim() === '') return undefined;
  try {
    return brokerMessage.safeParse(JSON.parse(line)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return 'not-json';
    throw error;
  }
}
