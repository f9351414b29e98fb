import { formatPath, type FieldPath } from '../field-path.ts';
import { HUB } from '../kinds.ts';
import { titleOf, type Reference, type Resolution } from '../resolve/resolve.ts';
import type { Diagnostic, Graph, GraphEdge, GraphNode, ManifestDocument, ObjectRef, Severity } from '../types.ts';
import { detailOf } from './detail.ts';
import { roleOf } from './role.ts';

export const VISITOR = 'visitor';
const IS_DEFAULT: FieldPath = ['spec', 'isDefault'];
const RANK: Readonly<Record<Severity, number>> = { info: 1, warning: 2, error: 3 };

/** Who leads to what: visitors → routes → APIs and Services; subscriptions → APIs, applications and plans; and so on. */
export function graphOf(resolution: Resolution, diagnostics: readonly Diagnostic[]): Graph {
  const problems = worstByObject(diagnostics);
  const nodes = new Map<string, GraphNode>();
  const edges: GraphEdge[] = [];
  for (const document of resolution.documents) {
    const role = roleOf(document.sort);
    if (role === undefined) continue;
    nodes.set(document.id, nodeOf(document, role, problems));
    if (role === 'route') {
      if (!nodes.has(VISITOR))
        nodes.set(VISITOR, { id: VISITOR, role: 'visitor', kind: 'Visitor', title: 'Visitors', detail: '' });
      edges.push(visitorEdge(document));
    }
  }
  for (const [from, references] of resolution.referencesOf) {
    if (roleOf(from.sort) === undefined) continue;
    for (const { to, wanted, target } of references) {
      if (target !== undefined || nodes.has(to)) continue;
      const role = roleOf(`${wanted.group}/${wanted.kind}`) ?? 'other';
      nodes.set(to, { id: to, role, kind: wanted.kind, title: wanted.name, detail: 'not in the files', missing: true });
    }
    for (const edge of edgesOf(references)) edges.push(edge);
  }
  for (const [subscription, grant] of resolution.grants) {
    const named = new Set((resolution.referencesOf.get(subscription) ?? []).map(({ to }) => to));
    for (const granted of [grant.apis, grant.applications]) {
      for (const { document, path } of granted) {
        // What a bundle gives is reached by way of the bundle.
        if (path[1] !== 'apiBundles' && !named.has(document.id))
          edges.push(edgeOf(subscription, document.id, path, false));
      }
    }
  }
  for (const api of resolution.byKind.get(`${HUB}/API`) ?? []) {
    const auth = resolution.auths.get(api.ref.namespace);
    if (auth !== undefined) edges.push(edgeOf(auth, api.id, IS_DEFAULT, false));
  }
  return { nodes: [...nodes.values()], edges };
}

const edgesByReferences = new WeakMap<readonly Reference[], readonly GraphEdge[]>();

/** References that lead where they led before are the same list, and so are their edges. */
function edgesOf(references: readonly Reference[]): readonly GraphEdge[] {
  let edges = edgesByReferences.get(references);
  if (edges === undefined) {
    edges = references.map(({ from, to, path, target }) => edgeOf(from, to, path, target === undefined));
    edgesByReferences.set(references, edges);
  }
  return edges;
}

const known = new WeakMap<ManifestDocument, Map<string, Map<FieldPath, GraphEdge>>>();

/** Edges are kept as long as the document that makes them: after an edit nearly all are the same. */
function edgeOf(from: ManifestDocument, to: string, path: FieldPath, broken: boolean): GraphEdge {
  let byTarget = known.get(from);
  if (byTarget === undefined) known.set(from, (byTarget = new Map()));
  let byPath = byTarget.get(to);
  if (byPath === undefined) byTarget.set(to, (byPath = new Map()));
  const kept = byPath.get(path);
  if (kept !== undefined && (kept.broken === true) === broken) return kept;
  // A path that is made anew each time must not let the memory grow.
  if (byPath.size > 64) byPath.clear();
  const field = formatPath(path);
  const id = `${from.id}>${to}#${field}`;
  const edge: GraphEdge = broken ? { id, from: from.id, to, field, broken } : { id, from: from.id, to, field };
  byPath.set(path, edge);
  return edge;
}

const visitorEdges = new WeakMap<ManifestDocument, GraphEdge>();

function visitorEdge(route: ManifestDocument): GraphEdge {
  const kept = visitorEdges.get(route);
  if (kept !== undefined) return kept;
  const edge: GraphEdge = { id: `${VISITOR}>${route.id}`, from: VISITOR, to: route.id, field: '' };
  visitorEdges.set(route, edge);
  return edge;
}

const keptNodes = new WeakMap<ManifestDocument, GraphNode>();

function nodeOf(
  document: ManifestDocument,
  role: GraphNode['role'],
  problems: ReadonlyMap<string, Severity>,
): GraphNode {
  const problem = problems.get(objectKey(document.ref));
  const kept = keptNodes.get(document);
  if (kept !== undefined && kept.problem === problem) return kept;
  const node: GraphNode = {
    id: document.id,
    role,
    object: document.ref,
    kind: document.ref.kind,
    title: titleOf(document),
    detail: detailOf(document),
    file: document.file,
    line: document.range.start.line,
    ...(problem === undefined ? {} : { problem }),
  };
  keptNodes.set(document, node);
  return node;
}

function worstByObject(diagnostics: readonly Diagnostic[]): Map<string, Severity> {
  const worst = new Map<string, Severity>();
  for (const { object, severity } of diagnostics) {
    if (object === undefined) continue;
    const key = objectKey(object);
    const known = worst.get(key);
    if (known === undefined || RANK[severity] > RANK[known]) worst.set(key, severity);
  }
  return worst;
}

const keys = new WeakMap<ObjectRef, string>();

function objectKey(object: ObjectRef): string {
  let key = keys.get(object);
  if (key === undefined) keys.set(object, (key = `${object.kind}/${object.namespace}/${object.name}`));
  return key;
}
