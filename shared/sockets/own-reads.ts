import { buffersCame } from '../process/buffer-pressure.ts';

const SLAB_BYTES = 64 * 1024;
/** What a socket waits with that says little; such regions share blocks. */
const SMALLEST_BYTES = 4 * 1024;
const SMALLEST_REST_BYTES = 1024;
/** A TLS record is not cut into pieces for the rest of a region. */
const WHOLE_BYTES = 16 * 1024;

let shared = Buffer.alloc(0);
let sharedAt = 0;

/** The memory that one socket reads into: each byte once, so that what was read is its reader's to keep and to change. */
export class OwnReads {
  #region = take(SMALLEST_BYTES);
  #bytes = SMALLEST_BYTES;

  /** Where the next read goes. */
  get region(): Buffer {
    return this.#region;
  }

  /** So much was read. */
  read(length: number): Buffer {
    const region = this.#region;
    const left = region.length - length;
    if (left === 0) this.#bytes = SLAB_BYTES;
    else if (length < this.#bytes / 16) this.#bytes = SMALLEST_BYTES;
    const least = this.#bytes === SMALLEST_BYTES ? SMALLEST_REST_BYTES : WHOLE_BYTES;
    this.#region = left >= least ? region.subarray(length) : take(this.#bytes);
    return left === 0 ? region : region.subarray(0, length);
  }
}

function take(bytes: number): Buffer {
  if (bytes === SLAB_BYTES) {
    buffersCame(SLAB_BYTES);
    return Buffer.allocUnsafeSlow(SLAB_BYTES);
  }
  if (shared.length - sharedAt < bytes) {
    buffersCame(SLAB_BYTES);
    shared = Buffer.allocUnsafeSlow(SLAB_BYTES);
    sharedAt = 0;
  }
  sharedAt += bytes;
  return shared.subarray(sharedAt - bytes, sharedAt);
}
