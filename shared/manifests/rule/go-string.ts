import { byteText, utf8Bytes } from '../../gateway/byte-text.ts';

const SIMPLE: Readonly<Record<string, number>> = {
  a: 0x07, b: 0x08, f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09, v: 0x0b, '\\': 0x5c, '"': 0x22,
}; // prettier-ignore
const SHORT = new Map(Object.entries(SIMPLE).map(([letter, code]) => [String.fromCharCode(code), `\\${letter}`]));
const PRINTED = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;
const ESCAPE = /^(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/;

/** A text as Go's `%q` writes it: what Traefik's providers put into the rules that they make. */
export function goQuote(text: string): string {
  let out = '"';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const short = SHORT.get(char);
    if (short !== undefined) out += short;
    else if (PRINTED.test(char)) out += char;
    else if (code < 0x80) out += `\\x${hex(code, 2)}`;
    else out += code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  }
  return `${out}"`;
}

/** An interpreted string literal of Go, which begins at `open`; a string as result is what is wrong with it. */
export function readGoString(source: string, open: number): { text: string; end: number } | string {
  const bytes: number[] = [];
  for (let at = open + 1; at < source.length;) {
    const char = String.fromCodePoint(source.codePointAt(at) ?? 0);
    if (char === '"') return { text: byteText(Uint8Array.from(bytes)), end: at + 1 };
    if (char === '\n') return 'a string in double quotes may not span lines';
    if (char !== '\\') {
      bytes.push(...utf8Bytes(char));
      at += char.length;
      continue;
    }
    const escape = source.charAt(at + 1);
    const simple = Object.hasOwn(SIMPLE, escape) ? SIMPLE[escape] : undefined;
    if (simple !== undefined) {
      bytes.push(simple);
      at += 2;
      continue;
    }
    const numeric = ESCAPE.exec(source.slice(at + 1, at + 10));
    const read = numeric === null ? undefined : numericBytes(numeric);
    if (numeric === null || read === undefined)
      return `unknown escape sequence \\${escape}: use backquotes for regular expressions`;
    bytes.push(...read);
    at += 1 + numeric[0].length;
  }
  return 'the string is not closed: " is missing';
}

function numericBytes([, byte, octal, short, long]: RegExpExecArray): Iterable<number> | undefined {
  const single = byte === undefined ? octal && Number.parseInt(octal, 8) : Number.parseInt(byte, 16);
  if (typeof single === 'number') return single > 0xff ? undefined : [single];
  const code = Number.parseInt(short ?? long ?? '', 16);
  if (code > 0x10_ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return utf8Bytes(String.fromCodePoint(code));
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}
