import { byteText } from '../../shared/gateway/byte-text.ts';

/**
 * The parameters of a query as Go's `url.ParseQuery` reads them, which is how Traefik sees them: a pair with an escape
 * that is none is left out, `+` is a space.
 */
export class QueryValues {
  #values = new Map<string, string[]>();

  constructor(rawQuery: string) {
    for (const pair of rawQuery.split('&')) {
      if (pair === '' || pair.includes(';')) continue;
      const mark = pair.indexOf('=');
      const name = unescape(mark < 0 ? pair : pair.slice(0, mark));
      const value = mark < 0 ? '' : unescape(pair.slice(mark + 1));
      if (name === undefined || value === undefined) continue;
      const values = this.#values.get(name);
      if (values === undefined) this.#values.set(name, [value]);
      else values.push(value);
    }
  }

  get(name: string): string | null {
    return this.#values.get(name)?.[0] ?? null;
  }

  getAll(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }
}

function unescape(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text;
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x2b) bytes.push(0x20);
    else if (code !== 0x25) bytes.push(code);
    else {
      const hex = text.slice(at + 1, at + 3);
      if (!/^[0-9a-fA-F]{2}$/.test(hex)) return undefined;
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    }
  }
  return byteText(Uint8Array.from(bytes));
}
