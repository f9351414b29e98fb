import { Button, Checkbox, Modal, Textarea } from '@mantine/core';
import { useMemo, useState } from 'react';
import { useApp } from '../app-context.tsx';
import { useTabs } from '../editor/tabs.ts';
import { FailureNote } from '../notice/failure-note.tsx';
import { closeDialog } from '../state/dialogs.ts';
import { useLive } from '../state/live.ts';
import { indexModel } from '../state/model-index.ts';
import { changeWords } from './change-words.ts';
import { ChangeDiff } from './change-diff.tsx';
import { CommitFindings } from './commit-findings.tsx';
import { CommitResult } from './commit-result.tsx';
import { RepositoryNote } from './repository-note.tsx';
import { useCommit } from './use-commit.ts';

/** Everything that a commit would hold, before it is made: nothing is committed that was not shown. */
export function CommitSheet() {
  const git = useLive((state) => state.git);
  const commit = useCommit(git);
  return (
    <Modal
      opened
      onClose={closeDialog}
      title={git?.branch === undefined ? 'Commit' : `Commit to ${git.branch}`}
      size="min(1180px, 94vw)"
      classNames={{ body: 'commit-body' }}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {commit.result ? (
        <CommitResult result={commit.result} />
      ) : git?.state === 'ready' ? (
        <Sheet commit={commit} />
      ) : (
        <RepositoryNote git={git} />
      )}
    </Modal>
  );
}

function Sheet({ commit }: { commit: ReturnType<typeof useCommit> }) {
  const { buffers } = useApp();
  const git = useLive((state) => state.git);
  const model = useLive((state) => state.model);
  const dirty = useTabs((state) => state.tabs.filter((tab) => tab.dirty).length);
  const changes = git?.changes ?? [];
  const [shown, setShown] = useState<string | null>(null);
  const { problemsOfFile } = useMemo(() => indexModel(model), [model]);
  const current = changes.find((change) => change.path === shown) ?? changes[0];
  const all = commit.paths.length === changes.length;

  return (
    <>
      {dirty > 0 && (
        <div className="banner warn" role="status">
          <span className="grow">
            {dirty === 1
              ? 'One file is not saved; its newest text would not be in the commit.'
              : `${dirty} files are not saved; their newest text would not be in the commit.`}
          </span>
          <Button size="compact-xs" onClick={() => void buffers.saveAll()}>
            Save all
          </Button>
        </div>
      )}
      {changes.length === 0 ? (
        <div className="empty">
          <p>Nothing changed since the last commit.</p>
          {git?.ahead !== undefined && git.ahead > 0 && (
            <Button onClick={() => void commit.push()} loading={commit.busy}>
              Push {git.ahead} {git.ahead === 1 ? 'commit' : 'commits'}
            </Button>
          )}
          {commit.failure && <FailureNote failure={commit.failure} />}
        </div>
      ) : (
        <div className="commit-columns">
          <div className="commit-files">
            <div className="commit-files-head">
              <Checkbox
                label={`${commit.paths.length} of ${changes.length} files`}
                checked={all}
                indeterminate={!all && commit.paths.length > 0}
                onChange={() => commit.choose(all ? [] : changes.map((change) => change.path))}
              />
            </div>
            <ul className="plain-list scroll" aria-label="Changed files">
              {changes.map((change) => {
                const errors = problemsOfFile.get(change.path)?.filter((one) => one.severity === 'error').length ?? 0;
                return (
                  <li key={change.path} className="commit-file" data-active={change === current || undefined}>
                    <Checkbox
                      aria-label={`Commit ${change.path}`}
                      checked={commit.paths.includes(change.path)}
                      onChange={() => commit.toggle(change.path)}
                    />
                    <button
                      type="button"
                      className="list-row"
                      aria-pressed={change === current}
                      onClick={() => setShown(change.path)}
                      title={change.path}
                    >
                      <span className={`change-mark ${change.status}`} aria-hidden>
                        {changeWords[change.status].letter}
                      </span>
                      <span className="mono ellipsis start">{change.path}</span>
                      {errors > 0 && (
                        <span className="bad" title={`${errors} errors`}>
                          ▲
                        </span>
                      )}
                    </button>
                  </li>
                );
              })}
            </ul>
            <div className="commit-form">
              <Textarea
                label="Message"
                autosize
                minRows={3}
                maxRows={8}
                value={commit.message}
                onChange={(event) => commit.setMessage(event.currentTarget.value)}
                classNames={{ input: 'mono' }}
              />
              <Checkbox
                label="Sign off"
                checked={commit.signOff}
                onChange={(event) => commit.setSignOff(event.currentTarget.checked)}
              />
              <Checkbox
                label={git?.upstream === undefined ? 'Push after it' : `Push to ${git.upstream} after it`}
                checked={commit.pushAfter}
                onChange={(event) => commit.setPushAfter(event.currentTarget.checked)}
              />
              {commit.failure && <FailureNote failure={commit.failure} />}
              <Button
                variant="filled"
                loading={commit.busy}
                disabled={commit.paths.length === 0 || commit.message.trim() === ''}
                onClick={() => void commit.run()}
              >
                {commit.pushAfter
                  ? 'Commit and push'
                  : `Commit ${commit.paths.length} ${commit.paths.length === 1 ? 'file' : 'files'}`}
              </Button>
            </div>
          </div>
          <div className="commit-right">
            {current && <ChangeDiff path={current.path} head={git?.head} />}
            <CommitFindings paths={commit.paths} />
          </div>
        </div>
      )}
    </>
  );
}
