import type { editor } from 'monaco-editor/editor';
import type * as Monaco from 'monaco-editor/editor';
import type { Diagnostic } from '../state/model-index.ts';

const ZONE_PX = 22;
const SHOWN = 100;

/** Problems as Monaco's markers: squiggles, hover, F8. */
export function markersOf(monaco: typeof Monaco, problems: readonly Diagnostic[]): editor.IMarkerData[] {
  const severities = {
    error: monaco.MarkerSeverity.Error,
    warning: monaco.MarkerSeverity.Warning,
    info: monaco.MarkerSeverity.Info,
  } as const;
  return problems.map((problem) => ({
    severity: severities[problem.severity],
    message: problem.hint === undefined ? problem.message : `${problem.message}\n${problem.hint}`,
    code: problem.code,
    startLineNumber: problem.line,
    startColumn: problem.column,
    endLineNumber: problem.endLine,
    endColumn: problem.endColumn,
  }));
}

/** Writes the problems below their lines. Returns the ids of the zones, to be removed by the next call. */
export function drawZones(code: editor.ICodeEditor, problems: readonly Diagnostic[], old: readonly string[]): string[] {
  const byLine = new Map<number, Diagnostic[]>();
  for (const problem of problems) {
    if (problem.severity === 'info') continue;
    byLine.set(problem.endLine, [...(byLine.get(problem.endLine) ?? []), problem]);
  }
  const ids: string[] = [];
  code.changeViewZones((zones) => {
    for (const id of old) zones.removeZone(id);
    for (const [line, list] of [...byLine].slice(0, SHOWN)) {
      ids.push(
        zones.addZone({
          afterLineNumber: line,
          heightInPx: ZONE_PX,
          domNode: zoneNode(list),
          showInHiddenAreas: false,
        }),
      );
    }
  });
  return ids;
}

function zoneNode(problems: readonly Diagnostic[]): HTMLElement {
  const [first] = problems;
  // Monaco sets the display of the zone itself, so what is laid out is inside.
  const zone = document.createElement('div');
  const node = document.createElement('div');
  zone.append(node);
  node.className = `problem-zone ${first?.severity ?? 'error'}`;
  const text = document.createElement('span');
  text.className = 'problem-zone-text';
  text.textContent = `${first ? shortMessage(first) : ''}${problems.length > 1 ? `  (+${problems.length - 1})` : ''}`;
  node.title = problems.map((problem) => [problem.message, problem.hint].filter(Boolean).join('\n')).join('\n\n');
  node.append(text);
  if (first?.hint !== undefined) {
    const hint = document.createElement('span');
    hint.className = 'problem-zone-hint';
    hint.textContent = first.hint;
    node.append(hint);
  }
  return zone;
}

/** Without the path at its start: the line is above. */
function shortMessage({ path, message }: Diagnostic): string {
  return path !== undefined && message.startsWith(`${path}: `) ? message.slice(path.length + 2) : message;
}
