import { once } from 'node:events';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { connectHttp2 } from '../../broker/testing/http2-visitor.ts';
import { ResponseParser } from '../../shared/http1/response-parser.ts';
import type { ResponseHead } from '../../shared/http1/message-head.ts';
import type { Answered, Question } from './question.ts';

/** A connection in HTTP/1.1: questions may be sent before the answers of those before them. */
export class Http1Visitor {
  readonly #socket: Socket;
  readonly #waiting: { question: Question; resolve(answer: Answered): void; reject(error: Error): void }[] = [];
  readonly #parser: ResponseParser;
  #head: ResponseHead | undefined;
  #body: Buffer[] = [];

  static async open(address: string): Promise<Http1Visitor> {
    const [host, port] = address.split(':');
    const socket = connect({ host: host ?? '', port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new Http1Visitor(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#parser = new ResponseParser(
      {
        onHead: (head) => {
          this.#head = head;
        },
        onBody: (bytes) => void this.#body.push(bytes),
        onComplete: () => this.#complete(),
        onError: (error) => this.#fail(error),
      },
      { decode: true },
    );
    socket.on('data', (bytes) => this.#parser.push(bytes));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  ask(question: Question): Promise<Answered> {
    const { method, target, tenant, id, body, bodyInChunks } = question;
    const framing =
      body === undefined ? '' : bodyInChunks ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${body.length}\r\n`;
    this.#socket.write(`${method} ${target} HTTP/1.1\r\nHost: ${tenant.host}\r\nX-Id: ${id}\r\n${framing}\r\n`);
    if (body !== undefined && bodyInChunks) {
      const half = body.length >> 1;
      for (const piece of [body.subarray(0, half), body.subarray(half)])
        if (piece.length > 0) {
          this.#socket.write(`${piece.length.toString(16)}\r\n`);
          this.#socket.write(piece);
          this.#socket.write('\r\n');
        }
      this.#socket.write('0\r\n\r\n');
    } else if (body !== undefined && body.length > 0) this.#socket.write(body);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      if (this.#waiting.length === 1) this.#parser.expect(method);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #complete(): void {
    const head = this.#head;
    const waiting = this.#waiting.shift();
    const next = this.#waiting[0];
    if (next !== undefined) this.#parser.expect(next.question.method);
    const body = Buffer.concat(this.#body);
    this.#body = [];
    if (head !== undefined) waiting?.resolve({ status: head.status, header: (name) => head.headers.get(name), body });
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** A connection in HTTP/2, for one tenant. */
export class Http2Visitor {
  readonly #session: ClientHttp2Session;

  static async open(address: string, host: string, ca: string): Promise<Http2Visitor> {
    return new Http2Visitor(await connectHttp2(address, host, ca));
  }

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
    session.on('error', () => session.destroy());
  }

  ask(question: Question): Promise<Answered> {
    const { method, target, tenant, id, body, bodyInChunks } = question;
    const stream = this.#session.request(
      {
        ':method': method,
        ':path': target,
        ':authority': tenant.host,
        'x-id': id,
        ...(body === undefined || bodyInChunks ? {} : { 'content-length': body.length }),
      },
      { endStream: body === undefined },
    );
    if (body !== undefined) stream.end(body);
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let headers: IncomingHttpHeaders = {};
      stream.on('response', (given) => (headers = given));
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('error', reject);
      stream.on('close', () => {
        const status = Number(headers[':status'] ?? 0);
        if (status === 0) reject(new Error(`no answer, code ${stream.rstCode}`));
        else resolve({ status, header: (name) => headers[name]?.toString(), body: Buffer.concat(pieces) });
      });
    });
  }

  close(): void {
    this.#session.destroy();
  }
}
