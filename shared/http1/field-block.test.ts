import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HeaderPair } from './header-list.ts';
import type { RequestHead } from './message-head.ts';
import { RequestParser } from './request-parser.ts';

interface Seen {
  readonly heads: [
    target: string,
    pairs: readonly HeaderPair[],
    apart: readonly HeaderPair[],
    length: number | undefined,
  ][];
  readonly codes: string[];
}

function parserOf(seen: Seen, onHead?: (head: RequestHead) => void): RequestParser {
  const handler = {
    onHead(head: RequestHead): void {
      seen.heads.push([head.target, [...head.headers.pairs], [...(head.apart ?? [])], head.framing.length]);
      onHead?.(head);
    },
    onBody(): void {},
    onComplete(): void {},
    onError(error: { code: string }): void {
      seen.codes.push(error.code);
    },
  };
  return new RequestParser(handler, { limits: { maxHeadBytes: 160 }, apart: (name) => name.startsWith('x-own-') });
}

const line = fc.constantFrom(
  'A: 1',
  'A: 2',
  'B: long enough to matter',
  'X-Own-Id: 7',
  'X-Own-Id: 8',
  'Content-Length: 0',
);
const message = fc.record({ target: fc.constantFrom('/', '/other'), lines: fc.array(line, { maxLength: 6 }) });

test('a connection that repeats itself is understood as if each message were its first', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.nat(200), { maxLength: 6 }), (messages, cuts) => {
      const texts = messages.map(
        ({ target, lines }) => `GET ${target} HTTP/1.1\r\n${['Host: h', ...lines, ''].join('\r\n')}\r\n`,
      );
      const fresh: Seen = { heads: [], codes: [] };
      for (const text of texts) {
        parserOf(fresh).push(Buffer.from(text));
        if (fresh.codes.length > 0) break;
      }
      const kept: Seen = { heads: [], codes: [] };
      // What was made of one head must not show in another.
      const parser = parserOf(kept, (head) => head.headers.append('Added', 'later'));
      const bytes = Buffer.from(texts.join(''));
      let from = 0;
      for (const cut of cuts.toSorted((a, b) => a - b)) {
        parser.push(Buffer.from(bytes.subarray(from, cut)));
        from = Math.max(from, Math.min(cut, bytes.length));
      }
      parser.push(Buffer.from(bytes.subarray(from)));
      expect(kept).toEqual(fresh);
    }),
    { numRuns: 2000 },
  );
});

test('fields that come again are the same array, whatever is kept apart', () => {
  const arrays = new Set<readonly HeaderPair[]>();
  const recurring: boolean[] = [];
  const parser = parserOf({ heads: [], codes: [] }, ({ headers }) => {
    arrays.add(headers.pairs);
    recurring.push(headers.recurring);
  });
  for (const id of ['1', '2', '3'])
    parser.push(Buffer.from(`GET /${id} HTTP/1.1\r\nHost: h\r\nA: 1\r\nX-Own-Id: ${id}\r\n\r\n`));
  expect([arrays.size, recurring]).toEqual([1, [false, true, true]]);
});
