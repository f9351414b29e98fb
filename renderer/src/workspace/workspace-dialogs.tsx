import { Button, Modal, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Failure } from '../../../shared/result/result.ts';
import { useApp } from '../app-context.tsx';
import { FailureNote } from '../notice/failure-note.tsx';
import { closeDialog } from '../state/dialogs.ts';
import { FolderBrowser } from './folder-browser.tsx';
import { openWorkspace } from './open-workspace.ts';

export function OpenFolderDialog() {
  const { bridge } = useApp();
  const [dir, setDir] = useState('');
  const [busy, setBusy] = useState(false);
  async function open(): Promise<void> {
    setBusy(true);
    if (await openWorkspace(bridge, dir)) closeDialog();
    setBusy(false);
  }
  return (
    <Modal opened onClose={closeDialog} title="Open folder" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <FolderBrowser onDir={setDir} />
      <div className="dialog-foot">
        <Button onClick={closeDialog}>Cancel</Button>
        <Button variant="filled" disabled={dir === ''} loading={busy} onClick={() => void open()}>
          Open this folder
        </Button>
      </div>
    </Modal>
  );
}

export function CloneDialog() {
  const { bridge } = useApp();
  const [url, setUrl] = useState('');
  const [dir, setDir] = useState('');
  const [failure, setFailure] = useState<Failure | null>(null);
  const [cloning, setCloning] = useState<AbortController | null>(null);
  const name = /([^/:]+?)(\.git)?\/*$/.exec(url.trim())?.[1] ?? '';
  const target = `${dir.replace(/[\\/]$/, '')}/${name}`;

  async function clone(): Promise<void> {
    const ending = new AbortController();
    setCloning(ending);
    setFailure(null);
    const answer = await bridge.call('workspaceClone', { url: url.trim(), dir: target }, ending.signal);
    setCloning(null);
    if (answer.ok) closeDialog();
    else if (answer.error.code !== 'cancelled') setFailure(answer.error);
  }

  return (
    <Modal
      opened
      onClose={() => {
        cloning?.abort();
        closeDialog();
      }}
      title="Clone repository"
      size="lg"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <TextInput
        data-autofocus
        label="Address"
        placeholder="https://git.example/team/apis.git"
        value={url}
        onChange={(event) => setUrl(event.currentTarget.value)}
        classNames={{ input: 'mono' }}
      />
      <div className="label">Into a new folder of</div>
      <FolderBrowser onDir={setDir} />
      {failure && <FailureNote failure={failure} />}
      <div className="dialog-foot">
        <span className="dim mono ellipsis grow" title={target}>
          {name !== '' && target}
        </span>
        <Button onClick={() => (cloning ? cloning.abort() : closeDialog())}>{cloning ? 'Stop' : 'Cancel'}</Button>
        <Button
          variant="filled"
          disabled={name === '' || dir === ''}
          loading={cloning !== null}
          onClick={() => void clone()}
        >
          Clone
        </Button>
      </div>
    </Modal>
  );
}
