import type { Model, ModelObject, ObjectState } from '../../../shared/contract/contract.ts';
import { roleOf, type Role } from '../graph/role.ts';
import { indexModel, keyOfNode, keyOfRef, type Key, type ModelIndex } from '../state/model-index.ts';
import type { TreeItem } from '../tree/visible-rows.ts';

export type ApiRow = { readonly heading: string } | ObjectRow;

export interface ObjectRow {
  readonly key: Key;
  readonly name: string;
  readonly kind: string;
  readonly role: Role;
  readonly detail: string;
  readonly state: ObjectState | 'missing';
  readonly rendered?: ModelObject['rendered'];
}

interface Level {
  readonly role: Role;
  readonly below: readonly Level[];
}

const leaf = (role: Role): Level => ({ role, below: [] });
const routes: Level = { role: 'route', below: [leaf('middleware'), leaf('service')] };
const apis: readonly Level[] = [{ role: 'version', below: [routes] }, routes];
const callers: readonly Level[] = [{ role: 'subscription', below: [leaf('plan')] }];

/** API → versions → routes → services; who may call; the rest: the same objects as the files, by what they are for. */
export function apiTree(model: Model): TreeItem<ApiRow>[] {
  const index = indexModel(model);
  const rows = objectRows(model, index);
  const neighbours = neighboursOf(model, index);
  const placed = new Set<Key>();

  function build(key: Key, levels: readonly Level[], path: readonly Key[]): TreeItem<ApiRow> | undefined {
    const row = rows.get(key);
    if (!row) return undefined;
    placed.add(key);
    const here = [...path, key];
    const children: TreeItem<ApiRow>[] = [];
    const below = new Set<Key>();
    for (const level of levels) {
      for (const next of neighbours.get(key) ?? []) {
        if (rows.get(next)?.role !== level.role || here.includes(next) || below.has(next)) continue;
        const child = build(next, level.below, here);
        if (!child) continue;
        children.push(child);
        collect(child, below);
      }
    }
    return { id: here.join(' '), item: row, children };
  }

  function section(heading: string, roles: readonly Role[], levels: readonly Level[]): TreeItem<ApiRow>[] {
    const roots = [...rows.values()].filter((row) => roles.includes(row.role) && !placed.has(row.key));
    const children = roots.flatMap((row) => build(row.key, levels, []) ?? []);
    return children.length === 0 ? [] : [{ id: `# ${heading}`, item: { heading }, children }];
  }

  return [
    ...section('APIs', ['api'], apis),
    ...section('Versions without an API', ['version'], [routes]),
    ...section('Routes without an API', ['route'], routes.below),
    ...section('Who may call', ['application'], callers),
    ...section('Subscriptions', ['subscription'], [leaf('plan')]),
    ...section('Plans', ['plan'], []),
    ...section('Authentication', ['auth'], [leaf('secret')]),
    ...section('Services and middlewares', ['service', 'middleware', 'secret'], []),
    ...section('Other objects', ['other'], []),
  ];
}

/** Where a key stands in the tree first, as the id of its row. */
export function rowIdOf(roots: readonly TreeItem<ApiRow>[], key: Key): string | null {
  for (const { id, item, children } of roots) {
    if ('key' in item && item.key === key) return id;
    const below = rowIdOf(children, key);
    if (below !== null) return below;
  }
  return null;
}

function collect(tree: TreeItem<ApiRow>, into: Set<Key>): void {
  if ('key' in tree.item) into.add(tree.item.key);
  for (const child of tree.children) collect(child, into);
}

function objectRows(model: Model, index: ModelIndex): Map<Key, ObjectRow> {
  const rows: ObjectRow[] = model.objects.map((object) => {
    const key = keyOfRef(object.ref);
    const node = index.nodes.get(key);
    return {
      key,
      name: object.ref.name,
      kind: object.ref.kind,
      role: node?.role ?? roleOf(object.ref.kind),
      detail: node?.detail ?? '',
      state: object.state,
      rendered: object.rendered,
    };
  });
  const held = new Set(rows.map((row) => row.key));
  for (const node of model.graph.nodes) {
    const key = keyOfNode(node);
    if (!node.missing || held.has(key)) continue;
    rows.push({ key, name: node.title, kind: node.kind, role: node.role, detail: 'not defined', state: 'missing' });
  }
  return new Map(rows.sort((a, b) => a.name.localeCompare(b.name)).map((row) => [row.key, row]));
}

function neighboursOf(model: Model, index: ModelIndex): Map<Key, Key[]> {
  const neighbours = new Map<Key, Key[]>();
  for (const edge of model.graph.edges) {
    const from = index.keyOfNode.get(edge.from);
    const to = index.keyOfNode.get(edge.to);
    if (from === undefined || to === undefined) continue;
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  return neighbours;
}
