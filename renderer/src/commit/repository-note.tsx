import { Button } from '@mantine/core';
import { useState } from 'react';
import type { GitStatus } from '../../../shared/contract/contract.ts';
import { useApp } from '../app-context.tsx';
import { showFailure } from '../notice/show-failure.tsx';
import { useLive } from '../state/live.ts';

/** Why nothing can be committed here, and the way on. */
export function RepositoryNote({ git }: { git: GitStatus | undefined }) {
  const { bridge } = useApp();
  const [busy, setBusy] = useState(false);

  async function init(): Promise<void> {
    setBusy(true);
    const answer = await bridge.call('gitInit', {});
    setBusy(false);
    if (answer.ok) useLive.setState({ git: answer.value });
    else showFailure(answer.error);
  }

  if (!git) {
    return (
      <div className="empty">
        <p className="dim">Reading the repository…</p>
      </div>
    );
  }
  if (git.state === 'missing') {
    return (
      <div className="empty">
        <p>{git.message ?? 'There is no Git on this machine.'}</p>
        <p className="dim">
          Install Git (Debian: apt install git, macOS: xcode-select --install, Windows: git-scm.com) and start Adit
          again. Everything but committing works without it.
        </p>
      </div>
    );
  }
  return (
    <div className="empty">
      <p>This folder is not in a Git repository.</p>
      <p className="dim">{git.message ?? 'With one, every change can be read again before it is kept, and shared.'}</p>
      <Button loading={busy} onClick={() => void init()}>
        Create a repository here
      </Button>
    </div>
  );
}
