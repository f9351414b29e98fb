import type * as Monaco from 'monaco-editor/editor';

/** Loads the editor once, and only when something needs it: it is most of the code of the page. */
export function loadMonaco(): Promise<typeof Monaco> {
  loading ??= import('./monaco-setup.ts').then((setup) => setup.monaco);
  return loading;
}

let loading: Promise<typeof Monaco> | undefined;

/** Gives the editor the JSON Schema for completion and hover: `allOf` of `if kind … then …`, for each document by itself. */
export async function setEditorSchema(schema: Record<string, unknown>): Promise<void> {
  const setup = await import('./monaco-setup.ts');
  await setup.setSchema(schema);
}
