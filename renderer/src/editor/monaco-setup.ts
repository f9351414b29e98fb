import * as monaco from 'monaco-editor/editor';
import 'monaco-editor/features/register.all';
import 'monaco-editor/languages/definitions/yaml/register';
import EditorWorker from './editor.worker.ts?worker';
import YamlWorker from './yaml.worker.ts?worker';
import { configureMonacoYaml, type MonacoYaml } from 'monaco-yaml';
import { plainCompletion } from './plain-completion.ts';
import type { languages } from 'monaco-editor/editor';
import { monacoTheme } from './monaco-theme.ts';

globalThis.MonacoEnvironment = { getWorker: () => new EditorWorker() };

/** What monaco-yaml 5.5.1 passes to `createWebWorker`; Monaco 0.57 wants the worker itself. */
interface OldWorkerOptions {
  readonly label?: string;
  readonly moduleId?: string;
  readonly createData?: unknown;
}

function createYamlWorker(options: OldWorkerOptions): unknown {
  const worker = new YamlWorker();
  // The worker ignores its first message and takes its settings from the second.
  worker.postMessage('ignore');
  worker.postMessage(options.createData);
  return monaco.editor.createWebWorker({ worker });
}

const forYaml = {
  ...monaco,
  editor: { ...monaco.editor, createWebWorker: createYamlWorker },
  languages: {
    ...monaco.languages,
    registerCompletionItemProvider: (selector: string, provider: languages.CompletionItemProvider) =>
      monaco.languages.registerCompletionItemProvider(selector, plainCompletion(provider)),
  },
};

/** Completion, hover and formatting only: problems are shown once, from the model, which knows more than the schema. */
const yaml: MonacoYaml = configureMonacoYaml(forYaml as unknown as Parameters<typeof configureMonacoYaml>[0], {
  validate: false,
  completion: true,
  hover: true,
  format: { enable: true },
  enableSchemaRequest: false,
});

monaco.editor.defineTheme('adit-light', monacoTheme('light'));
monaco.editor.defineTheme('adit-dark', monacoTheme('dark'));

export async function setSchema(schema: Record<string, unknown>): Promise<void> {
  await yaml.update({ schemas: [{ uri: 'adit://schema.json', fileMatch: ['*'], schema }] });
}

export { monaco };
