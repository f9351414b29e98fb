import { runOnLeash } from '../../main/stack/leash.ts';

/** `leash [--shell] COMMAND [ARG…]`: see `runOnLeash`. Not for people; `adit` starts upstream commands with it. */
const [first, ...rest] = process.argv.slice(2);
if (first === undefined) {
  process.stderr.write('error: leash needs a command\n');
  process.exitCode = 2;
} else if (first === '--shell') {
  process.exitCode = await runOnLeash(rest.join(' '), [], { shell: true });
} else {
  process.exitCode = await runOnLeash(first, rest, { shell: false });
}
