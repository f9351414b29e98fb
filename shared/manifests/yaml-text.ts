import { LineCounter } from 'yaml';

/** The text of a file that can be read, without a byte order mark. */
export interface YamlText {
  readonly file: string;
  /** Of objects that name none. */
  readonly namespace: string;
  readonly text: string;
  readonly lines: LineCounter;
}

/** Counted here, because the library loses lines after some mistakes. */
export function linesIn(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}
