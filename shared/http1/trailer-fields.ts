/** Fields, in lower case, that are refused after the body: framing, routing and credentials (RFC 9110 §6.5.1). */
export const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'transfer-encoding',
  'content-length',
  'host',
  'connection',
  'upgrade',
  'trailer',
  'te',
  'expect',
  'keep-alive',
  'authorization',
  'cookie',
  'set-cookie',
]);
