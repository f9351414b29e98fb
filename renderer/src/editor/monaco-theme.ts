import type { editor } from 'monaco-editor/editor';
import { palettes, type Scheme } from '../theme/tokens.ts';

export function monacoTheme(scheme: Scheme): editor.IStandaloneThemeData {
  const colour = palettes[scheme];
  const bare = (value: string): string => value.slice(1);
  return {
    base: scheme === 'dark' ? 'vs-dark' : 'vs',
    inherit: true,
    rules: [
      { token: '', foreground: bare(colour.text) },
      { token: 'type', foreground: bare(colour.key) },
      { token: 'keyword', foreground: bare(colour.number) },
      { token: 'string', foreground: bare(colour.string) },
      { token: 'number', foreground: bare(colour.number) },
      { token: 'comment', foreground: bare(colour.comment) },
      { token: 'operators', foreground: bare(colour.dim) },
      { token: 'tag', foreground: bare(colour.violet) },
      { token: 'namespace', foreground: bare(colour.violet) },
    ],
    colors: {
      'editor.background': colour.code,
      'editor.foreground': colour.text,
      'editorLineNumber.foreground': colour.faint,
      'editorLineNumber.activeForeground': colour.text,
      'editorLineNumber.dimmedForeground': colour.faint,
      'editor.lineHighlightBackground': colour.hover,
      'editor.lineHighlightBorder': colour.hover,
      'editor.selectionBackground': colour.selected,
      'editorIndentGuide.background1': colour.line,
      'editorIndentGuide.activeBackground1': colour.outline,
      'editorError.foreground': colour.bad,
      'editorWarning.foreground': colour.warn,
      'editorInfo.foreground': colour.info,
      'editorWidget.background': colour.raised,
      'editorWidget.border': colour.line,
      'editorSuggestWidget.background': colour.raised,
      'editorSuggestWidget.border': colour.line,
      'editorSuggestWidget.selectedBackground': colour.selected,
      'editorSuggestWidget.selectedForeground': colour.text,
      'editorHoverWidget.background': colour.raised,
      'editorHoverWidget.border': colour.line,
      'editorGutter.background': colour.code,
      'editorStickyScroll.background': colour.code,
      focusBorder: colour.accent,
      'scrollbar.shadow': colour.line,
      'diffEditor.insertedTextBackground': `${colour.ok}2b`,
      'diffEditor.removedTextBackground': `${colour.bad}2b`,
      'diffEditor.insertedLineBackground': `${colour.ok}18`,
      'diffEditor.removedLineBackground': `${colour.bad}18`,
    },
  };
}
