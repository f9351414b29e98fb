import { Button } from '@mantine/core';
import { useState } from 'react';
import type { CallOutput } from '../../../shared/contract/contract.ts';
import { useApp } from '../app-context.tsx';
import { copyText } from '../notice/copy-text.ts';
import { FailureNote } from '../notice/failure-note.tsx';
import { closeDialog } from '../state/dialogs.ts';

/** The commit that was made, and what became of the push. */
export function CommitResult({ result }: { result: CallOutput<'gitCommit'> }) {
  const { bridge } = useApp();
  const [pushed, setPushed] = useState(result.pushed);
  const [failure, setFailure] = useState(result.pushError);
  const [busy, setBusy] = useState(false);

  async function push(): Promise<void> {
    setBusy(true);
    const answer = await bridge.call('gitPush', {});
    setBusy(false);
    setPushed(answer.ok);
    setFailure(
      answer.ok
        ? undefined
        : {
            message: answer.error.message,
            ...(answer.error.hint === undefined ? {} : { hint: answer.error.hint }),
            ...(answer.error.detail === undefined ? {} : { detail: answer.error.detail }),
          },
    );
  }

  return (
    <div className="empty" role="status">
      <p>
        <span className="ok" aria-hidden>
          ●{' '}
        </span>
        Committed <span className="mono">{result.sha.slice(0, 10)}</span>
        {pushed ? ' and pushed.' : '.'}
      </p>
      {failure && !pushed && (
        <FailureNote
          failure={{
            message: `The commit is kept, but was not pushed: ${failure.message}`,
            hint: failure.hint,
            detail: failure.detail,
          }}
        />
      )}
      <div className="row-actions">
        <Button onClick={() => void copyText(result.sha, 'Commit id copied')}>Copy id</Button>
        {!pushed && (
          <Button loading={busy} onClick={() => void push()}>
            {failure ? 'Push again' : 'Push'}
          </Button>
        )}
        <Button variant="filled" onClick={closeDialog}>
          Done
        </Button>
      </div>
    </div>
  );
}
