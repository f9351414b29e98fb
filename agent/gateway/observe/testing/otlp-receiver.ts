import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { closeServer, listen, readAll } from '../../testing/gateway-under-test.ts';
import { ProtobufMessage } from './protobuf-message.ts';

type Value = string | number | boolean | readonly Value[];

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  readonly state: string;
  readonly name: string;
  /** 2: server; 3: client. */
  readonly kind: number;
  /** Nanoseconds since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly attributes: Readonly<Record<string, Value>>;
  /** 0: unset; 2: error. */
  readonly status: { readonly code: number; readonly message: string };
  readonly resource: Readonly<Record<string, Value>>;
}

export interface ReceivedPoint {
  readonly metric: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum' | 'histogram';
  readonly labels: Readonly<Record<string, Value>>;
  readonly value: number;
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** Of the last push. */
  readonly points: ReceivedPoint[];
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** What it answers from now on. */
  status: number;
  close(): Promise<void>;
}

/** Takes OTLP by HTTP and reads it by the field numbers of opentelemetry-proto 1.x. */
export async function otlpReceiver(tls?: { cert: string; key: string }): Promise<OtlpReceiver> {
  const received = {
    spans: [] as ReceivedSpan[],
    points: [] as ReceivedPoint[],
    requests: [] as OtlpReceiver['requests'],
  };
  const take: RequestListener = (request, response) => {
    void readAll(request).then((body) => {
      const { url: path = '', headers } = request;
      received.requests.push({ path, headers });
      const message = new ProtobufMessage(headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
      if (receiver.status === 200 && path.endsWith('/v1/traces')) received.spans.push(...spansOf(message));
      if (receiver.status === 200 && path.endsWith('/v1/metrics'))
        received.points.splice(0, Infinity, ...pointsOf(message));
      response.writeHead(receiver.status, { 'content-type': 'application/x-protobuf' }).end();
    });
  };
  const server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
  const receiver: OtlpReceiver = {
    url: (await listen(server)).replace(/^http/, tls === undefined ? 'http' : 'https'),
    ...received,
    status: 200,
    close: () => closeServer(server),
  };
  return receiver;
}

function spansOf(request: ProtobufMessage): ReceivedSpan[] {
  return request.messages(1).flatMap((ofResource) => {
    const resource = attributesOf(ofResource.message(1), 1);
    return ofResource.messages(2).flatMap((ofScope) =>
      ofScope.messages(2).map((span) => ({
        traceId: span.hex(1),
        spanId: span.hex(2),
        state: span.text(3),
        parentId: span.hex(4),
        name: span.text(5),
        kind: span.number(6),
        start: span.fixed64s(7)[0] ?? 0,
        end: span.fixed64s(8)[0] ?? 0,
        attributes: attributesOf(span, 9),
        status: { message: span.message(15).text(2), code: span.message(15).number(3) },
        resource,
      })),
    );
  });
}

function pointsOf(request: ProtobufMessage): ReceivedPoint[] {
  return request
    .messages(1)
    .flatMap((ofResource) => ofResource.messages(2))
    .flatMap((ofScope) => ofScope.messages(2))
    .flatMap((metric) => {
      const named = { metric: metric.text(1), unit: metric.text(3) };
      const numbers = (kind: 'gauge' | 'sum', field: number): ReceivedPoint[] =>
        metric.messages(field).flatMap((data) =>
          data.messages(1).map((point) => ({
            ...named,
            kind,
            labels: attributesOf(point, 7),
            value: point.doubles(4)[0] ?? point.fixed64s(6)[0] ?? 0,
            bounds: [],
            counts: [],
          })),
        );
      const histograms = metric.messages(9).flatMap((data) =>
        data.messages(1).map((point) => ({
          ...named,
          kind: 'histogram' as const,
          labels: attributesOf(point, 9),
          value: point.fixed64s(4)[0] ?? 0,
          counts: point.fixed64s(6),
          bounds: point.doubles(7),
        })),
      );
      return [...numbers('gauge', 5), ...numbers('sum', 7), ...histograms];
    });
}

function attributesOf(message: ProtobufMessage, field: number): Record<string, Value> {
  return Object.fromEntries(message.messages(field).map((pair) => [pair.text(1), valueOf(pair.message(2))]));
}

function valueOf(any: ProtobufMessage): Value {
  if (any.bytes(1).length > 0) return any.text(1);
  if (any.bytes(4).length > 0) return any.doubles(4)[0] ?? 0;
  if (any.bytes(5).length > 0) return any.message(5).messages(1).map(valueOf);
  return any.number(3);
}
