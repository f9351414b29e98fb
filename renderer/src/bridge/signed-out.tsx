import { create } from 'zustand';

export const useSignedOut = create<{ readonly signedOut: boolean }>()(() => ({ signedOut: false }));

/** Shown instead of everything when the application does not know this page. */
export function SignedOut() {
  return (
    <main className="whole-page">
      <h1>This page is not signed in</h1>
      <p>The link to Adit works once, in one browser, for as long as the application runs.</p>
      <p>
        Open the link again from the terminal, or start <code>npm start</code> or <code>adit serve</code> again for a
        new one.
      </p>
    </main>
  );
}
