import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useApp } from '../app-context.tsx';
import { DryRunList } from '../kube/dry-run-list.tsx';
import { FailureNote } from '../notice/failure-note.tsx';
import { useLive } from '../state/live.ts';
import { sortProblems } from '../problems/sort-problems.ts';
import { closeDialog } from '../state/dialogs.ts';
import { goTo } from '../state/selection.ts';

const DRY_RUN_FILES = 20;

/** Problems of the chosen files, and what the connected cluster says to them. */
export function CommitFindings({ paths }: { paths: readonly string[] }) {
  const { bridge } = useApp();
  const diagnostics = useLive((state) => state.model.diagnostics);
  const kube = useLive((state) => state.kube);
  const changes = useLive((state) => state.git?.changes);
  const problems = useMemo(
    () => sortProblems(diagnostics.filter((one) => one.severity !== 'info' && paths.includes(one.file))),
    [diagnostics, paths],
  );
  const connected = kube?.state === 'connected';
  const sent = paths
    .filter(
      (path) => /\.(ya?ml|json)$/i.test(path) && changes?.find((change) => change.path === path)?.status !== 'deleted',
    )
    .slice(0, DRY_RUN_FILES);
  const runs = useQueries({
    queries: (connected ? sent : []).map((path) => ({
      queryKey: ['dry-run', kube?.context, path, diagnostics],
      queryFn: ({ signal }: { signal: AbortSignal }) => bridge.call('kubeDryRun', { path }, signal),
    })),
  });

  return (
    <div className="commit-findings scroll" tabIndex={0} role="group" aria-label="Findings">
      <h3>Problems</h3>
      {problems.length === 0 ? (
        <p className="dim">None in the chosen files.</p>
      ) : (
        <ul className="plain-list">
          {problems.slice(0, 200).map((problem) => (
            <li key={`${problem.file}:${problem.line}:${problem.column}:${problem.code}:${problem.path}`}>
              <button
                type="button"
                className="list-row"
                title={problem.hint}
                onClick={() => {
                  closeDialog();
                  goTo({ path: problem.file, line: problem.line, column: problem.column });
                }}
              >
                <span className={`state-mark ${problem.severity}`} role="img" aria-label={problem.severity}>
                  {problem.severity === 'error' ? '▲' : '△'}
                </span>
                <span className="ellipsis start">{problem.message}</span>
                <span className="mono dim">
                  {problem.file}:{problem.line}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <h3>Dry run{connected ? ` in ${kube.context}` : ''}</h3>
      {!connected && (
        <p className="dim">Connect a context to ask its API server whether it would accept these files.</p>
      )}
      {runs.some((run) => run.isPending) && <p className="dim">Asking the API server…</p>}
      {runs.map(({ data }, at) =>
        data === undefined ? null : data.ok ? (
          <DryRunList key={sent[at]} path={sent[at] ?? ''} results={data.value.results} />
        ) : (
          <FailureNote key={sent[at]} failure={data.error} />
        ),
      )}
    </div>
  );
}
