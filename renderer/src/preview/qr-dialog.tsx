import { Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { closeDialog } from '../state/dialogs.ts';

/** The address for a telephone; dark on light in both schemes, as scanners want it. */
export function QrDialog({ url }: { url: string }) {
  const query = useQuery({
    queryKey: ['qr', url],
    queryFn: async () => {
      const { toDataURL } = await import('qrcode');
      return toDataURL(url, { width: 280, margin: 2 });
    },
  });
  return (
    <Modal
      opened
      onClose={closeDialog}
      title="Preview address"
      size="auto"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <div className="qr">
        {query.data !== undefined && <img src={query.data} width={280} height={280} alt={`QR code of ${url}`} />}
        {query.error && <p className="bad">{query.error.message}</p>}
        <div className="mono wrap">{url}</div>
        {new URL(url).hostname.endsWith('localhost') && (
          <p className="dim small">This address leads to this machine only.</p>
        )}
      </div>
    </Modal>
  );
}
