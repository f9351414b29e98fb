import type { languages } from 'monaco-editor/editor';

/** Offers what is plain text as such: Monaco would else take Enter for a choice after a word that is already complete. */
export function plainCompletion(provider: languages.CompletionItemProvider): languages.CompletionItemProvider {
  return {
    ...provider,
    async provideCompletionItems(model, position, context, token) {
      const list = await provider.provideCompletionItems(model, position, context, token);
      return list && { ...list, suggestions: list.suggestions.map(asPlain) };
    },
  };
}

/** The YAML language service calls everything a snippet, also what has no place to fill in. */
export function asPlain(item: languages.CompletionItem): languages.CompletionItem {
  if (/[$\\}\n]/.test(item.insertText)) return item;
  const { insertTextRules: _, ...plain } = item;
  return plain;
}
