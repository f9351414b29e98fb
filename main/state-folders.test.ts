import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { defaultStateDir, developmentCaDir } from './state-folders.ts';

afterEach(() => vi.unstubAllEnvs());

test.runIf(process.platform === 'linux')(
  'a state folder of the system that is empty or relative counts as none',
  () => {
    vi.stubEnv('ADIT_STATE_DIR', '');
    for (const none of ['', 'state', './state']) {
      vi.stubEnv('XDG_STATE_HOME', none);
      expect(defaultStateDir(), none).toBe(join(homedir(), '.local/state/adit'));
    }
    vi.stubEnv('XDG_STATE_HOME', '/var/tmp/state');
    expect(defaultStateDir()).toBe('/var/tmp/state/adit');
  },
);

test('a state folder of one’s own is the same from wherever it is used', () => {
  vi.stubEnv('ADIT_STATE_DIR', 'mine');
  expect(developmentCaDir()).toBe(resolve('mine/development-ca'));
});
