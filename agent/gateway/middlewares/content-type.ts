import { DechunkStream } from './dechunk-stream.ts';
import type { AnswerHead, Wrap } from './handler.ts';
import { sniffType } from './sniff-type.ts';

/** Names the type of answers that name none, by the bytes that they begin with. */
export function contentType(): Wrap {
  return (next) => (call, sink) => {
    let held: AnswerHead | undefined;
    let framing: DechunkStream | undefined;
    next(call, {
      head(head) {
        const { headers } = head;
        const known = headers.has('content-type') || (headers.get('content-encoding') ?? '') !== '';
        if (known || head.framing === 'none' || call.request.method === 'HEAD') {
          sink.head(head);
          return;
        }
        held = head;
        framing = head.framing === 'chunked' ? new DechunkStream() : undefined;
      },
      body(bytes) {
        if (held !== undefined) {
          const payload = framing === undefined ? bytes : Buffer.concat(framing.push(bytes));
          if (payload.length > 0) held.headers.set('Content-Type', sniffType(payload));
          sink.head(held);
          held = undefined;
        }
        sink.body(bytes);
      },
      end() {
        if (held !== undefined) sink.head(held);
        held = undefined;
        sink.end();
      },
    });
  };
}
