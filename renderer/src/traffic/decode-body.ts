/** Bytes of a base64 text; none when it is not base64. */
export function decodeBytes(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (char) => char.codePointAt(0) ?? 0);
  } catch {
    return new Uint8Array();
  }
}

/** As UTF-8 text; `undefined` when it is not. */
export function decodeText(base64: string): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(decodeBytes(base64));
    // oxlint-disable-next-line no-control-regex -- control characters are what tells binary data from text
    return /[\u0000-\u0008\u000e-\u001a]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Indented JSON; `undefined` when the text is none. */
export function prettyJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined;
  }
}

/** Offset, bytes and characters, 16 a line, at most `limit` bytes. */
export function hexDump(bytes: Uint8Array, limit = 8192): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, limit); at += 16) {
    const part = [...bytes.subarray(at, at + 16)];
    const hex = part
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(' ')
      .padEnd(47);
    const chars = part.map((byte) => (byte >= 32 && byte < 127 ? String.fromCodePoint(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex}  ${chars}`);
  }
  if (bytes.length > limit) lines.push(`… ${bytes.length - limit} more bytes`);
  return lines.join('\n');
}
