import { askHttp2, connectHttp2 } from '../../broker/testing/http2-visitor.ts';
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  frameBytes,
  headerBlock,
  RawHttp2,
  requestBlock,
} from '../../broker/testing/raw-http2.ts';
import type { HostileStack } from '../support/hostile-stack.ts';
import { patience } from './probe.ts';
import type { Probe } from './probe.ts';

/** Frames of one write. */
const PIECE = 100;
const CANCEL = 8;
const STREAMS = 100;

/** The n-th stream of a visitor. */
const id = (n: number): number => 2 * n + 1;
const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** A visitor that sends up to `most` of these, until the broker ends the connection. */
function flood(
  name: string,
  sent: string,
  most: number,
  make: (n: number, host: string) => Buffer,
  first: (host: string) => Buffer = () => Buffer.alloc(0),
): Probe {
  return {
    name,
    sent: `${most.toLocaleString('en')} ${sent}`,
    expected: 'closed',
    run: async (stack) => {
      const { host } = stack.tenants[0];
      const visitor = await RawHttp2.open(stack.secure.address, host, stack.ca);
      visitor.write(first(host));
      for (let n = 0; n < most && !visitor.closed; n += PIECE) {
        visitor.write(Buffer.concat(Array.from({ length: PIECE }, (_none, at) => make(n + at, host))));
        await visitor.flushed();
      }
      return patience(
        visitor.end().then(() => 'closed'),
        () => visitor.socket.destroy(),
      );
    },
  };
}

const request = (n: number, host: string, flags: number): Buffer =>
  frameBytes(FRAME.headers, flags, id(n), requestBlock(host));
const openHead = (host: string): Buffer => request(0, host, 0);

export const floods: readonly Probe[] = [
  flood('requests that are reset at once (CVE-2023-44487)', 'HEADERS and RST_STREAM', 20_000, (n, host) =>
    Buffer.concat([request(n, host, END_HEADERS | END_STREAM), frameBytes(FRAME.reset, 0, id(n), number(CANCEL))]),
  ),
  flood('requests that make the broker reset them (CVE-2025-8671)', 'HEADERS and WINDOW_UPDATE 0', 20_000, (n, host) =>
    Buffer.concat([request(n, host, END_HEADERS), frameBytes(FRAME.windowUpdate, 0, id(n), number(0))]),
  ),
  flood(
    'CONTINUATION with fields (CVE-2024-27983)',
    'frames of one field',
    100_000,
    () => frameBytes(FRAME.continuation, 0, 1, headerBlock([['a', 'b']])),
    openHead,
  ),
  flood(
    'CONTINUATION without bytes',
    'frames',
    100_000,
    () => frameBytes(FRAME.continuation, 0, 1, Buffer.alloc(0)),
    openHead,
  ),
  flood('PING (CVE-2019-9512)', 'frames', 200_000, () => frameBytes(FRAME.ping, 0, 0, Buffer.alloc(8))),
  flood('SETTINGS (CVE-2019-9515)', 'frames', 200_000, () => frameBytes(FRAME.settings, 0, 0, Buffer.alloc(0))),
  flood(
    'DATA without bytes (CVE-2019-9518)',
    'frames',
    200_000,
    () => frameBytes(FRAME.data, 0, 1, Buffer.alloc(0)),
    (host) => request(0, host, END_HEADERS),
  ),
  flood('WINDOW_UPDATE by one', 'frames', 200_000, () => frameBytes(FRAME.windowUpdate, 0, 0, number(1))),
  {
    name: 'a window that stays 0 (CVE-2019-9517)',
    sent: `SETTINGS_INITIAL_WINDOW_SIZE 0, ${STREAMS} requests; then another visitor`,
    expected: `${STREAMS} heads, 0 bytes of bodies; 200 for the other`,
    run: stalled,
  },
];

async function stalled(stack: HostileStack): Promise<string> {
  const { host } = stack.tenants[0];
  const [visitor, other] = await Promise.all([
    RawHttp2.open(stack.secure.address, host, stack.ca),
    connectHttp2(stack.secure.address, host, stack.ca),
  ]);
  const cut = (): void => {
    visitor.socket.destroy();
    other.destroy();
  };
  const heads = (): number => visitor.frames.filter(({ type }) => type === FRAME.headers).length;
  // Identifier 4 (RFC 9113 §6.5.2).
  visitor.send(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
  for (let n = 0; n < STREAMS; n += 1) visitor.write(request(n, host, END_HEADERS | END_STREAM));
  const seen = visitor
    .frame(() => heads() === STREAMS)
    .then(async () => {
      const { status } = await askHttp2(other, { ':path': '/ok' });
      const bytes = visitor.frames.reduce(
        (sum, { type, payload }) => sum + (type === FRAME.data ? payload.length : 0),
        0,
      );
      return `${heads()} heads, ${bytes} bytes of bodies; ${status} for the other`;
    });
  return patience(seen, cut).finally(cut);
}
