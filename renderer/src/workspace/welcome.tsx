import { Button } from '@mantine/core';
import { useState } from 'react';
import { useApp } from '../app-context.tsx';
import { openDialog } from '../state/dialogs.ts';
import { useLive } from '../state/live.ts';
import { openSample, openWorkspace } from './open-workspace.ts';

/** What to do when no folder is open. */
export function Welcome() {
  const { bridge } = useApp();
  const { recent, info } = useLive();
  const [busy, setBusy] = useState(false);
  return (
    <div className="welcome">
      <h1>Open a workspace</h1>
      <p className="dim">
        A folder with the manifests of your APIs. Adit reads every YAML file in it, shows what is wrong, serves it at a
        public address, and commits it.
      </p>
      <ul className="plain-list welcome-ways">
        {info?.sampleAvailable && (
          <li>
            <Button
              variant="filled"
              loading={busy}
              onClick={() => {
                setBusy(true);
                void openSample(bridge).finally(() => setBusy(false));
              }}
            >
              Open the sample
            </Button>
            <span className="dim">A pet store with plans and keys, copied into a folder of its own.</span>
          </li>
        )}
        <li>
          <Button onClick={() => openDialog({ kind: 'open-folder' })}>Open folder…</Button>
          <span className="dim">Any folder on this machine; nothing in it is changed until you save.</span>
        </li>
        <li>
          <Button onClick={() => openDialog({ kind: 'clone' })}>Clone repository…</Button>
          <span className="dim">From a Git remote, with the access that your git already has.</span>
        </li>
      </ul>
      {recent.length > 0 && (
        <>
          <h2>Recent</h2>
          <ul className="plain-list" aria-label="Recent workspaces">
            {recent.slice(0, 8).map(({ dir, name }) => (
              <li key={dir}>
                <button type="button" className="list-row" onClick={() => void openWorkspace(bridge, dir)}>
                  <span className="link">{name}</span>
                  <span className="dim mono ellipsis start" title={dir}>
                    {dir}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
