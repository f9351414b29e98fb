import { agentCommand } from '../commands/agent.ts';

/** This role as a program of its own: what the application starts as a child process. */
await agentCommand().parseAsync();
