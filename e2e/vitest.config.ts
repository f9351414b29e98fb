import { defineConfig } from 'vitest/config';

/** Tests of the whole product and of its protocols against other implementations: one file at a time. */
export default defineConfig({
  test: {
    globalSetup: ['e2e/support/build-if-stale.ts'],
    include: ['e2e/**/*.test.ts'],
    environment: 'node',
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
});
