const LOOKED_AT = 512;
const WHITE = /^[\t\n\f\r ]*/;
const MARKUP =
  /^<(?:!DOCTYPE HTML|HTML|HEAD|SCRIPT|IFRAME|H1|DIV|FONT|TABLE|A|STYLE|TITLE|B|BODY|BR|P|!--)(?=[ >])|^<!--/i;

/** First bytes and type, in order (WHATWG MIME Sniffing §7). */
const STARTS: readonly (readonly [string, string])[] = [
  ['%PDF-', 'application/pdf'],
  ['%!PS-Adobe-', 'application/postscript'],
  ['\xfe\xff', 'text/plain; charset=utf-16be'],
  ['\xff\xfe', 'text/plain; charset=utf-16le'],
  ['\xef\xbb\xbf', 'text/plain; charset=utf-8'],
  ['\x00\x00\x01\x00', 'image/x-icon'],
  ['\x00\x00\x02\x00', 'image/x-icon'],
  ['BM', 'image/bmp'],
  ['GIF87a', 'image/gif'],
  ['GIF89a', 'image/gif'],
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff', 'image/jpeg'],
  ['ID3', 'audio/mpeg'],
  ['OggS\x00', 'application/ogg'],
  ['MThd\x00\x00\x00\x06', 'audio/midi'],
  ['\x1aE\xdf\xa3', 'video/webm'],
  ['\x00\x01\x00\x00', 'font/ttf'],
  ['OTTO', 'font/otf'],
  ['ttcf', 'font/collection'],
  ['wOFF', 'font/woff'],
  ['wOF2', 'font/woff2'],
  ['\x1f\x8b\x08', 'application/x-gzip'],
  ['PK\x03\x04', 'application/zip'],
  ['Rar!\x1a\x07\x00', 'application/x-rar-compressed'],
  ['Rar!\x1a\x07\x01\x00', 'application/x-rar-compressed'],
  ['\x00asm', 'application/wasm'],
];
/** Of containers: the kind stands behind the length. */
const RIFF: Readonly<Record<string, string>> = { WEBPVP: 'image/webp', 'WAVE': 'audio/wave', 'AVI ': 'video/avi' }; // prettier-ignore

/** The type that the first bytes of a body show, as Go's server finds it out. */
export function sniffType(body: Uint8Array): string {
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, LOOKED_AT)).toString('latin1');
  const trimmed = text.replace(WHITE, '');
  if (MARKUP.test(trimmed)) return 'text/html; charset=utf-8';
  if (trimmed.startsWith('<?xml')) return 'text/xml; charset=utf-8';
  for (const [start, type] of STARTS) if (text.startsWith(start)) return type;
  if (text.startsWith('RIFF'))
    for (const [kind, type] of Object.entries(RIFF)) if (text.startsWith(kind, 8)) return type;
  if (text.startsWith('FORM') && text.startsWith('AIFF', 8)) return 'audio/aiff';
  if (text.slice(34, 36) === 'LP') return 'application/vnd.ms-fontobject';
  if (isMp4(text)) return 'video/mp4';
  // oxlint-disable-next-line no-control-regex -- bytes that no text has
  return /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(text) ? 'application/octet-stream' : 'text/plain; charset=utf-8';
}

function isMp4(text: string): boolean {
  if (text.length < 12 || text.slice(4, 8) !== 'ftyp') return false;
  const size = Buffer.from(text.slice(0, 4), 'latin1').readUInt32BE(0);
  if (size % 4 !== 0 || text.length < size) return false;
  for (let at = 8; at < size; at += 4) if (at !== 12 && text.startsWith('mp4', at)) return true;
  return false;
}
