import { useComputedColorScheme } from '@mantine/core';
import type { editor } from 'monaco-editor/editor';
import { useEffect, useRef, useState } from 'react';
import { fonts } from '../theme/tokens.ts';
import { loadMonaco } from './monaco.ts';

/** YAML to be read only; another text takes the place of the one before, and the reader stays where they were. */
export function TextView({ text, label }: { text: string; label: string }) {
  const place = useRef<HTMLDivElement>(null);
  const [model, setModel] = useState<editor.ITextModel | null>(null);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });

  useEffect(() => {
    let gone = false;
    let free: (() => void) | undefined;
    void loadMonaco().then((monaco) => {
      if (gone || !place.current) return;
      // A model without an address: completion and schema are for files.
      const made = monaco.editor.createModel('', 'yaml');
      const view = monaco.editor.create(place.current, {
        model: made,
        readOnly: true,
        domReadOnly: true,
        ariaLabel: label,
        automaticLayout: true,
        fontFamily: fonts.mono,
        fontSize: fonts.monoPx,
        lineHeight: 19,
        minimap: { enabled: false },
        stickyScroll: { enabled: false },
        scrollBeyondLastLine: false,
        lineNumbersMinChars: 4,
        overviewRulerLanes: 0,
        renderLineHighlight: 'none',
      });
      free = () => {
        view.dispose();
        made.dispose();
      };
      setModel(made);
    });
    return () => {
      gone = true;
      free?.();
      setModel(null);
    };
  }, [label]);

  useEffect(() => model?.setValue(text), [model, text]);

  useEffect(() => {
    void loadMonaco().then((monaco) => monaco.editor.setTheme(`adit-${scheme}`));
  }, [scheme]);

  return <div ref={place} className="text-view" />;
}
