import { useComputedColorScheme } from '@mantine/core';
import type { editor } from 'monaco-editor/editor';
import { useEffect, useRef } from 'react';
import { fonts } from '../theme/tokens.ts';
import { loadMonaco } from './monaco.ts';

/** Two texts side by side (one above the other where it is narrow), unchanged parts folded. */
export function DiffView({ before, after, path }: { before: string; after: string; path: string }) {
  const place = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });

  useEffect(() => {
    let gone = false;
    let free: (() => void) | undefined;
    void loadMonaco().then((monaco) => {
      if (gone || !place.current) return;
      const language = /\.(ya?ml|json)$/i.test(path) ? 'yaml' : 'plaintext';
      // Models of a scheme of their own: the file's own model may be open in the editor.
      const models = [before, after].map((text) => monaco.editor.createModel(text, language));
      const [original, modified] = models;
      const settings: editor.IStandaloneDiffEditorConstructionOptions = {
        readOnly: true,
        automaticLayout: true,
        renderSideBySide: true,
        useInlineViewWhenSpaceIsLimited: true,
        renderSideBySideInlineBreakpoint: 640,
        hideUnchangedRegions: { enabled: true, contextLineCount: 4 },
        fontFamily: fonts.mono,
        fontSize: fonts.monoPx,
        lineHeight: 19,
        minimap: { enabled: false },
        scrollBeyondLastLine: false,
        renderOverviewRuler: false,
      };
      const diff = monaco.editor.createDiffEditor(place.current, settings);
      // Monaco gives its names of the sides to the old text areas only.
      diff.getOriginalEditor().updateOptions({ ariaLabel: `${path}, as it was` });
      diff.getModifiedEditor().updateOptions({ ariaLabel: `${path}, as it is now` });
      if (original && modified) diff.setModel({ original, modified });
      free = () => {
        diff.dispose();
        for (const model of models) model.dispose();
      };
    });
    return () => {
      gone = true;
      free?.();
    };
  }, [before, after, path]);

  useEffect(() => {
    void loadMonaco().then((monaco) => monaco.editor.setTheme(`adit-${scheme}`));
  }, [scheme]);

  return <div ref={place} className="diff-view" />;
}
