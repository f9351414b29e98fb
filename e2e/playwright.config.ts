import { existsSync } from 'node:fs';
import { defineConfig } from '@playwright/test';

const system = '/usr/bin/chromium';

/** The interface in a real browser, against the built application. Playwright's own Chromium where Debian's is not there. */
export default defineConfig({
  testDir: '.',
  globalSetup: './support/build-if-stale.ts',
  testMatch: '**/*.spec.ts',
  // Renews pictures (CONTRIBUTING.md); no test of the product.
  testIgnore: process.env['ADIT_PICTURES'] === undefined ? ['**/pictures.spec.ts'] : [],
  outputDir: '../test-results',
  fullyParallel: false,
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  use: {
    viewport: { width: 1440, height: 900 },
    trace: 'retain-on-failure',
    launchOptions: {
      ...(existsSync(system) ? { executablePath: system } : {}),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
});
