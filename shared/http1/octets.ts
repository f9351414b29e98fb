/** Character classes of RFC 9110 §5.6.2 and RFC 9112 as tables: one look-up a byte, no regular expressions. */

function table(allowed: (code: number) => boolean): Uint8Array {
  const classes = new Uint8Array(256);
  for (let code = 0; code < 256; code += 1) classes[code] = allowed(code) ? 1 : 0;
  return classes;
}

const TOKEN_MARKS = "!#$%&'*+-.^_`|~";

function isAlphaNumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
}

/** `token` (RFC 9110 §5.6.2): methods, header names, chunk extension names. */
export const TOKEN = table((code) => isAlphaNumeric(code) || TOKEN_MARKS.includes(String.fromCharCode(code)));
/** Bytes of a field value: visible, SP, HTAB and obs-text (RFC 9110 §5.5). */
export const FIELD_VALUE = table((code) => code === 0x09 || (code >= 0x20 && code !== 0x7f));
/** Bytes of a request target: visible ASCII without the fragment mark, which never belongs in one (RFC 9112 §3.2). */
export const TARGET = table((code) => code > 0x20 && code < 0x7f && code !== 0x23);
/** Value of a hexadecimal digit, 255 for other bytes. */
export const HEX = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit += 1) {
  const text = digit.toString(16);
  HEX[text.charCodeAt(0)] = digit;
  HEX[text.toUpperCase().charCodeAt(0)] = digit;
}

/** True when each of `bytes[start..end)` is in the class. */
export function allIn(classes: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (classes[bytes[at] ?? 0] !== 1) return false;
  return true;
}

/** The same for a string; a character above U+00FF is in no class. */
export function textIn(classes: Uint8Array, text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (classes[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/**
 * Writes a string whose characters are all in the class, a byte each; false when one is not. Faster than putting strings
 * together and encoding them: those are ropes, which V8 must copy before it reads them.
 */
export function putText(classes: Uint8Array, text: string, bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (classes[code] !== 1) return false;
    bytes[start + index] = code;
  }
  return true;
}
