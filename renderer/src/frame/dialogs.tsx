import { CommitSheet } from '../commit/commit-sheet.tsx';
import { CloseDirtyDialog, ConflictDialog, DraftDialog } from '../editor/buffer-dialogs.tsx';
import { DeleteDialog, NewFileDialog, RenameDialog } from '../explorer/file-dialogs.tsx';
import { QrDialog } from '../preview/qr-dialog.tsx';
import { RenderedDialog } from '../rendered/rendered-dialog.tsx';
import { useDialog } from '../state/dialogs.ts';
import { CloneDialog, OpenFolderDialog } from '../workspace/workspace-dialogs.tsx';
import { PanelBoundary } from './panel-boundary.tsx';

export function Dialogs() {
  const open = useDialog((state) => state.open);
  return open && <PanelBoundary name="The dialog">{dialogOf(open)}</PanelBoundary>;
}

function dialogOf(open: NonNullable<ReturnType<typeof useDialog.getState>['open']>) {
  switch (open.kind) {
    case 'commit':
      return <CommitSheet />;
    case 'open-folder':
      return <OpenFolderDialog />;
    case 'clone':
      return <CloneDialog />;
    case 'new-file':
      return <NewFileDialog folder={open.folder} />;
    case 'rename':
      return <RenameDialog path={open.path} />;
    case 'delete':
      return <DeleteDialog path={open.path} folder={open.folder} />;
    case 'conflict':
      return <ConflictDialog path={open.path} />;
    case 'draft':
      return <DraftDialog path={open.path} />;
    case 'close-dirty':
      return <CloseDirtyDialog path={open.path} />;
    case 'rendered':
      return <RenderedDialog id={open.id} />;
    case 'qr':
      return <QrDialog url={open.url} />;
  }
}
