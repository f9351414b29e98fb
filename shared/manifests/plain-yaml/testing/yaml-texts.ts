import fc from 'fast-check';
import { KEYS, PLAIN, PLAIN_KEYS, WORDS } from './words.ts';

const oftenAbsent = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant('') }, { weight: 1, arbitrary: text });
const spaces = fc.constantFrom('', '', '', '  ', '  ', ' ', '    ', '   ');
const anyWord = fc.oneof(fc.constantFrom(...WORDS), fc.constantFrom(...PLAIN));
const anyKey = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...PLAIN_KEYS) },
  { weight: 1, arbitrary: fc.constantFrom(...KEYS) },
);
const trailing = oftenAbsent(fc.constantFrom(' ', '  ', ' # c', '  # a: b', ' #', '# c', ' \t', ' # é'));

/** Lines put together without regard to what they mean: most are broken, some are right by chance. */
export const anyLines = fc
  .tuple(
    fc.array(
      fc.oneof(
        {
          weight: 12,
          arbitrary: fc
            .tuple(
              spaces,
              oftenAbsent(fc.constantFrom('- ', '-  ', '-', '- - ')),
              anyKey,
              fc.constantFrom(': ', ': ', ': ', ': ', ': ', ': ', ':', ':  ', ' : '),
              oftenEmpty(anyWord),
              trailing,
            )
            .map((parts) => parts.join('')),
        },
        {
          weight: 4,
          arbitrary: fc
            .tuple(spaces, fc.constantFrom('- ', '-', '-   '), oftenEmpty(anyWord), trailing)
            .map((parts) => parts.join('')),
        },
        { weight: 1, arbitrary: fc.tuple(spaces, anyWord, trailing).map((parts) => parts.join('')) },
        { weight: 2, arbitrary: fc.tuple(spaces, fc.constantFrom('# c', '#', '#a: b')).map((parts) => parts.join('')) },
        { weight: 2, arbitrary: spaces },
        {
          weight: 1,
          arbitrary: fc.constantFrom('---', '--- ', '--- # c', '--- a', '...', '---a', '%YAML 1.2', ' ---', '\t'),
        },
      ),
      { maxLength: 8 },
    ),
    fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\n'),
    fc.constantFrom('\n', '', '\n\n', ' ', '\n  '),
  )
  .map(([lines, newline, end]) => lines.join(newline) + end);

function oftenEmpty(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.oneof({ weight: 2, arbitrary: fc.constant('') }, { weight: 5, arbitrary: text });
}

type Tree =
  | { readonly word: string }
  | { readonly list: readonly Tree[] }
  | { readonly map: readonly (readonly [string, Tree])[] };

const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    { weight: 3, arbitrary: word() },
    { weight: 2, arbitrary: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }).map((list) => ({ list })) },
    { weight: 3, arbitrary: map(tie('tree')) },
  ),
})).tree;

function word(): fc.Arbitrary<Tree> {
  const text = fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(...PLAIN) },
    { weight: 1, arbitrary: fc.constantFrom(...WORDS) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
    { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  );
  return text.map((of) => ({ word: of }));
}

function map(value: fc.Arbitrary<Tree>): fc.Arbitrary<Tree> {
  const key = fc.oneof(
    { weight: 80, arbitrary: fc.constantFrom(...PLAIN_KEYS) },
    { weight: 1, arbitrary: fc.constantFrom(...KEYS) },
  );
  const entries = fc.uniqueArray(fc.tuple(key, value), { minLength: 1, maxLength: 4, selector: ([name]) => name });
  return entries.map((of) => ({ map: of }));
}

interface Manner {
  readonly step: number;
  readonly dash: string;
  readonly listsDeeper: boolean;
  readonly compact: boolean;
  /** What stands at the ends of lines and between them, again and again. */
  readonly ends: readonly string[];
  readonly between: readonly ('' | 'blank' | 'comment')[];
  readonly newline: string;
}

const manner: fc.Arbitrary<Manner> = fc.record({
  step: fc.integer({ min: 1, max: 4 }),
  dash: fc.constantFrom('- ', '-  ', '-   '),
  listsDeeper: fc.boolean(),
  compact: fc.boolean(),
  ends: fc.oneof(
    {
      weight: 5,
      arbitrary: fc.array(oftenAbsent(fc.constantFrom(' ', '  ', ' # c', '  # a: b', ' #')), {
        minLength: 1,
        maxLength: 7,
      }),
    },
    { weight: 1, arbitrary: fc.array(trailing, { minLength: 1, maxLength: 7 }) },
  ),
  between: fc.array(fc.constantFrom('', '', '', '', 'blank', 'comment'), { minLength: 1, maxLength: 7 }),
  newline: fc.constantFrom(...Array.from({ length: 20 }, () => '\n'), '\r\n'),
});

