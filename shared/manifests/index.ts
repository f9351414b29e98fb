/** Manifests: files in; diagnostics, graph and the gateway's configuration out. Pure functions over plain values. */
export { accept, type Accepted } from './accept.ts';
export { analyze, type Analysis, type AnalyzeOptions } from './analyze.ts';
export { compile } from './compile/compile.ts';
export { diagnosticCodes, type DiagnosticCode } from './errors.ts';
export { dot, mermaid } from './graph/graph-text.ts';
export { graphOf } from './graph/graph.ts';
export { readCustomRules, type CustomRules } from './lint/custom-rules.ts';
export { lint, unknownRules, type LintSettings } from './lint/lint.ts';
export { githubAnnotation } from './lint/github-annotation.ts';
export { lintRules } from './lint/rules.ts';
export { sarif } from './lint/sarif.ts';
export { objectId } from './object-id.ts';
export { parseFile, type ParsedFile } from './parse.ts';
export { resolve, type Resolution } from './resolve/resolve.ts';
export { editorSchema } from './schema/editor-schema.ts';
export { bundledSchemas, schemasFromCrds, type SchemaSet } from './schema/schema-set.ts';
export type { TraefikOptions } from './traefik-options.ts';
export { validateDocument } from './validate/validate.ts';
