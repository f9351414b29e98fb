import { Handle, Position, type Node, type NodeProps } from '@xyflow/react';
import type { ModelObject } from '../../../shared/contract/contract.ts';
import { StateMark, stateWords } from '../explorer/state-mark.tsx';
import type { GraphNode } from '../state/model-index.ts';
import { RenderedMark } from '../rendered/rendered-mark.tsx';
import { renderedWords } from '../rendered/rendered-words.ts';
import { KindIcon } from './kind-icon.tsx';
import { roleWords } from './role.ts';

export type ObjectNodeType = Node<
  { readonly node: GraphNode; readonly object: ModelObject | undefined; readonly dimmed: boolean },
  'object'
>;

export function ObjectNode({ data, selected }: NodeProps<ObjectNodeType>) {
  const { node, object, dimmed } = data;
  const state = object?.state;
  const problem = node.missing ? 'error' : node.problem;
  return (
    <div
      className="graph-node"
      data-selected={selected || undefined}
      data-dimmed={dimmed || undefined}
      data-missing={node.missing || undefined}
      data-problem={problem}
      title={`${node.title}\n${node.detail}`}
    >
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <KindIcon role={node.role} />
      <span className="graph-node-text">
        <span className="graph-node-title ellipsis">{node.title}</span>
        <span className="graph-node-detail mono ellipsis">{node.missing ? 'not defined' : node.detail}</span>
      </span>
      {object?.rendered !== undefined && <RenderedMark rendered={object.rendered} />}
      {problem === 'error' && <span className="state-mark bad">▲</span>}
      {problem === 'warning' && <span className="state-mark warn">△</span>}
      {problem !== 'error' && problem !== 'warning' && state !== undefined && <StateMark state={state} />}
      <span className="unseen">
        {roleWords[node.role]}
        {node.missing ? ', not defined' : state !== undefined && `, ${stateWords[state]}`}
        {object?.rendered !== undefined && `, ${renderedWords(object.rendered)}, read-only`}
      </span>
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </div>
  );
}

export type HeadingNodeType = Node<{ readonly title: string }, 'heading'>;

export function HeadingNode({ data }: NodeProps<HeadingNodeType>) {
  return <div className="graph-heading">{data.title}</div>;
}
