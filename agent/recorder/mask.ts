const ALWAYS = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'x-api-key'];
const MASKED = '***';

/** What must not leave the recorder: values of these headers (lower case) and query parameters. */
export class Mask {
  #headers: ReadonlySet<string>;
  #query: ReadonlySet<string>;

  constructor(headers: Iterable<string> = [], query: Iterable<string> = []) {
    this.#headers = new Set([...ALWAYS, ...[...headers].map((name) => name.toLowerCase())]);
    this.#query = new Set(['api_key', ...query]);
  }

  /** Scheme of a credential and names of cookies stay, since they explain a refusal. */
  headers(pairs: Iterable<readonly [string, string]>): [string, string][] {
    const out: [string, string][] = [];
    for (const [name, value] of pairs) {
      const lower = name.toLowerCase();
      if (!this.#headers.has(lower)) out.push([name, this.#maskUrls(lower, value)]);
      else if (lower === 'cookie') out.push([name, value.replaceAll(/=[^;]*/g, `=${MASKED}`)]);
      else if (lower === 'set-cookie') out.push([name, value.replace(/=[^;]*/, `=${MASKED}`)]);
      else
        out.push([
          name,
          value.replace(/^(?:(\S+) +)?\S.*$/s, (_, scheme: string | undefined) =>
            scheme === undefined ? MASKED : `${scheme} ${MASKED}`,
          ),
        ]);
    }
    return out;
  }

  target(target: string): string {
    const at = target.indexOf('?');
    if (at < 0) return target;
    const parts = target
      .slice(at + 1)
      .split('&')
      .map((part) => {
        const equals = part.indexOf('=');
        if (equals < 0 || !this.#query.has(decodeName(part.slice(0, equals)))) return part;
        return `${part.slice(0, equals)}=${MASKED}`;
      });
    return `${target.slice(0, at)}?${parts.join('&')}`;
  }

  #maskUrls(name: string, value: string): string {
    return name === 'referer' || name === 'location' ? this.target(value) : value;
  }
}

function decodeName(name: string): string {
  // The same decoding that finds the key in a request (application/x-www-form-urlencoded).
  const [first] = new URLSearchParams(name).keys();
  return first ?? name;
}
