import type { ConformanceCase } from '../conformance-case.ts';
import type { Ask } from '../exchange.ts';
import { get, middleware, through } from './manifests.ts';

const accept = (encoding: string, target = '/?size=4000'): Ask => ({
  target,
  headers: [['Accept-Encoding', encoding]],
});
/** Two implementations of one compression do not give the same bytes; which was chosen and what it unpacks to is compared. */
const PACKED = { headers: ['content-length'], why: 'compressors differ in bytes; what they unpack to is compared' };

export const TRAFFIC_CASES: readonly ConformanceCase[] = [
  {
    name: 'compress: what the visitor takes',
    manifests: middleware('m', '{ compress: {} }') + through('m'),
    asks: [
      accept('gzip'),
      accept('br'),
      accept('zstd'),
      accept('gzip, br'),
      accept('gzip;q=1, br;q=0.5'),
      accept('br;q=0, gzip'),
      accept('*'),
      accept('identity'),
      accept('deflate'),
      accept('gzip', '/?size=100'),
      accept('gzip', '/?size=1023'),
      accept('gzip', '/?size=1024'),
      accept('gzip', '/?size=4000&type=image/png'),
      accept('gzip', '/?size=4000&type=application/grpc'),
      accept('gzip', '/?size=4000&header=Content-Encoding:br'),
      accept('gzip', '/?size=4000&header=ETag:"x"'),
      accept('gzip', '/?size=4000&status=404'),
      { method: 'HEAD', target: '/?size=4000', headers: [['Accept-Encoding', 'gzip']] },
    ],
    allowed: PACKED,
  },
  {
    name: 'compress: only some types, from a size on',
    manifests:
      middleware('m', '{ compress: { includedContentTypes: [application/json], minResponseBodyBytes: 200 } }') +
      through('m'),
    asks: [
      accept('gzip', '/?size=300&type=application/json'),
      accept('gzip', '/?size=100&type=application/json'),
      accept('gzip'),
    ],
    allowed: PACKED,
  },
  {
    name: 'compress: without some types, own encodings',
    manifests: middleware('m', '{ compress: { excludedContentTypes: [text/css], encodings: [gzip] } }') + through('m'),
    asks: [accept('gzip', '/?size=4000&type=text/css'), accept('br'), accept('br, gzip')],
    allowed: PACKED,
  },
  {
    name: 'errors: a page of another service',
    manifests:
      middleware(
        'm',
        '{ errors: { status: ["404", "500-502"], service: { name: second, port: ${PORT}, nativeLB: true }, query: "/page?status={status}&from={url}&body=page-{status}" } }',
      ) + through('m'),
    asks: get('/', '/?status=404', '/?status=500', '/?status=502', '/?status=503', '/?status=403'),
  },
  {
    name: 'errors: statuses rewritten',
    manifests:
      middleware(
        'm',
        '{ errors: { status: ["400-499"], statusRewrites: { "404": 200, "410-420": 500 }, service: { name: second, port: ${PORT}, nativeLB: true }, query: "/p/{status}/{originalStatus}" } }',
      ) + through('m'),
    asks: get('/?status=404', '/?status=418', '/?status=401'),
  },
  {
    name: 'retry: a connection that is closed',
    manifests: middleware('m', '{ retry: { attempts: 3 } }') + through('m'),
    asks: [...get('/?reset', '/?status=503', '/'), { method: 'POST', target: '/?reset', body: 'x' }],
  },
  {
    name: 'upstream: a connection that is closed',
    manifests: through(),
    asks: [...get('/?reset'), { method: 'POST', target: '/?reset', body: 'x' }],
  },
  {
    name: 'buffering: a body that is too large',
    manifests: middleware('m', '{ buffering: { maxRequestBodyBytes: 1000 } }') + through('m'),
    asks: [
      { method: 'POST', target: '/', body: 'x'.repeat(1000) },
      { method: 'POST', target: '/', body: 'x'.repeat(1001) },
      { target: '/?size=5000' },
    ],
  },
  {
    name: 'buffering: an answer that is too large',
    manifests: middleware('m', '{ buffering: { maxResponseBodyBytes: 1000 } }') + through('m'),
    asks: get('/?size=1000', '/?size=1001'),
  },
  {
    name: 'contentType: left as it is',
    manifests: middleware('m', '{ contentType: { autoDetect: false } }') + through('m'),
    asks: get('/?type=text/plain'),
  },
  {
    name: 'circuitBreaker: closed it changes nothing',
    manifests: middleware('m', '{ circuitBreaker: { expression: "NetworkErrorRatio() > 0.30" } }') + through('m'),
    asks: get('/', '/?status=500', '/'),
  },
  {
    name: 'circuitBreaker: opened by errors',
    manifests:
      middleware(
        'm',
        '{ circuitBreaker: { expression: "ResponseCodeRatio(500, 600, 0, 600) > 0.10", checkPeriod: 10ms, fallbackDuration: 60s, responseCode: 529 } }',
      ) + through('m'),
    asks: get('/?status=500'),
    stateful: 'counted',
  },
  {
    name: 'inFlightReq and rateLimit: their sources',
    manifests:
      middleware('a', '{ inFlightReq: { amount: 5, sourceCriterion: { requestHost: true } } }') +
      middleware('b', '{ rateLimit: { average: 1000, burst: 1000, sourceCriterion: { ipStrategy: { depth: 1 } } } }') +
      through('a', 'b'),
    asks: get('/', '/x'),
  },
];
