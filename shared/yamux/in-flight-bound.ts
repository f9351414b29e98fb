/** What is known of the path to the peer. */
export interface Path {
  /** Bytes per millisecond; 0 while unknown. */
  readonly rate: number;
  readonly minRttMs: number;
  /** What may be in flight for answers that come late (`late-answers.ts`). */
  readonly lateBytes: number;
  readonly starting: boolean;
  readonly probing: boolean;
}

export interface FlightPlan {
  /** Bytes that may be on their way: sent, and not known to have arrived. */
  readonly boundBytes: number;
  /** A mark (a ping in the stream of bytes, whose answer acknowledges what was sent before it) follows so many bytes. */
  readonly markBytes: number;
}

const KIB = 1024;
const FIRST_BOUND_BYTES = 256 * KIB;
const SMALLEST_BOUND_BYTES = 32 * KIB;
const SMALLEST_PROBE_BYTES = 16 * KIB;
const LARGEST_BOUND_BYTES = 64 * KIB * KIB;
const GAIN_WHILE_STARTING = 2.5;
const GAIN = 1.25;
/** On a loopback the round trip is shorter than a turn of the event loop on either side. */
const TURN_MS = 0.25;
/** So that a short round trip does not starve the sender between two turns, as long as that is no delay worth a word. */
const CUSHION_MS = 5;
const LARGEST_CUSHION_BYTES = 512 * KIB;

/**
 * Enough in flight to fill the path, and little more: what exceeds rate × round trip only waits in a queue, where a
 * small message can no longer overtake it.
 */
export function flightPlan(path: Path): FlightPlan {
  const { rate, minRttMs, lateBytes } = path;
  if (path.probing) {
    const boundBytes = clamp(0.5 * rate * minRttMs, SMALLEST_PROBE_BYTES, LARGEST_BOUND_BYTES);
    return { boundBytes, markBytes: clamp(boundBytes / 8, 4 * KIB, 256 * KIB) };
  }
  const gain = path.starting ? GAIN_WHILE_STARTING : GAIN;
  const fill = rate * (gain * minRttMs + TURN_MS) + lateBytes;
  const cushion = Math.min(LARGEST_CUSHION_BYTES, rate * CUSHION_MS);
  const least = path.starting ? FIRST_BOUND_BYTES : SMALLEST_BOUND_BYTES;
  const wanted = Math.max(fill, cushion, least);
  const markBytes = clamp(Math.max(wanted / 8, rate * 0.06), 4 * KIB, 256 * KIB);
  // What was sent since the last mark cannot be acknowledged yet: without its share the bound would decay.
  const boundBytes = clamp(wanted + markBytes + 8 * KIB, SMALLEST_BOUND_BYTES, LARGEST_BOUND_BYTES);
  return { boundBytes, markBytes };
}

function clamp(value: number, least: number, most: number): number {
  return Math.floor(Math.min(most, Math.max(least, value)));
}
