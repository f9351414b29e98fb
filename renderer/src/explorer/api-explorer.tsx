import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { roleWords } from '../graph/role.ts';
import { RenderedMark } from '../rendered/rendered-mark.tsx';
import { renderedWords } from '../rendered/rendered-words.ts';
import { openDialog } from '../state/dialogs.ts';
import { useLive } from '../state/live.ts';
import { selectKey, useSelection } from '../state/selection.ts';
import { VirtualTree } from '../tree/virtual-tree.tsx';
import { apiTree, rowIdOf, type ApiRow } from './api-tree.ts';
import { StateMark, stateWords } from './state-mark.tsx';

export function ApiExplorer() {
  const model = useLive((state) => state.model);
  const selected = useSelection((state) => state.key);
  const roots = useMemo(() => apiTree(model), [model]);
  const rowId = useMemo(() => (selected === null ? null : rowIdOf(roots, selected)), [roots, selected]);

  if (roots.length === 0 && model.rendering) {
    return (
      <div className="empty">
        <p>Rendering overlays and charts…</p>
      </div>
    );
  }
  if (roots.length === 0) {
    return (
      <div className="empty">
        <p>No API objects in this folder yet.</p>
        <p className="dim">
          Write an <span className="mono">API</span>, an <span className="mono">APIPlan</span> or an{' '}
          <span className="mono">Ingress</span> in a YAML file and it appears here.
        </p>
        <Button onClick={() => openDialog({ kind: 'new-file', folder: '' })}>New file</Button>
      </div>
    );
  }
  return (
    <VirtualTree
      label="APIs"
      roots={roots}
      selected={rowId}
      isHeading={(item) => 'heading' in item}
      nameOf={nameOf}
      onSelect={(item) => 'key' in item && selectKey(item.key)}
      render={(item) => <Row item={item} />}
    />
  );
}

function nameOf(item: ApiRow): string {
  return 'heading' in item ? item.heading : item.name;
}

function Row({ item }: { item: ApiRow }) {
  if ('heading' in item) return <span className="ellipsis">{item.heading}</span>;
  const title = [item.name, item.detail].filter((line) => line !== '').join('\n');
  return (
    <>
      {item.state === 'missing' ? (
        <span className="state-mark missing" title="referenced, but not defined" aria-hidden>
          ⊘
        </span>
      ) : (
        <StateMark state={item.state} />
      )}
      <span className={item.role === 'api' ? 'tree-name ellipsis strong' : 'tree-name ellipsis'} title={title}>
        {item.name}
      </span>
      {item.rendered !== undefined && <RenderedMark rendered={item.rendered} />}
      <span className="tree-detail mono dim ellipsis">{item.role !== 'api' && item.detail}</span>
      <span className="tree-kind">{item.role === 'other' ? item.kind : roleWords[item.role]}</span>
      <span className="unseen">
        {item.state === 'missing' ? 'not defined' : stateWords[item.state]}
        {item.rendered !== undefined && `, ${renderedWords(item.rendered)}, read-only`}
      </span>
    </>
  );
}
