import { expect, test } from 'vitest';
import { asPlain } from './plain-completion.ts';

function item(insertText: string) {
  return {
    label: insertText,
    kind: 0,
    insertText,
    insertTextRules: 4,
    range: { startLineNumber: 1, startColumn: 1, endLineNumber: 1, endColumn: 1 },
  };
}

test('a word that is complete is plain text, so that Enter ends its line', () => {
  expect(asPlain(item('hub.traefik.io/v1alpha1'))).not.toHaveProperty('insertTextRules');
});

test.each(['name: ${1:name}', 'spec:\n  ', 'a\\$b', 'x: $1'])(
  'what has a place to fill in, escapes or lines stays a snippet: %j',
  (text) => {
    expect(asPlain(item(text))).toHaveProperty('insertTextRules', 4);
  },
);
