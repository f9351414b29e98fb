/** Cuts into pieces of the given sizes in turn, so that headers and payloads break everywhere. */
export function* cutInto(sizes: readonly number[], bytes: Uint8Array): Iterable<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
