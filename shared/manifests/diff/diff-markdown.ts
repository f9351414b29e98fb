import type { Diagnostic } from '../types.ts';
import type { AccessChange, ManifestDiff, NotCompared, Place, RouteView } from './change.ts';

/** Entries of one list of a report; a code host takes no comment of any length. */
const MAX_ENTRIES = 100;
const SIGNS = { wider: '⚠️ wider', narrower: '🔒 narrower', other: 'changed' } as const;

/** The diff as a comment for a pull request. `title` names what was compared. */
export function diffMarkdown(diff: ManifestDiff, title: string): string {
  const { routes, access, limits, middlewares, notCompared, diagnostics } = diff;
  const wider = access.filter(({ direction }) => direction === 'wider').length;
  const sections = [
    section('Not compared', notCompared.map(notComparedLine)),
    section('Access', access.map(directed)),
    section('Routes added', routes.added.map(routeLine)),
    section('Routes removed', routes.removed.map(routeLine)),
    section(
      'Routes changed',
      routes.changed.map(
        (route) => `${routeLine(route)}${route.changes.map((change) => `\n  - ${escaped(change)}`).join('')}`,
      ),
    ),
    section('Limits', limits.map(directed)),
    section('Middlewares', middlewares.map(escaped)),
    section('New problems', diagnostics.added.map(problemLine)),
    section('Problems fixed', diagnostics.fixed.map(problemLine)),
  ].filter((text) => text !== '');
  const summary = [
    count(routes.added.length, 'route added', 'routes added'),
    count(routes.removed.length, 'route removed', 'routes removed'),
    count(routes.changed.length, 'route changed', 'routes changed'),
    count(wider, 'widening of access', 'widenings of access'),
    count(diagnostics.added.filter(({ severity }) => severity === 'error').length, 'new error', 'new errors'),
  ].filter((text) => text !== '');
  const what =
    sections.length === 0
      ? 'Nothing changes for callers.'
      : sections.length === 1 && notCompared.length > 0
        ? 'Nothing changes for callers in what could be compared.'
        : summary.length === 0
          ? 'Small changes only.'
          : `**${summary.join(', ')}**`;
  return `${[`## API changes ${escaped(title)}`, what, ...sections].join('\n\n')}\n`;
}

function section(name: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const more = lines.length > MAX_ENTRIES ? [`- … and ${lines.length - MAX_ENTRIES} more`] : [];
  return [`### ${name}`, '', ...lines.slice(0, MAX_ENTRIES).map((line) => `- ${line}`), ...more].join('\n');
}

function count(of: number, one: string, many: string): string {
  return of === 0 ? '' : `${of} ${of === 1 ? one : many}`;
}

function directed({ direction, what, ...place }: AccessChange): string {
  return `${SIGNS[direction]}: ${escaped(what)}${where(place)}`;
}

function routeLine({ object, match, backends, access, api, ...place }: RouteView): string {
  const managed = api === null ? '' : `, API ${api}`;
  return escaped(`${object}: ${match} → ${backends} (${access}${managed})`) + where(place);
}

/** Of the line that a reader looks for next. */
function where({ file, line }: Place): string {
  return file === null || line === null ? '' : ` · ${escaped(`${file}:${line}`)}`;
}

function notComparedLine({ side, file, line, message }: NotCompared): string {
  return escaped(`${side === 'both' ? 'before and after' : side}: ${file}:${line} ${message}`);
}

function problemLine({ severity, file, line, object, path, message, code }: Diagnostic): string {
  const what =
    object === undefined
      ? ''
      : `${object.kind} ${object.namespace}/${object.name}${path === undefined ? '' : ` ${path}`}: `;
  return escaped(`${severity} ${file}:${line} ${what}${message} [${code}]`);
}

/** Manifests are anybody's text: it must not become markup, mention people or break out of its line. */
function escaped(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .slice(0, 500)
    .replaceAll(/[\\`*_{}[\]<>#|~]/g, String.raw`\$&`)
    .replaceAll('@', '@\u200B');
}
