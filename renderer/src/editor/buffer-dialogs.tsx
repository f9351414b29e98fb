import { Button, Modal } from '@mantine/core';
import { useState } from 'react';
import { useApp } from '../app-context.tsx';
import { closeDialog } from '../state/dialogs.ts';
import { DiffView } from './diff-view.tsx';

/** The file changed on disk below unsaved text: one of three ways on. */
export function ConflictDialog({ path }: { path: string }) {
  const { buffers } = useApp();
  const [compare, setCompare] = useState(false);
  const buffer = buffers.get(path);
  return (
    <Modal
      opened
      onClose={closeDialog}
      title={`${path} changed on disk`}
      size={compare ? 'min(1100px, 92vw)' : 'md'}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p>Another program wrote this file after you opened it. Nothing is lost until you choose.</p>
      {compare && buffer?.theirs && (
        <div className="dialog-diff">
          <div className="diff-sides dim small">
            <span>on disk</span>
            <span>yours</span>
          </div>
          <DiffView before={buffer.theirs.text} after={buffer.model.getValue()} path={path} />
        </div>
      )}
      <div className="dialog-foot">
        <Button aria-pressed={compare} onClick={() => setCompare((was) => !was)}>
          {compare ? 'Hide differences' : 'Show differences'}
        </Button>
        <span className="grow" />
        <Button
          onClick={() => {
            buffers.takeTheirs(path);
            closeDialog();
          }}
        >
          Take theirs
        </Button>
        <Button
          variant="filled"
          onClick={() => {
            closeDialog();
            void buffers.keepMine(path);
          }}
        >
          Keep mine
        </Button>
      </div>
    </Modal>
  );
}

/** Text that a crash or a closed window left behind. */
export function DraftDialog({ path }: { path: string }) {
  const { buffers } = useApp();
  const buffer = buffers.get(path);
  const draft = buffer?.draft;
  if (!buffer || !draft) return null;
  return (
    <Modal
      opened
      onClose={closeDialog}
      title="Unsaved text was kept"
      size="min(1000px, 92vw)"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p>
        <span className="mono">{path}</span> has text of {new Date(draft.savedAt).toLocaleString()} that was never
        saved.
        {draft.baseVersion !== buffer.version && ' The file has changed since then.'}
      </p>
      <div className="dialog-diff">
        <div className="diff-sides dim small">
          <span>on disk</span>
          <span>unsaved</span>
        </div>
        <DiffView before={buffer.model.getValue()} after={draft.text} path={path} />
      </div>
      <div className="dialog-foot">
        <Button
          onClick={() => {
            buffers.dropDraft(path);
            closeDialog();
          }}
        >
          Throw away
        </Button>
        <Button
          variant="filled"
          data-autofocus
          onClick={() => {
            buffers.restoreDraft(path);
            closeDialog();
          }}
        >
          Restore
        </Button>
      </div>
    </Modal>
  );
}

export function CloseDirtyDialog({ path }: { path: string }) {
  const { buffers } = useApp();
  return (
    <Modal opened onClose={closeDialog} title="Save before closing?" closeButtonProps={{ 'aria-label': 'Close' }}>
      <p>
        <span className="mono">{path}</span> has unsaved text.
      </p>
      <div className="dialog-foot">
        <Button
          onClick={() => {
            closeDialog();
            buffers.discard(path);
          }}
        >
          Close without saving
        </Button>
        <span className="grow" />
        <Button onClick={closeDialog}>Cancel</Button>
        <Button
          variant="filled"
          data-autofocus
          onClick={() => {
            closeDialog();
            void buffers.save(path).then((saved) => saved && buffers.close(path));
          }}
        >
          Save
        </Button>
      </div>
    </Modal>
  );
}
