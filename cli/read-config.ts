import type { CustomRules } from '../shared/manifests/lint/custom-rules.ts';
import type { WorkspaceConfig } from '../shared/workspace/adit-yaml.ts';
import { parseWorkspaceConfig, type ConfigProblem } from '../shared/workspace/parse-config.ts';

export interface ConfigAt {
  /** Path of `adit.yaml`, as those of the manifests. */
  readonly configFile: string;
  readonly config: WorkspaceConfig;
  readonly customRules: CustomRules;
  readonly configProblems: readonly ConfigProblem[];
}

/** What the `adit.yaml` at this path says; what is wrong in it is told at that path. */
export async function readConfig(configFile: string, text: string): Promise<ConfigAt> {
  const { config, problems } = parseWorkspaceConfig(text);
  // Loaded late: most commands need no manifests.
  const { readCustomRules } = await import('../shared/manifests/index.ts');
  const customRules = readCustomRules(config.lint.custom, text);
  const there = <T extends { readonly file: string }>(problem: T): T => ({ ...problem, file: configFile });
  return {
    configFile,
    config,
    customRules: { ...customRules, problems: customRules.problems.map(there) },
    configProblems: problems.map(there),
  };
}
