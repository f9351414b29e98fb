import { Loader } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useApp } from '../app-context.tsx';
import { DiffView } from '../editor/diff-view.tsx';
import { FailureNote } from '../notice/failure-note.tsx';
import { useLive } from '../state/live.ts';

/** Both sides of one changed file. */
export function ChangeDiff({ path, head }: { path: string; head: string | undefined }) {
  const { bridge } = useApp();
  const git = useLive((state) => state.git);
  const query = useQuery({
    queryKey: ['diff', path, head, git],
    queryFn: ({ signal }) => bridge.call('gitDiff', { path }, signal),
    placeholderData: (before) => before,
  });
  const answer = query.data;
  return (
    <section className="change-diff" aria-label={`Changes of ${path}`}>
      <div className="diff-head mono ellipsis" title={path}>
        {path}
      </div>
      {!answer && <Loader size="sm" m="md" aria-label="Loading the changes" />}
      {answer && !answer.ok && <FailureNote failure={answer.error} />}
      {answer?.ok &&
        (answer.value.binary ? (
          <div className="empty dim">Not a text.</div>
        ) : (
          <DiffView before={answer.value.before ?? ''} after={answer.value.after ?? ''} path={path} />
        ))}
    </section>
  );
}
