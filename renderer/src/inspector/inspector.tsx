import { ActionIcon } from '@mantine/core';
import { Fragment } from 'react';
import { roleWords } from '../graph/role.ts';
import { StateMark, stateWords } from '../explorer/state-mark.tsx';
import { renderedWords } from '../rendered/rendered-words.ts';
import { openDialog } from '../state/dialogs.ts';
import { Breakable } from '../notice/breakable.tsx';
import { useLayout } from '../state/layout.ts';
import { useLive } from '../state/live.ts';
import { indexModel } from '../state/model-index.ts';
import { goTo, useSelection } from '../state/selection.ts';
import { ClusterState } from './cluster-state.tsx';
import { References } from './references.tsx';

/** What is selected: its fields, references, problems, and how it stands in the cluster. */
export function Inspector() {
  const key = useSelection((state) => state.key);
  const model = useLive((state) => state.model);
  const index = indexModel(model);
  const object = key === null ? undefined : index.objects.get(key);
  const node = key === null ? undefined : index.nodes.get(key);
  const problems = key === null ? [] : (index.problems.get(key) ?? []);
  const title = object?.ref.name ?? node?.title;

  return (
    <section className="pane" aria-label="Inspector">
      <div className="pane-head">
        <h2 className="ellipsis" title={title}>
          {title ?? 'Inspector'}
        </h2>
        <span className="grow" />
        <ActionIcon aria-label="Hide the inspector" onClick={() => useLayout.setState({ inspectorOpen: false })}>
          <span aria-hidden>×</span>
        </ActionIcon>
      </div>
      {key === null || (!object && !node) ? (
        <div className="empty">
          <p>Nothing is selected.</p>
          <p className="dim">
            Choose something in the explorer, the graph or the editor: its references, problems and live state stand
            here.
          </p>
        </div>
      ) : (
        <div className="pane-body scroll inspector" tabIndex={0} role="group" aria-label={`Details of ${title}`}>
          <dl className="fields">
            <dt>Kind</dt>
            <dd>{object?.ref.kind ?? node?.kind ?? (node ? roleWords[node.role] : '')}</dd>
            {object && (
              <>
                <dt>API version</dt>
                <dd className="mono">{object.ref.apiVersion}</dd>
                <dt>Namespace</dt>
                <dd className="mono">{object.ref.namespace}</dd>
                <dt>State</dt>
                <dd>
                  <StateMark state={object.state} /> {stateWords[object.state]}
                </dd>
              </>
            )}
            {node?.missing && (
              <>
                <dt>State</dt>
                <dd className="bad">⊘ referenced, but not defined</dd>
              </>
            )}
            {object?.fields?.map(({ label, value }, at) => (
              <Fragment key={`${at} ${label}`}>
                <dt className="ellipsis" title={label}>
                  {label}
                </dt>
                <dd className="mono wrap lines">{value}</dd>
              </Fragment>
            ))}
            {object?.fields === undefined && node !== undefined && node.detail !== '' && (
              <>
                <dt>Says</dt>
                <dd className="mono wrap">{node.detail}</dd>
              </>
            )}
            {object?.rendered !== undefined && (
              <>
                <dt>Read-only</dt>
                <dd>
                  {renderedWords(object.rendered)}
                  <button
                    type="button"
                    className="link"
                    onClick={() => openDialog({ kind: 'rendered', id: object.id })}
                  >
                    Show what was rendered
                  </button>
                </dd>
              </>
            )}
            {object?.file !== undefined && (
              <>
                <dt>{object.rendered === undefined ? 'File' : 'Source'}</dt>
                <dd>
                  <button
                    type="button"
                    className="link mono wrap"
                    onClick={() =>
                      object.file !== undefined && goTo({ path: object.file, line: object.line ?? 1, column: 1 })
                    }
                  >
                    <Breakable text={object.file} after="/" />:{object.line}
                  </button>
                </dd>
              </>
            )}
          </dl>
          {problems.length > 0 && (
            <div className="block">
              <h3>Problems</h3>
              {problems.map((problem) => (
                <button
                  key={`${problem.line}:${problem.column}:${problem.code}:${problem.path}`}
                  type="button"
                  className={`note as-button ${problem.severity}`}
                  onClick={() => goTo({ path: problem.file, line: problem.line, column: problem.column })}
                >
                  <span>
                    {problem.path !== undefined && !problem.message.includes(problem.path) && (
                      <span className="mono">
                        <Breakable text={problem.path} after="." />:{' '}
                      </span>
                    )}
                    {problem.message}
                  </span>
                  {problem.hint !== undefined && <span className="dim">{problem.hint}</span>}
                </button>
              ))}
            </div>
          )}
          <References title="Refers to" edges={index.out.get(key) ?? []} end="to" index={index} />
          <References title="Referred to by" edges={index.into.get(key) ?? []} end="from" index={index} />
          {object && <ClusterState object={object} />}
        </div>
      )}
    </section>
  );
}
