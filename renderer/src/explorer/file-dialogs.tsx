import { Button, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Failure } from '../../../shared/result/result.ts';
import { useApp } from '../app-context.tsx';
import { FailureNote } from '../notice/failure-note.tsx';
import { closeDialog } from '../state/dialogs.ts';
import { useLive } from '../state/live.ts';
import { nameOf } from './file-tree.ts';
import { pathProblem } from './path-problem.ts';

export function NewFileDialog({ folder }: { folder: string }) {
  const { bridge, buffers } = useApp();
  return (
    <PathDialog
      title="New file"
      action="Create"
      start={folder === '' ? 'api.yaml' : `${folder}/api.yaml`}
      run={async (path) => {
        const answer = await bridge.call('fileSave', { path, text: '', baseVersion: null });
        if (!answer.ok) return answer.error;
        buffers.open(path);
        return null;
      }}
    />
  );
}

export function RenameDialog({ path }: { path: string }) {
  const { bridge, buffers } = useApp();
  return (
    <PathDialog
      title={`Rename ${nameOf(path)}`}
      action="Rename"
      start={path}
      run={async (to) => {
        if (!(await buffers.saveAll()))
          return {
            code: 'not-saved',
            message: 'The open text could not be saved first.',
            hint: 'Resolve what is unsaved, then rename.',
          };
        const answer = await bridge.call('fileRename', { from: path, to });
        if (!answer.ok) return answer.error;
        buffers.moved(path, to);
        return null;
      }}
    />
  );
}

function PathDialog({
  title,
  action,
  start,
  run,
}: {
  title: string;
  action: string;
  start: string;
  run: (path: string) => Promise<Failure | null>;
}) {
  const files = useLive((state) => state.files);
  const [path, setPath] = useState(start);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);
  const problem = path === start && action === 'Rename' ? null : pathProblem(path, files);

  async function submit(): Promise<void> {
    setBusy(true);
    const failed = await run(path);
    setBusy(false);
    setFailure(failed);
    if (!failed) closeDialog();
  }

  return (
    <Modal opened onClose={closeDialog} title={title} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (problem === null && path !== '') void submit();
        }}
      >
        <TextInput
          data-autofocus
          label="Path in the workspace"
          description="Folders that are not there are made."
          value={path}
          error={problem}
          onFocus={(event) =>
            event.currentTarget.setSelectionRange(
              path.lastIndexOf('/') + 1,
              path.includes('.') ? path.lastIndexOf('.') : path.length,
            )
          }
          onChange={(event) => setPath(event.currentTarget.value)}
          classNames={{ input: 'mono' }}
        />
        {failure && <FailureNote failure={failure} />}
        <div className="dialog-foot">
          <Button onClick={closeDialog}>Cancel</Button>
          <Button type="submit" variant="filled" loading={busy} disabled={problem !== null}>
            {action}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

export function DeleteDialog({ path, folder }: { path: string; folder: boolean }) {
  const { bridge, buffers } = useApp();
  const below = useLive(
    (state) => state.files.filter((file) => file.kind === 'file' && file.path.startsWith(`${path}/`)).length,
  );
  const [failure, setFailure] = useState<Failure | null>(null);
  const [busy, setBusy] = useState(false);

  async function remove(): Promise<void> {
    setBusy(true);
    const answer = await bridge.call('fileDelete', { path });
    setBusy(false);
    if (!answer.ok) {
      setFailure(answer.error);
      return;
    }
    buffers.discard(path);
    closeDialog();
  }

  return (
    <Modal
      opened
      onClose={closeDialog}
      title={folder ? 'Delete folder?' : 'Delete file?'}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p className="wrap">
        <span className="mono">{path}</span> {folder ? `and the ${below} files in it are` : 'is'} deleted from disk.
        What was committed stays in Git.
      </p>
      {failure && <FailureNote failure={failure} />}
      <div className="dialog-foot">
        <Button data-autofocus onClick={closeDialog}>
          Cancel
        </Button>
        <Button variant="filled" color="bad" loading={busy} onClick={() => void remove()}>
          Delete
        </Button>
      </div>
    </Modal>
  );
}
