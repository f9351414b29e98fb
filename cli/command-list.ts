import type { Command } from 'commander';

type Load = () => Promise<Command>;

/** In the order of `adit --help`. */
const COMMANDS: Readonly<Record<string, Load>> = {
  app: async () => (await import('./commands/app.ts')).appCommand(),
  serve: async () => (await import('./commands/serve.ts')).serveCommand(),
  preview: async () => (await import('./commands/up.ts')).previewCommand(),
  validate: async () => (await import('./commands/validate.ts')).validateCommand(),
  lint: async () => (await import('./commands/lint.ts')).lintCommand(),
  graph: async () => (await import('./commands/graph.ts')).graphCommand(),
  diff: async () => (await import('./commands/diff.ts')).diffCommand(),
  up: async () => (await import('./commands/up.ts')).upCommand(),
  agent: async () => (await import('./commands/agent.ts')).agentCommand(),
  broker: async () => (await import('./commands/broker.ts')).brokerCommand(),
  control: async () => (await import('./commands/control.ts')).controlCommand(),
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  ca: async () => (await import('./commands/ca.ts')).caCommand(),
};

const NEEDS_NONE: ReadonlySet<string> = new Set(['-V', '--version']);

/** The command that is named first, and nothing of the others; all of them where none is, as for `--help`. */
export async function commandsFor(first: string | undefined): Promise<Command[]> {
  if (first !== undefined && NEEDS_NONE.has(first)) return [];
  const named = first !== undefined && Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  return Promise.all((named === undefined ? Object.values(COMMANDS) : [named]).map((load) => load()));
}
