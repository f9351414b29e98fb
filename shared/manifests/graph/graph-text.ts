import type { Graph, GraphNode } from '../types.ts';

/** The graph as a Mermaid flowchart, for a page in Markdown. */
export function mermaid(graph: Graph): string {
  const names = new Map(graph.nodes.map(({ id }, at) => [id, `n${at}`]));
  const lines = graph.nodes.map((node) => {
    const name = names.get(node.id) ?? '';
    return `  ${name}["${words(node).map(entities).join('<br/>')}"]${node.missing === true ? ':::missing' : ''}`;
  });
  for (const { from, to, field, broken } of graph.edges) {
    const label = field === '' ? '' : `|"${entities(field)}"|`;
    lines.push(`  ${names.get(from) ?? ''} ${broken === true ? '-.->' : '-->'}${label} ${names.get(to) ?? ''}`);
  }
  return `flowchart LR\n${lines.join('\n')}\n  classDef missing stroke-dasharray: 4\n`;
}

/** The graph in the language of Graphviz. */
export function dot(graph: Graph): string {
  const lines = graph.nodes.map(
    (node) =>
      `  ${quoted(node.id)} [label=${quoted(words(node).join('\n'))}${node.missing === true ? ', style=dashed' : ''}];`,
  );
  for (const { from, to, field, broken } of graph.edges) {
    const style = broken === true ? ', style=dashed, color=red' : '';
    lines.push(`  ${quoted(from)} -> ${quoted(to)} [label=${quoted(field)}${style}];`);
  }
  return `digraph manifests {\n  rankdir=LR;\n  node [shape=box];\n${lines.join('\n')}\n}\n`;
}

function words({ kind, title, detail, missing }: GraphNode): string[] {
  return [kind, title, missing === true ? 'missing' : detail].filter((word) => word !== '');
}

/** Mermaid reads HTML; what could end a label or begin a tag is written by number. */
function entities(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} .,:/@_()-]/gu, (character) => `#${character.codePointAt(0) ?? 0};`);
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
