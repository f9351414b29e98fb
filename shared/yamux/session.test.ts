import { describe, expect, it } from 'vitest';
import { carriers, sessionPair } from './testing/carriers.ts';
import { StreamReader } from './testing/stream-reader.ts';

describe.each(carriers)('over %s', (_name, makeCarrier) => {
  it('measures a round trip in both directions', async () => {
    await using pair = await sessionPair(makeCarrier);
    expect(await pair.client.ping()).toBeGreaterThan(0);
    expect(await pair.server.ping()).toBeGreaterThan(0);
  });

  it('carries a message both ways and leaves no stream behind', async () => {
    await using pair = await sessionPair(
      makeCarrier,
      {},
      {
        onStream: (stream) => {
          const reader = new StreamReader(stream);
          void reader.ended.then(() => {
            stream.write(Buffer.from(`echo ${reader.text()}`));
            stream.end();
          });
        },
      },
    );
    const reader = new StreamReader(pair.client.open());
    reader.stream.write(Buffer.from('hello'));
    reader.stream.end();
    expect(await reader.closed).toBeUndefined();
    expect(reader.text()).toBe('echo hello');
    expect([pair.client.streams, pair.server.streams]).toEqual([0, 0]);
  });

  it('closes in order', async () => {
    await using pair = await sessionPair(makeCarrier);
    expect(await pair.client.close()).toBeUndefined();
    expect(await pair.server.closed).toBeUndefined();
  });
});
