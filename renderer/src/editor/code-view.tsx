import { useComputedColorScheme } from '@mantine/core';
import type { editor } from 'monaco-editor/editor';
import type * as Monaco from 'monaco-editor/editor';
import { useEffect, useRef, useState } from 'react';
import { useApp } from '../app-context.tsx';
import { useLive } from '../state/live.ts';
import { indexModel, keyOfRef, objectAt } from '../state/model-index.ts';
import { followCursor, useSelection } from '../state/selection.ts';
import { fonts } from '../theme/tokens.ts';
import { loadMonaco } from './monaco.ts';
import { drawZones, markersOf } from './problem-zones.ts';
import { useTabs } from './tabs.ts';

interface View {
  readonly monaco: typeof Monaco;
  readonly code: editor.IStandaloneCodeEditor;
}

const options: editor.IStandaloneEditorConstructionOptions = {
  model: null,
  automaticLayout: true,
  fontFamily: fonts.mono,
  fontSize: fonts.monoPx,
  lineHeight: 19,
  minimap: { enabled: false },
  stickyScroll: { enabled: false },
  fixedOverflowWidgets: true,
  scrollBeyondLastLine: false,
  // The space above is the frame's: Monaco scrolls its own away when zones come, and the numbers of lines stay behind.
  padding: { top: 0, bottom: 8 },
  lineNumbersMinChars: 4,
  renderLineHighlight: 'line',
  overviewRulerBorder: false,
  smoothScrolling: false,
  cursorBlinking: 'solid',
  quickSuggestions: { other: true, strings: true, comments: false },
  wordBasedSuggestions: 'off',
  // Enter ends a line whose word is already complete.
  acceptSuggestionOnEnter: 'smart',
  unicodeHighlight: { ambiguousCharacters: false },
};

/** The one Monaco editor of the window; shows the model of the active tab. */
export function CodeView() {
  const { buffers } = useApp();
  const place = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View | null>(null);
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const active = useTabs((state) => state.active);
  const ready = useTabs((state) => state.tabs.find((tab) => tab.path === state.active)?.state === 'ready');
  const model = useLive((state) => state.model);
  const target = useSelection((state) => state.place);
  const zones = useRef<string[]>([]);

  useEffect(() => {
    let code: editor.IStandaloneCodeEditor | undefined;
    let gone = false;
    void loadMonaco().then((monaco) => {
      if (gone || !place.current) return;
      const frame = place.current;
      code = monaco.editor.create(frame, options);
      // Zones are as wide as the longest line; their text shall end where the view does.
      const fit = (info: editor.EditorLayoutInfo): void =>
        frame.style.setProperty('--zone-width', `${info.contentWidth - info.verticalScrollbarWidth}px`);
      fit(code.getLayoutInfo());
      code.onDidLayoutChange(fit);
      setView({ monaco, code });
    });
    return () => {
      gone = true;
      code?.dispose();
      setView(null);
    };
  }, []);

  useEffect(() => view?.monaco.editor.setTheme(`adit-${scheme}`), [view, scheme]);

  useEffect(() => {
    if (!view || active === null || !ready) return undefined;
    const buffer = buffers.get(active);
    if (!buffer) return undefined;
    zones.current = [];
    view.code.setModel(buffer.model);
    view.code.updateOptions({ ariaLabel: `Editor: ${active}` });
    if (buffer.viewState) view.code.restoreViewState(buffer.viewState);
    const moves = view.code.onDidChangeCursorPosition((event) => {
      if (!view.code.hasTextFocus()) return;
      const object = objectAt(useLive.getState().model, active, event.position.lineNumber);
      if (object) followCursor(keyOfRef(object.ref));
    });
    return () => {
      moves.dispose();
      buffer.viewState = view.code.saveViewState();
      if (zones.current.length > 0 && view.code.getModel() === buffer.model)
        zones.current = drawZones(view.code, [], zones.current);
      view.code.setModel(null);
    };
  }, [view, buffers, active, ready]);

  useEffect(() => {
    if (!view || active === null || !ready) return;
    const text = view.code.getModel();
    if (!text) return;
    const problems = indexModel(model).problemsOfFile.get(active) ?? [];
    view.monaco.editor.setModelMarkers(text, 'adit', markersOf(view.monaco, problems));
    zones.current = drawZones(view.code, problems, zones.current);
  }, [view, active, ready, model]);

  useEffect(() => {
    if (!view || !ready || !target || target.path !== active) return;
    const position = { lineNumber: target.line, column: target.column };
    view.code.setPosition(position);
    view.code.revealPositionInCenterIfOutsideViewport(position);
  }, [view, ready, active, target]);

  return <div ref={place} className="code-view" hidden={!ready} />;
}
