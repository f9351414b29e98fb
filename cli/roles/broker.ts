import { brokerCommand } from '../commands/broker.ts';

/** This role as a program of its own: what the application starts as a child process. */
await brokerCommand().parseAsync();
