import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** A visitor on a bare connection, who may end his side of it alone. */
export class RawVisitor {
  readonly socket: Socket;
  /** What came, one byte a character. */
  text = '';
  /** The other side has ended. */
  ended = false;
  /** Once the connection is closed: the code of the error, or `in order`. */
  readonly closed: Promise<string>;
  #changed: (() => void)[] = [];

  /** `tls`: speaks HTTP/1.1 over TLS. */
  constructor(address: string, tls?: { readonly ca: string; readonly servername: string }) {
    const [host = '', port] = address.split(':');
    const options = { host, port: Number(port), allowHalfOpen: true };
    this.socket = tls === undefined ? connect(options) : connectTls({ ...options, ...tls });
    let how = 'in order';
    this.socket.on('error', (error: NodeJS.ErrnoException) => (how = error.code ?? error.message));
    this.socket.on('data', (bytes: Buffer) => {
      this.text += bytes.toString('latin1');
      this.#tell();
    });
    this.socket.on('end', () => {
      this.ended = true;
      this.#tell();
    });
    this.closed = new Promise((resolve) =>
      this.socket.once('close', () => {
        resolve(how);
        this.#tell();
      }),
    );
  }

  /** Rejects when the connection ends before. */
  async sees(part: string): Promise<void> {
    while (!this.text.includes(part)) {
      if (this.ended || this.socket.destroyed) throw new Error(`ended without ${part}: ${this.text.slice(0, 200)}`);
      await new Promise<void>((resolve) => this.#changed.push(resolve));
    }
  }

  /** Behind the head of the first answer, framing included. */
  get body(): string {
    return this.text.slice(this.text.indexOf('\r\n\r\n') + 4);
  }

  #tell(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}