const HEAD = 'apiVersion: v1\nkind: Thing\n';

/** Documents as people write them, each in its manner: most are right, and most of those are plain. */
export const manyDocuments = fc
  .tuple(
    fc.array(
      fc.tuple(fc.oneof({ weight: 5, arbitrary: map(tree) }, { weight: 1, arbitrary: tree }), manner, fc.boolean()),
      { minLength: 1, maxLength: 3 },
    ),
    fc.constantFrom(
      '---\n',
      '---\n',
      '---\n',
      '---\n\n',
      '--- \n',
      '--- # c\n',
      '# c\n---\n',
      '---\n# c\n',
      '---\n---\n',
      '...\n---\n',
    ),
    fc.constantFrom('', '', '---\n', '\n', '# c\n'),
  )
  .map(
    ([documents, between, first]) =>
      first + documents.map(([of, how, object]) => (object ? HEAD : '') + written(of, how)).join(between),
  );

function written(root: Tree, how: Manner): string {
  let lines = 0;
  let text = '';
  const line = (indent: number, content: string): void => {
    const gap = how.between[lines % how.between.length];
    if (gap === 'blank') text += how.newline;
    if (gap === 'comment') text += `${' '.repeat(indent)}# c${how.newline}`;
    const end = how.ends[lines % how.ends.length] ?? '';
    lines += 1;
    text += `${' '.repeat(indent)}${content}${end}${how.newline}`;
  };
  /** `first`: what stands before the first line already, such as a dash. */
  const block = (of: Tree, indent: number, first = ''): void => {
    let lead = first;
    const put = (content: string): void => {
      line(indent - lead.length, lead + content);
      lead = '';
    };
    if ('word' in of) put(of.word);
    else if ('map' in of) {
      for (const [key, value] of of.map) {
        if ('word' in value) {
          put(`${key}: ${value.word}`);
          continue;
        }
        put(`${key}:`);
        block(value, 'list' in value && !how.listsDeeper ? indent : indent + how.step);
      }
    } else {
      for (const item of of.list) {
        if ('word' in item) put(how.dash + item.word);
        else if (how.compact) {
          block(item, indent + how.dash.length, lead + how.dash);
          lead = '';
        } else {
          put('-');
          block(item, indent + how.step);
        }
      }
    }
  };
  block(root, 0);
  return text;
}

/** A text that differs from one of `texts` in a few places. */
export function changedTexts(texts: readonly string[]): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    kind: fc.constantFrom('insert', 'delete', 'replace', 'indent', 'outdent', 'double', 'drop', 'insert-word', 'swap'),
    text: fc.constantFrom(
      ' ',
      '  ',
      '#',
      ' #',
      ':',
      ': ',
      '-',
      '- ',
      '\n',
      '\t',
      '"',
      "'",
      '[',
      ']',
      '{',
      '}',
      ',',
      '&a ',
      '*a',
      '|',
      '>',
      '!',
      '%',
      '?',
      '? ',
      '~',
      '\\',
      '\r',
      '\r\n',
      '---\n',
      '...\n',
      'é',
      '\u0000',
      '\u0085',
      '0',
      'a',
    ),
    word: fc.constantFrom(...WORDS),
  });
  return fc.tuple(fc.constantFrom(...texts), fc.array(change, { maxLength: 3 })).map(([text, changes]) => {
    let changed = text;
    for (const { at, kind, text: piece, word: other } of changes) {
      const place = Math.floor(at * changed.length);
      const start = changed.lastIndexOf('\n', place - 1) + 1;
      const newline = changed.indexOf('\n', place);
      const end = newline < 0 ? changed.length : newline + 1;
      const line = changed.slice(start, end);
      const put = (from: number, to: number, what: string): void => {
        changed = changed.slice(0, from) + what + changed.slice(to);
      };
      if (kind === 'insert') put(place, place, piece);
      else if (kind === 'delete') put(place, place + 1, '');
      else if (kind === 'replace') put(place, place + 1, piece);
      else if (kind === 'indent') put(start, start, ' ');
      else if (kind === 'outdent') put(start, end, line.startsWith(' ') ? line.slice(1) : line);
      else if (kind === 'double') put(start, start, line);
      else if (kind === 'drop') put(start, end, '');
      else if (kind === 'swap') put(start, end, line.trim() + piece);
      else
        put(
          start,
          end,
          line.replace(/: .*/, () => `: ${other}`),
        );
    }
    return changed;
  });
}
