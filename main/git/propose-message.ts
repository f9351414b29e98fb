import { isDeepStrictEqual } from 'node:util';
import { parseFile } from '../../shared/manifests/parse.ts';
import type { ManifestDocument } from '../../shared/manifests/types.ts';

/** A changed file: its text in the last commit and now; `null` where it does not exist. */
export interface ChangedFile {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

type Verb = 'Add' | 'Change' | 'Remove';
interface Step {
  readonly verb: Verb;
  /** Plural-able noun: a kind, or `file`. */
  readonly noun: string;
  readonly name: string;
}

const SUBJECT_LENGTH = 72;
const BODY_LINES = 20;

/**
 * A commit message from what changed: objects by kind and name where files hold manifests, else the files. A subject
 * of at most 72 characters; the list follows as the body when the subject had to sum up. Pure.
 */
export function proposeMessage(files: readonly ChangedFile[], namespace: string): string {
  const before = objects(files, 'before', namespace);
  const after = objects(files, 'after', namespace);
  const steps: Step[] = [];
  const told = new Set<string>();
  for (const [id, document] of after) {
    const old = before.get(id);
    if (old !== undefined && isDeepStrictEqual(old.value, document.value)) continue;
    steps.push(step(old === undefined ? 'Add' : 'Change', document));
    told.add(document.file);
  }
  for (const [id, document] of before) {
    if (after.has(id)) continue;
    steps.push(step('Remove', document));
    told.add(document.file);
  }
  for (const file of files) {
    if (told.has(file.path)) continue;
    steps.push({
      verb: file.before === null ? 'Add' : file.after === null ? 'Remove' : 'Change',
      noun: 'file',
      name: file.path,
    });
  }
  const order: readonly Verb[] = ['Add', 'Change', 'Remove'];
  steps.sort((a, b) => order.indexOf(a.verb) - order.indexOf(b.verb));
  if (steps.length === 0) return '';

  const each = sentence(steps.map(({ verb, noun, name }) => `${verb} ${noun === 'file' ? '' : `${noun} `}${name}`));
  if (each.length <= SUBJECT_LENGTH) return each;
  const body = steps
    .slice(0, BODY_LINES)
    .map(({ verb, noun, name }) => `* ${verb.toLowerCase()} ${noun === 'file' ? '' : `${noun} `}${name}`);
  if (steps.length > BODY_LINES) body.push(`* and ${steps.length - BODY_LINES} more`);
  return `${summary(steps)}\n\n${body.join('\n')}`;
}

function objects(
  files: readonly ChangedFile[],
  side: 'before' | 'after',
  namespace: string,
): Map<string, ManifestDocument> {
  const found = new Map<string, ManifestDocument>();
  for (const file of files) {
    const text = file[side];
    if (text === null || !/\.(ya?ml|json)$/i.test(file.path)) continue;
    for (const document of parseFile({ path: file.path, text }, namespace).documents) found.set(document.id, document);
  }
  return found;
}

function step(verb: Verb, document: ManifestDocument): Step {
  return { verb, noun: document.ref.kind, name: document.ref.name };
}

/** `Add A, change B and remove C`. */
function sentence(parts: readonly string[]): string {
  const lower = parts.map((part, index) => (index === 0 ? part : part.charAt(0).toLowerCase() + part.slice(1)));
  return lower.length < 2 ? lower.join('') : `${lower.slice(0, -1).join(', ')} and ${lower.at(-1)}`;
}

/** `Add 3 APIs and change 1 APIPlan`, or the counts alone when even that is too long. */
function summary(steps: readonly Step[]): string {
  const counts = new Map<string, { verb: Verb; noun: string; count: number }>();
  for (const { verb, noun } of steps) {
    const entry = counts.get(`${verb} ${noun}`) ?? { verb, noun, count: 0 };
    counts.set(`${verb} ${noun}`, { ...entry, count: entry.count + 1 });
  }
  const parts = [...counts.values()].map(
    ({ verb, noun, count }) => `${verb} ${count} ${noun}${count === 1 ? '' : 's'}`,
  );
  const whole = sentence(parts);
  return whole.length <= SUBJECT_LENGTH ? whole : `Change ${steps.length} objects and files`;
}
