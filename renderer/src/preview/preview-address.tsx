import { Button } from '@mantine/core';
import { useApp } from '../app-context.tsx';
import { copyText } from '../notice/copy-text.ts';
import { openDialog } from '../state/dialogs.ts';
import { openPage } from './open-page.ts';

/** The public URL: one click to copy, to open, to show as a QR code. */
export function PreviewAddress({ url }: { url: string }) {
  const { bridge } = useApp();
  return (
    <span className="preview-address">
      <span className="mono ellipsis address-text" title={url}>
        {url}
      </span>
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        aria-label="Copy URL"
        onClick={() => void copyText(url, 'URL copied')}
      >
        Copy
      </Button>
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        aria-label="Open URL"
        onClick={() => void openPage(bridge, url)}
      >
        Open
      </Button>
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        aria-label="QR code of URL"
        onClick={() => openDialog({ kind: 'qr', url })}
      >
        QR
      </Button>
    </span>
  );
}
