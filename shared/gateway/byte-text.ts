/** Bytes that are not UTF-8 stand as U+DC80…U+DCFF, which valid UTF-8 never gives: they equal nothing that was written. */
const INVALID = 0xdc00;

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * The text of bytes that are UTF-8 as a rule. Go's strings hold any bytes, and its regular expressions take each wrong
 * one for a character of its own; so does this.
 */
export function byteText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return piecewise(bytes);
  }
}

/** UTF-8 of a text without wrong bytes. */
export function utf8Bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** As `byteText`, for bytes that were read as Latin-1, one character each. */
export function latin1Text(text: string): string {
  for (let at = 0; at < text.length; at += 1) {
    if (text.charCodeAt(at) > 0x7f) return byteText(Uint8Array.from(text, (char) => char.charCodeAt(0)));
  }
  return text;
}

function piecewise(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequence(bytes, at);
    if (length === 0) {
      text += String.fromCharCode(INVALID + (bytes[at] ?? 0));
      at += 1;
    } else {
      text += strict.decode(bytes.subarray(at, at + length));
      at += length;
    }
  }
  return text;
}

/** Bytes of the character that begins here; 0 when none does. */
function sequence(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  const length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length < 2) return length;
  try {
    strict.decode(bytes.subarray(at, at + length));
    return length;
  } catch {
    return 0;
  }
}
