import { join } from 'node:path';
import { findProgram, type Recipe } from '../../bench/peers/find-program.ts';

/** An ACME server for tests, and the name server that it asks. */
export interface AcmeBinaries {
  readonly pebble: string;
  readonly challtestsrv: string;
}

function recipe(name: string): Recipe {
  return {
    name,
    version: 'v2.10.1',
    tool: 'go',
    cwd: join(import.meta.dirname, 'tools'),
    env: { CGO_ENABLED: '0' },
    args: (into) => [
      'build',
      '-mod=readonly',
      '-trimpath',
      '-o',
      join(into, name),
      `github.com/letsencrypt/pebble/v2/cmd/${name}`,
    ],
  };
}

/**
 * Both programs, built from Go modules once where they are not on the `PATH`. Undefined, with the reason printed, where
 * that is not possible; with `CI=true` that is an error, because a green run must have had a real authority.
 */
export async function acmeBinaries(): Promise<AcmeBinaries | undefined> {
  const pebble = await findProgram(recipe('pebble'));
  const challtestsrv = await findProgram(recipe('pebble-challtestsrv'));
  if (typeof pebble === 'string' && typeof challtestsrv === 'string') return { pebble, challtestsrv };
  const missing = [pebble, challtestsrv].flatMap((found) => (typeof found === 'string' ? [] : [found.missing]));
  const message = `ACME SERVER: ${missing.join('; ')}.`;
  if (process.env['CI'] === 'true') throw new Error(`${message} CI=true requires it.`);
  console.warn(`${message} SKIPPING every test against it.`);
  return undefined;
}
