import {
  analyze,
  bundledSchemas,
  editorSchema,
  schemasFromCrds,
  type Analysis,
  type CustomRules,
  type SchemaSet,
  type TraefikOptions,
} from '../../shared/manifests/index.ts';
import type { CallOutput } from '../../shared/contract/contract.ts';
import type { RenderedFolder } from '../../shared/manifests/render/place-rendered.ts';
import type { Diagnostic, SourceFile } from '../../shared/manifests/types.ts';

/** Schemas of a cluster's CRDs: the same value as long as the CRDs are the same, which lets unchanged files be kept. */
let last: { readonly crds: readonly unknown[]; readonly schemas: SchemaSet } | undefined;

function schemasOf(crds: readonly unknown[]): SchemaSet {
  if (crds.length === 0) return bundledSchemas();
  const same =
    last !== undefined && last.crds.length === crds.length && last.crds.every((crd, index) => crd === crds[index]);
  if (last === undefined || !same) last = { crds: [...crds], schemas: schemasFromCrds(crds) };
  return last.schemas;
}

/** Analyses with the schemas of the cluster where there are any (`crds` not empty), else with the bundled ones. */
export function analyse(
  files: readonly SourceFile[],
  options: {
    readonly namespace: string;
    readonly crds: readonly unknown[];
    readonly traefik: TraefikOptions;
    readonly customRules: CustomRules;
    readonly previous: Analysis | undefined;
    /** What programs made of overlays and charts, and what went wrong there. */
    readonly rendered?: readonly RenderedFolder[];
    readonly problems?: readonly Diagnostic[];
  },
): Analysis {
  const { crds, ...rest } = options;
  return analyze(files, { ...rest, schemas: schemasOf(crds) });
}

export function schemaFor(crds: readonly unknown[]): CallOutput<'schemaGet'> {
  return { source: crds.length === 0 ? 'bundled' : 'cluster', schema: { ...editorSchema(schemasOf(crds)) } };
}
