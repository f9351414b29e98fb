import { fail, type Result } from '../../shared/result/result.ts';

/** Failures that the user interface itself makes; those of the application come through the bridge. */
export const errors = {
  unreachable: (name: string, detail: string): Result<never> =>
    fail('app-unreachable', `The application did not answer "${name}".`, {
      hint: 'Check that the `adit` process still runs in its terminal, then reload the page.',
      detail,
    }),
  signedOut: (): Result<never> =>
    fail('signed-out', 'This page is not signed in to the application.', {
      hint: 'Open the link again from the terminal.',
    }),
  badAnswer: (name: string, detail: string): Result<never> =>
    fail('bad-answer', `The application gave an answer to "${name}" that cannot be read.`, {
      hint: 'Reload the page; if it stays, restart the application.',
      detail,
    }),
  cancelled: (name: string): Result<never> => fail('cancelled', `"${name}" was cancelled.`),
} as const;
