import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import { useLive } from '../state/live.ts';
import { keyOfRef, type Diagnostic } from '../state/model-index.ts';
import { goTo } from '../state/selection.ts';
import { sizes } from '../theme/tokens.ts';
import { moveInList } from '../tree/move-in-list.ts';
import { PlaceText } from './place-text.tsx';
import { sortProblems } from './sort-problems.ts';

const marks = { error: '▲', warning: '△', info: 'ⓘ' } as const;

export function ProblemsPanel() {
  const diagnostics = useLive((state) => state.model.diagnostics);
  const objects = useLive((state) => state.model.objects.length);
  const problems = useMemo(() => sortProblems(diagnostics), [diagnostics]);
  const scroller = useRef<HTMLDivElement>(null);
  // The React compiler, which this rule is for, is not used.
  // oxlint-disable-next-line react/incompatible-library
  const virtual = useVirtualizer({
    count: problems.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => sizes.rowPx,
    overscan: 10,
  });

  if (problems.length === 0) {
    return (
      <div className="empty">
        <p>No problems.</p>
        <p className="dim">
          {objects === 0
            ? 'There are no objects yet.'
            : `${objects} objects were checked: syntax, schemas, rules and references.`}
        </p>
      </div>
    );
  }
  return (
    <div className="list-scroller" ref={scroller}>
      <ul
        className="virtual-list"
        aria-label="Problems"
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={moveInList}
      >
        {virtual.getVirtualItems().map(({ index, key, start }) => {
          const problem = problems[index];
          return (
            problem && (
              <li key={key} style={{ transform: `translateY(${start}px)` }}>
                <button
                  type="button"
                  className="list-row problem-row"
                  onClick={() => show(problem)}
                  title={[problem.message, problem.hint].filter(Boolean).join('\n')}
                >
                  <span className={`state-mark ${problem.severity}`} role="img" aria-label={problem.severity}>
                    {marks[problem.severity]}
                  </span>
                  <span className="problem-message ellipsis">
                    {problem.message}
                    {problem.hint !== undefined && <span className="dim"> {problem.hint}</span>}
                  </span>
                  <span className="mono dim problem-code">{problem.code}</span>
                  <span className="dim problem-place">
                    <PlaceText file={problem.file} line={problem.line} />
                  </span>
                </button>
              </li>
            )
          );
        })}
      </ul>
    </div>
  );
}

function show(problem: Diagnostic): void {
  goTo(
    { path: problem.file, line: problem.line, column: problem.column },
    problem.object ? keyOfRef(problem.object) : undefined,
  );
}
