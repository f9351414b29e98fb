import type { Model, ModelObject } from '../../../shared/contract/contract.ts';

export type GraphNode = Model['graph']['nodes'][number];
export type GraphEdge = Model['graph']['edges'][number];
export type Diagnostic = Model['diagnostics'][number];
export type Ref = ModelObject['ref'];

/** Names one thing in every view: `GROUP/KIND/NAMESPACE/NAME` of an object, or the graph's own id where there is no object. */
export type Key = string;

export interface ModelIndex {
  readonly objects: ReadonlyMap<Key, ModelObject>;
  readonly nodes: ReadonlyMap<Key, GraphNode>;
  /** Key by the graph's node id. */
  readonly keyOfNode: ReadonlyMap<string, Key>;
  /** References that the thing makes, and those that lead to it. */
  readonly out: ReadonlyMap<Key, readonly GraphEdge[]>;
  readonly into: ReadonlyMap<Key, readonly GraphEdge[]>;
  readonly problems: ReadonlyMap<Key, readonly Diagnostic[]>;
  readonly problemsOfFile: ReadonlyMap<string, readonly Diagnostic[]>;
}

export function keyOfRef(ref: Ref): Key {
  const slash = ref.apiVersion.indexOf('/');
  return `${slash < 0 ? '' : ref.apiVersion.slice(0, slash)}/${ref.kind}/${ref.namespace}/${ref.name}`;
}

export function keyOfNode(node: GraphNode): Key {
  return node.object ? keyOfRef(node.object) : node.id;
}

const known = new WeakMap<Model, ModelIndex>();

/** Look-ups over one model; computed once for each revision. */
export function indexModel(model: Model): ModelIndex {
  const done = known.get(model);
  if (done) return done;
  const nodes = new Map(model.graph.nodes.map((node) => [keyOfNode(node), node]));
  const keys = new Map(model.graph.nodes.map((node) => [node.id, keyOfNode(node)]));
  const index: ModelIndex = {
    objects: new Map(model.objects.map((object) => [keyOfRef(object.ref), object])),
    nodes,
    keyOfNode: keys,
    out: group(model.graph.edges, (edge) => keys.get(edge.from)),
    into: group(model.graph.edges, (edge) => keys.get(edge.to)),
    problems: group(model.diagnostics, (problem) => (problem.object ? keyOfRef(problem.object) : undefined)),
    problemsOfFile: group(model.diagnostics, (problem) => problem.file),
  };
  known.set(model, index);
  return index;
}

/** The object whose document holds a line of a file. */
export function objectAt(model: Model, file: string, line: number): ModelObject | undefined {
  return model.objects.find(
    (object) =>
      object.file === file &&
      object.line !== undefined &&
      object.line <= line &&
      line <= (object.endLine ?? object.line),
  );
}

function group<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const list = groups.get(key);
    if (list) list.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
