/** A token of Traefik's rule language, which is a subset of Go's expressions. Offsets are in UTF-16 units. */
export type Token =
  | { readonly kind: 'word' | 'string'; readonly text: string; readonly start: number; readonly end: number }
  | {
      readonly kind: '&&' | '||' | '!' | '(' | ')' | ',' | 'newline' | 'end';
      readonly start: number;
      readonly end: number;
    };

export interface RuleProblem {
  readonly message: string;
  readonly start: number;
  readonly end: number;
  readonly code: 'rule-syntax' | 'regex-invalid';
  readonly hint?: string;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '"': '"',
}; // prettier-ignore

/** Tokens of a rule, ended by `end`; or the first character that cannot begin one. */
export function tokenise(rule: string): { tokens: Token[]; problem?: RuleProblem } {
  const tokens: Token[] = [];
  let at = 0;
  const stop = (
    message: string,
    start: number,
    end: number,
    hint?: string,
  ): { tokens: Token[]; problem: RuleProblem } => ({
    tokens,
    problem: { code: 'rule-syntax', message, start, end, ...(hint === undefined ? {} : { hint }) },
  });

  while (at < rule.length) {
    const char = rule.charAt(at);
    const start = at;
    if (char === '\n') {
      tokens.push({ kind: 'newline', start, end: (at += 1) });
    } else if (/\s/.test(char)) {
      at += 1;
    } else if (char === '(' || char === ')' || char === ',' || char === '!') {
      tokens.push({ kind: char, start, end: (at += 1) });
    } else if (rule.startsWith('&&', at) || rule.startsWith('||', at)) {
      tokens.push({ kind: char === '&' ? '&&' : '||', start, end: (at += 2) });
    } else if (/[A-Za-z_]/.test(char)) {
      while (at < rule.length && /[A-Za-z0-9_]/.test(rule.charAt(at))) at += 1;
      tokens.push({ kind: 'word', text: rule.slice(start, at), start, end: at });
    } else if (char === '`') {
      const close = rule.indexOf('`', at + 1);
      if (close < 0) return stop('the string is not closed: ` is missing', start, rule.length);
      at = close + 1;
      // Go drops carriage returns from raw strings.
      tokens.push({ kind: 'string', text: rule.slice(start + 1, close).replaceAll('\r', ''), start, end: at });
    } else if (char === '"') {
      const quoted = readQuoted(rule, at);
      if (typeof quoted === 'string') return stop(quoted, start, rule.length);
      at = quoted.end;
      tokens.push({ kind: 'string', text: quoted.text, start, end: at });
    } else if (char === "'") {
      return stop("single quotes do not hold a string in Traefik's rules", start, start + 1, 'Use backquotes: `…`.');
    } else {
      return stop(`unexpected character ${JSON.stringify(char)}`, start, start + 1);
    }
  }
  tokens.push({ kind: 'end', start: rule.length, end: rule.length });
  return { tokens };
}

/** Go's interpreted string literal; a string as result is the problem. */
function readQuoted(rule: string, open: number): { text: string; end: number } | string {
  let text = '';
  for (let at = open + 1; at < rule.length; at += 1) {
    const char = rule.charAt(at);
    if (char === '"') return { text, end: at + 1 };
    if (char === '\n') return 'a string in double quotes may not span lines';
    if (char !== '\\') {
      text += char;
      continue;
    }
    const escape = rule.charAt(at + 1);
    const simple = ESCAPES[escape];
    const hex = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(rule.slice(at + 1, at + 6));
    if (simple !== undefined) {
      text += simple;
      at += 1;
    } else if (hex !== null) {
      text += String.fromCharCode(Number.parseInt(hex[1] ?? hex[2] ?? '0', 16));
      at += hex[0].length;
    } else {
      return `unknown escape sequence \\${escape}: use backquotes for regular expressions`;
    }
  }
  return 'the string is not closed: " is missing';
}
