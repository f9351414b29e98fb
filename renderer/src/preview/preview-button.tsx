import { Button, Popover } from '@mantine/core';
import { useState } from 'react';
import { useApp } from '../app-context.tsx';
import { useLive } from '../state/live.ts';
import { PreviewDetails } from './preview-details.tsx';
import { previewWords } from './preview-words.ts';
import { togglePreview } from './toggle-preview.ts';

/** Off: starts the preview. Else: shows its links, its URL and what is wrong. The name is always "Preview" and the state. */
export function PreviewButton() {
  const { bridge } = useApp();
  const preview = useLive((state) => state.preview);
  const [open, setOpen] = useState(false);
  const [busy, setBusy] = useState(false);
  const words = previewWords(preview, busy);

  async function toggle(): Promise<void> {
    setBusy(true);
    await togglePreview(bridge);
    setBusy(false);
  }

  return (
    <Popover opened={open} onChange={setOpen} position="bottom-end" width="min(480px, 94vw)" trapFocus returnFocus>
      <Popover.Target>
        <Button
          className="preview-button"
          data-state={words.state}
          variant={words.state === 'off' || words.state === 'live' ? 'filled' : 'default'}
          aria-label={words.state === 'off' ? 'Preview' : `Preview: ${words.label}`}
          aria-busy={words.state === 'connecting'}
          aria-haspopup="dialog"
          aria-expanded={open}
          onClick={() => {
            if (words.state === 'off') void toggle();
            setOpen((was) => words.state === 'off' || !was);
          }}
        >
          <span aria-hidden className="preview-mark">
            {words.mark}
          </span>
          {words.label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label="Preview">
        <PreviewDetails busy={busy} onToggle={() => void toggle()} />
      </Popover.Dropdown>
    </Popover>
  );
}
