/** What a visitor may do for nothing, once and then a second. */
interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

/** Streams that the visitor resets, or makes us reset, before their answer (CVE-2023-44487, CVE-2025-8671). */
const WASTED_STREAMS: Allowance = { burst: 100, perSecond: 20 };
/** PING and SETTINGS, each of which we answer (CVE-2019-9512, CVE-2019-9515). */
const QUESTIONS: Allowance = { burst: 200, perSecond: 20 };
/** Who measures the path pings in proportion to what it receives. */
const ANSWER_BYTES_PER_QUESTION = 1024;
/** Bytes of frames that carry neither a request nor a body: WINDOW_UPDATE, refused heads, what nobody knows. */
const OVERHEAD_BYTES: Allowance = { burst: 256 * 1024, perSecond: 128 };
/** Of a head, its priority and its end; a head that is compressed takes less. */
const HEAD_FRAME_BYTES = 512;
const FIELD_BYTES = 8;
const DATA_FRAME_BYTES = 64;
/** Each frame that we send may be answered by two of 13 bytes that widen windows. */
const WINDOW_BYTES_PER_ANSWER_BYTE = 1 / 4;
const WINDOW_BYTES_PER_ANSWER_PIECE = 64;

/** Counts what one HTTP/2 connection costs without asking for anything. */
export class Http2Guard {
  readonly #socket: { readonly bytesRead: number };
  readonly #openedAt: number;
  #wasted: Bucket;
  #questions: Bucket;
  #answerBytes = 0;
  /** Bytes that came for a reason. */
  #earnedBytes = 0;

  /** `socket.bytesRead` counts the bytes of frames. `now`: milliseconds of `performance.now()`, here and below. */
  constructor(socket: { readonly bytesRead: number }, now: number) {
    this.#socket = socket;
    this.#openedAt = now;
    this.#wasted = { tokens: WASTED_STREAMS.burst, at: now };
    this.#questions = { tokens: QUESTIONS.burst, at: now };
  }

  /** A request has come; `raw`: names and values in turn. */
  opened(raw: readonly string[]): void {
    let bytes = HEAD_FRAME_BYTES;
    for (const text of raw) bytes += text.length + FIELD_BYTES;
    this.#earnedBytes += bytes;
  }

  received(bodyBytes: number): void {
    this.#earnedBytes += bodyBytes + DATA_FRAME_BYTES;
  }

  answered(bytes: number): void {
    this.#earnedBytes += bytes * WINDOW_BYTES_PER_ANSWER_BYTE + WINDOW_BYTES_PER_ANSWER_PIECE;
    this.#answerBytes += bytes;
  }

  /** A stream ended before its answer. False: one too many. */
  wasted(now: number): boolean {
    return take(this.#wasted, WASTED_STREAMS, now);
  }

  /** A PING or SETTINGS has come. False: one too many. */
  asked(now: number): boolean {
    if (this.#answerBytes >= ANSWER_BYTES_PER_QUESTION) {
      this.#answerBytes -= ANSWER_BYTES_PER_QUESTION;
      return true;
    }
    return take(this.#questions, QUESTIONS, now);
  }

  /** False: more bytes without a reason than allowed. */
  bytesFit(now: number): boolean {
    const { burst, perSecond } = OVERHEAD_BYTES;
    const free = burst + ((now - this.#openedAt) / 1000) * perSecond;
    return this.#socket.bytesRead <= this.#earnedBytes + free;
  }
}

interface Bucket {
  tokens: number;
  at: number;
}

function take(bucket: Bucket, { burst, perSecond }: Allowance, now: number): boolean {
  bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond) - 1;
  bucket.at = now;
  return bucket.tokens >= 0;
}
