import { once } from 'node:events';
import { expect, test } from 'vitest';
import { exchange, exchangeList, type ExchangeSummary } from '../../shared/agent/api.ts';
import type { ExchangeStart } from './exchange-record.ts';
import { Mask } from './mask.ts';
import { Recorder } from './recorder.ts';

const mask = new Mask(['X-Shop-Key'], ['shop_key']);
function started(id: string, more: Partial<ExchangeStart> = {}): ExchangeStart {
  return { id, method: 'GET', host: 'h', target: '/', headers: [], broker: 'b1', attempt: 1, mask, ...more };
}

test('credentials are masked wherever they are read', () => {
  const recorder = new Recorder();
  const headers: [string, string][] = [
    ['Authorization', 'Bearer s3cret'],
    ['x-shop-key', 's3cret'],
    ['Cookie', 'a=s3cret; b=s3cret'],
    ['Referer', 'http://h/?shop_key=s3cret'],
    ['Accept', '*/*'],
  ];
  const record = recorder.begin(started('e1', { target: '/p?x=1&shop%5Fkey=s3cret&api_key=s3cret', headers }));
  record.responseHead(200, [['Set-Cookie', 'sid=s3cret; Path=/']]);
  record.finish();
  const seen = exchange.parse(recorder.find('e1'));
  expect(JSON.stringify([seen, recorder.list()])).not.toContain('s3cret');
  expect(seen.target).toBe('/p?x=1&shop%5Fkey=***&api_key=***');
  expect(seen.request.headers).toEqual([
    ['Authorization', 'Bearer ***'],
    ['x-shop-key', '***'],
    ['Cookie', 'a=***; b=***'],
    ['Referer', 'http://h/?shop_key=***'],
    ['Accept', '*/*'],
  ]);
  expect(seen.response?.headers).toEqual([['Set-Cookie', 'sid=***; Path=/']]);
});

test('only the first bytes of a body are kept, all are counted', () => {
  const recorder = new Recorder({ bodyLimit: 10 });
  const record = recorder.begin(started('e1'));
  const chunk = Buffer.from('abcdefgh');
  record.requestBytes(chunk);
  record.requestBytes(chunk);
  chunk.fill(0);
  record.responseHead(200, []);
  expect(recorder.find('e1')?.request.body).toEqual({
    data: Buffer.from('abcdefghab').toString('base64'),
    bytes: 16,
    truncated: true,
  });
});

test('the chunk framing of a body is taken off when it is read', () => {
  const recorder = new Recorder();
  const record = recorder.begin(started('e1'));
  record.responseHead(200, [['Transfer-Encoding', 'chunked']]);
  record.responseBytes(Buffer.from('5\r\nhello\r\n3;x=1\r\n wo'));
  record.responseBytes(Buffer.from('\r\n0\r\n\r\n'));
  const { body } = exchange.parse(recorder.find('e1')).response ?? {};
  expect(Buffer.from(body?.data ?? '', 'base64').toString()).toBe('hello wo');
});

test('memory is bounded by count and by bytes; the oldest go first', () => {
  const recorder = new Recorder({ maxExchanges: 5, maxBytes: 100_000, bodyLimit: 60_000 });
  for (let n = 1; n <= 8; n++) recorder.begin(started(`e${n}`)).finish();
  expect(recorder.list().exchanges.map(({ seq }) => seq)).toEqual([4, 5, 6, 7, 8]);
  const old = recorder.begin(started('old'));
  old.responseBytes(Buffer.alloc(60_000));
  recorder.begin(started('new')).responseBytes(Buffer.alloc(60_000));
  expect(recorder.bytes).toBeLessThanOrEqual(100_000);
  expect(recorder.find('old')).toBeUndefined();
  old.responseBytes(Buffer.alloc(10));
  old.finish();
  expect(exchangeList.parse(recorder.list(8)).exchanges.map(({ id }) => id)).toEqual(['new']);
  expect(recorder.list().newest).toBe(10);
});

test('listeners hear of changes in one batch, each exchange once', async () => {
  const recorder = new Recorder({ batchMs: 5 });
  const heard = new EventTarget();
  const batches: ExchangeSummary[][] = [];
  const end = recorder.subscribe((batch) => {
    batches.push([...batch]);
    heard.dispatchEvent(new Event('batch'));
  });
  const record = recorder.begin(started('a'));
  recorder.begin(started('b'));
  record.responseHead(201, []);
  record.finish({ verdict: 'forbidden' });
  await once(heard, 'batch');
  expect(batches.map((batch) => batch.map(({ id, status, verdict }) => [id, status, verdict]))).toEqual([
    [
      ['a', 201, 'forbidden'],
      ['b', undefined, undefined],
    ],
  ]);
  end();
});

test('a second attempt is found by the id that it shares with the first', () => {
  const recorder = new Recorder();
  recorder.begin(started('r', { attempt: 1 })).finish({ error: 'gone' });
  recorder.begin(started('r', { attempt: 2 })).finish();
  expect(recorder.find('r')?.attempt).toBe(2);
  recorder.clear();
  expect([recorder.list().exchanges.length, recorder.bytes]).toEqual([0, 0]);
});
