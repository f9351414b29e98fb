import { locate, plainPlaces, type Places } from '../locate.ts';
import { objectsIn, type ObjectsFound } from '../objects-in.ts';
import type { YamlText } from '../yaml-text.ts';
import type { Placed } from './placed.ts';
import { readPlain } from './read-plain.ts';

/** The objects of a text that is plain, the same as `readWhole` finds; undefined when it is not. */
export function readPlainly(source: YamlText): ObjectsFound | undefined {
  const { file, namespace, text } = source;
  const roots = readPlain(text);
  if (roots === undefined) return undefined;
  const found: ObjectsFound = { documents: [], diagnostics: [] };
  let again: typeof roots | undefined;
  for (const [index, root] of roots.entries()) {
    if (root === undefined) continue;
    // Places take more memory than values, and few are asked for: when one is, the text is read again.
    let held: Placed | undefined = root;
    const places = (): Places<Placed> => {
      held ??= (again ??= readPlain(text))?.[index];
      if (held === undefined) throw new Error(`${file} was plain when it was read first`);
      return plainPlaces(held);
    };
    objectsIn(
      { file, index, namespace, locate: (path, what) => locate(places(), source, path, what) },
      root.value,
      found,
    );
    held = undefined;
  }
  return found;
}
