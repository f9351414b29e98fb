import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useEffect } from 'react';
import { useApp } from '../app-context.tsx';
import { useDialog } from '../state/dialogs.ts';
import { commands } from './actions.ts';
import { usePalette } from './palette-store.ts';

/** Runs the commands by their keys. Listens before the editor does, which has its own meaning for some of them. */
export function useShortcuts(): void {
  const app = useApp();
  const scheme = useComputedColorScheme('light', { getInitialValueInEffect: false });
  const { setColorScheme } = useMantineColorScheme();

  useEffect(() => {
    function onKeyDown(event: KeyboardEvent): void {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const letter = event.key.length === 1 ? event.key.toUpperCase() : event.key;
      const keys = `mod+${event.shiftKey ? 'shift+' : ''}${letter}`;
      if (keys === 'mod+K') {
        usePalette.setState((state) => ({ open: !state.open }));
      } else {
        // A dialog is answered before anything else is done; saving is always possible.
        if (useDialog.getState().open && keys !== 'mod+S') return;
        const action = commands(app, { scheme, setScheme: setColorScheme }).find((one) => one.keys === keys);
        if (!action) {
          if (keys === 'mod+S') event.preventDefault();
          return;
        }
        usePalette.setState({ open: false });
        action.run();
      }
      event.preventDefault();
      event.stopPropagation();
    }
    window.addEventListener('keydown', onKeyDown, { capture: true });
    return () => window.removeEventListener('keydown', onKeyDown, { capture: true });
  }, [app, scheme, setColorScheme]);
}
