import { controlCommand } from '../commands/control.ts';

/** This role as a program of its own: what the application starts as a child process. */
await controlCommand().parseAsync();
