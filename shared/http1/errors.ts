/**
 * Everything that the HTTP/1 parser and writer refuse. `status` is what a server answers for it; in a response from an
 * upstream each of them is a 502.
 */
const CATALOGUE = {
  'http1.bare-lf': [400, 'a line ends with LF without CR'],
  'http1.control-character': [400, 'a control character where none may be'],
  'http1.bad-method': [400, 'the method is not a known one'],
  'http1.bad-target': [400, 'the request target is not valid'],
  'http1.bad-version': [505, 'the protocol version is neither HTTP/1.0 nor HTTP/1.1'],
  'http1.bad-start-line': [400, 'the first line is not METHOD SP TARGET SP VERSION'],
  'http1.bad-status-line': [400, 'the first line is not VERSION SP STATUS SP REASON'],
  'http1.bad-header-name': [400, 'a header name has a character that is not allowed'],
  'http1.bad-header-value': [400, 'a header value has a character that is not allowed'],
  'http1.space-before-colon': [400, 'white space between a header name and its colon'],
  'http1.obsolete-fold': [400, 'a header line starts with white space'],
  'http1.head-too-large': [431, 'the head is larger than allowed'],
  'http1.too-many-headers': [431, 'more header lines than allowed'],
  'http1.target-too-long': [414, 'the request target is longer than allowed'],
  'http1.missing-host': [400, 'an HTTP/1.1 request without Host'],
  'http1.several-hosts': [400, 'more than one Host header'],
  'http1.bad-host': [400, 'the Host header is not a host with an optional port'],
  'http1.length-and-encoding': [400, 'both Content-Length and Transfer-Encoding'],
  'http1.several-lengths': [400, 'more than one Content-Length'],
  'http1.bad-length': [400, 'Content-Length is not a decimal number in range'],
  'http1.bad-encoding': [501, 'Transfer-Encoding is not exactly "chunked"'],
  'http1.encoding-in-1.0': [400, 'Transfer-Encoding in an HTTP/1.0 message'],
  'http1.body-not-allowed': [400, 'CONNECT with a body'],
  'http1.bad-chunk-size': [400, 'a chunk size is not hexadecimal or out of range'],
  'http1.bad-chunk-extension': [400, 'a chunk extension is not valid or too long'],
  'http1.bad-chunk-end': [400, 'chunk data is not followed by CRLF'],
  'http1.bad-trailer': [400, 'a trailer field that is not allowed there'],
  'http1.trailers-too-large': [431, 'the trailers are larger than allowed'],
  'http1.truncated': [400, 'the connection ended inside a message'],
  'http1.interim-closes': [502, 'an interim response that ends the connection'],
  'http1.unsolicited': [502, 'response bytes without a request'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type Http1ErrorCode = keyof typeof CATALOGUE;

export class Http1Error extends Error {
  readonly code: Http1ErrorCode;
  /** What a server answers a request that has this error. */
  readonly status: number;

  constructor(code: Http1ErrorCode, detail?: string) {
    const [status, message] = CATALOGUE[code];
    super(detail === undefined ? message : `${message}: ${detail}`);
    this.name = 'Http1Error';
    this.code = code;
    this.status = status;
  }
}
