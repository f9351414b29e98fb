interface Node<Value> {
  /** What stands between the parent's end and this one's. */
  text: string;
  /** Of the text that ends here. */
  values: Value[];
  /** By the first UTF-16 unit of their text. */
  children: Map<number, Node<Value>> | undefined;
}

/** Values by a text; found by any text that begins with theirs (a radix tree). */
export class PrefixTree<Value> {
  #root: Node<Value> = { text: '', values: [], children: undefined };

  add(prefix: string, value: Value): void {
    let node = this.#root;
    let at = 0;
    while (at < prefix.length) {
      const children = (node.children ??= new Map<number, Node<Value>>());
      const first = prefix.charCodeAt(at);
      const child = children.get(first);
      if (child === undefined) {
        children.set(first, { text: prefix.slice(at), values: [value], children: undefined });
        return;
      }
      const shared = sharedLength(child.text, prefix, at);
      if (shared < child.text.length) {
        const upper: Node<Value> = { text: child.text.slice(0, shared), values: [], children: undefined };
        child.text = child.text.slice(shared);
        upper.children = new Map([[child.text.charCodeAt(0), child]]);
        children.set(first, upper);
        node = upper;
      } else node = child;
      at += shared;
    }
    node.values.push(value);
  }

  /** The values of each prefix of the text, the shortest prefix first; `visit` gets none that is empty. */
  visit(text: string, visit: (values: readonly Value[]) => void): void {
    let node: Node<Value> | undefined = this.#root;
    let at = 0;
    while (node !== undefined) {
      if (node.values.length > 0) visit(node.values);
      if (at >= text.length) return;
      node = node.children?.get(text.charCodeAt(at));
      if (node === undefined || !text.startsWith(node.text, at)) return;
      at += node.text.length;
    }
  }
}

function sharedLength(text: string, other: string, from: number): number {
  let count = 0;
  while (count < text.length && text.charCodeAt(count) === other.charCodeAt(from + count)) count += 1;
  return count;
}
