import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { toAgentError } from './errors.ts';

test('a part of the program that is gone is told as that', () => {
  // Not here: whoever runs the tests resolves imports itself.
  const code = execFileSync(
    process.execPath,
    ['-e', `import('./gone.mjs').catch((error) => console.log(error.code))`],
    {
      encoding: 'utf8',
    },
  ).trim();
  expect(toAgentError(Object.assign(new Error('gone'), { code }), 'api-failed')).toMatchObject({
    code: 'program-replaced',
    hint: expect.stringContaining('start it again'),
  });
  expect(toAgentError(new Error('other'), 'api-failed').code).toBe('api-failed');
});
