import { Button } from '@mantine/core';
import { useApp } from '../app-context.tsx';
import { openDialog } from '../state/dialogs.ts';
import { useLive } from '../state/live.ts';
import { moveInList } from '../tree/move-in-list.ts';
import { changeWords } from './change-words.ts';
import { RepositoryNote } from './repository-note.tsx';

/** What changed since the last commit. */
export function ChangesPanel() {
  const { buffers } = useApp();
  const git = useLive((state) => state.git);
  if (!git || git.state !== 'ready') return <RepositoryNote git={git} />;
  if (git.changes.length === 0) {
    return (
      <div className="empty">
        <p>No changes since the last commit.</p>
        <p className="dim">Save a file and it appears here, ready to be read again and committed.</p>
      </div>
    );
  }
  return (
    <div className="list-scroller">
      <div className="mini-bar">
        <span className="dim">{git.changes.length === 1 ? '1 file' : `${git.changes.length} files`}</span>
        <span className="grow" />
        <Button size="compact-xs" onClick={() => openDialog({ kind: 'commit' })}>
          Review and commit…
        </Button>
      </div>
      <ul className="plain-list" aria-label="Changes" onKeyDown={moveInList}>
        {git.changes.map((change) => (
          <li key={change.path}>
            <button
              type="button"
              className="list-row"
              disabled={change.status === 'deleted'}
              onClick={() => buffers.open(change.path)}
            >
              <span className={`change-mark ${change.status}`} title={change.status} aria-hidden>
                {changeWords[change.status].letter}
              </span>
              <span className="mono ellipsis" title={change.path}>
                {change.from === undefined ? change.path : `${change.from} → ${change.path}`}
              </span>
              <span className="tree-kind">{changeWords[change.status].word}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
