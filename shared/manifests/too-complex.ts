import { Lexer } from 'yaml';

/** Smaller texts are read at once: nothing in them takes long. */
const SMALL = 16 * 1024;
/** A file of 60,000 lines has about six a line. */
const MAX_TOKENS = 400_000;
const MAX_DEPTH = 120;
/** Tokens of one line outside of brackets, or of one entry inside: after mistakes the reader slows down with their square. */
const MAX_RUN = 1_000;
const MAX_DOCUMENTS = 5_000;

/**
 * Why the reader would take very long for a text, and where that is seen. The library's lexer is linear in the text, its
 * reader is not; so tokens are counted first, and no further than needed.
 */
export function tooComplex(source: string): { readonly reason: string; readonly offset: number } | undefined {
  if (source.length < SMALL) return undefined;
  let offset = 0;
  let tokens = 0;
  let depth = 0;
  let run = 0;
  let strays = 0;
  let documents = 0;
  for (const token of new Lexer().lex(source)) {
    // Marks of the lexer for what follows; they are not of the text.
    if (token === '\u0002' || token === '\u0018' || token === '\u001F') continue;
    const first = token[0] ?? '';
    if (token === '[' || token === '{') depth += 1;
    else if (token === ']' || token === '}') {
      if (depth === 0) strays += 1;
      depth = Math.max(0, depth - 1);
    }
    if (token === '---') documents += 1;
    if (documents > MAX_DOCUMENTS) return { reason: `more than ${MAX_DOCUMENTS} documents`, offset };
    if (depth > MAX_DEPTH) return { reason: `brackets are nested deeper than ${MAX_DEPTH} levels`, offset };
    if (depth > 0 ? token === ',' : token === '\n' || token === '\r\n') run = 0;
    else if (first !== ' ' && first !== '\t' && first !== '\n' && first !== '\r' && first !== '#') run += 1;
    if (run > MAX_RUN) return { reason: `more than ${MAX_RUN} parts in one place`, offset };
    if (strays > MAX_RUN) return { reason: `more than ${MAX_RUN} brackets that nothing opens`, offset };
    if ((tokens += 1) > MAX_TOKENS) return { reason: `more than ${MAX_TOKENS} parts`, offset };
    offset += token.length;
  }
  return undefined;
}
