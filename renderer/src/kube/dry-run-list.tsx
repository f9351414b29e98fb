import type { DryRunResult } from '../../../shared/contract/contract.ts';
import { closeDialog } from '../state/dialogs.ts';
import { keyOfRef } from '../state/model-index.ts';
import { goTo } from '../state/selection.ts';

const marks = { accepted: '●', unchanged: '○', refused: '▲', unsupported: '△' } as const;
const colours = { accepted: 'ok', unchanged: 'dim', refused: 'bad', unsupported: 'warn' } as const;

/** What the API server said to each object of one file, in its own words. */
export function DryRunList({ path, results }: { path: string; results: readonly DryRunResult[] }) {
  if (results.length === 0) return <p className="dim">No object of {path} can be sent.</p>;

  function show(result: DryRunResult, line: number): void {
    closeDialog();
    goTo({ path, line, column: 1 }, keyOfRef(result.object));
  }

  return (
    <ul className="plain-list" aria-label={`Dry run of ${path}`}>
      {results.map((result) => (
        <li key={keyOfRef(result.object)} className="dry-run-result">
          <button type="button" className="list-row flush" onClick={() => show(result, result.line)}>
            <span className={colours[result.verdict]} aria-hidden>
              {marks[result.verdict]}
            </span>
            <span className="ellipsis start">
              {result.object.kind} {result.object.name}
            </span>
            <span className={colours[result.verdict]}>{result.verdict}</span>
          </button>
          {result.verdict !== 'accepted' && result.verdict !== 'unchanged' && result.message !== '' && (
            <div className="wrap small server-words">{result.message}</div>
          )}
          {result.causes.map((cause) => (
            <button
              key={`${cause.field}:${cause.type}:${cause.message}`}
              type="button"
              className="note as-button error"
              onClick={() => show(result, cause.line)}
            >
              <span>
                <span className="mono">{cause.field}</span>: {cause.message}
              </span>
            </button>
          ))}
        </li>
      ))}
    </ul>
  );
}
