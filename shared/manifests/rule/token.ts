import { readGoString } from './go-string.ts';

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
    } else if (char === ' ' || char === '\t' || char === '\r') {
      at += 1;
    } else if (rule.startsWith('//', at)) {
      const line = rule.indexOf('\n', at);
      at = line < 0 ? rule.length : line;
    } else if (rule.startsWith('/*', at)) {
      const close = rule.indexOf('*/', at + 2);
      if (close < 0) return stop('the comment is not closed: */ is missing', start, rule.length);
      at = close + 2;
      // As in Go, a comment over several lines ends the line.
      if (rule.slice(start, at).includes('\n')) tokens.push({ kind: 'newline', start, end: at });
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
      const quoted = readGoString(rule, at);
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
