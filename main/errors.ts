import type { Failure, Result } from '../shared/result/result.ts';

/**
 * Every failure that a call of the application can answer with. `message` and `hint` are templates: `{name}` is
 * replaced by the value given. Codes are stable; `docs` and the interface may rely on them.
 */
const catalogue = {
  'invalid-input': {
    message: '{call}: {problem}',
    hint: 'This is a fault of the caller; the interface and the application may be of different versions.',
  },
  'unknown-call': { message: 'There is no call named “{call}”.' },
  internal: { message: '{call} failed unexpectedly: {problem}', hint: 'The log has the details.' },
  aborted: { message: '{what} was cancelled.' },

  'no-workspace': { message: 'No workspace is open.', hint: 'Open a folder, clone a repository, or open the sample.' },
  'workspace-missing': {
    message: 'The folder {dir} does not exist.',
    hint: 'Choose another folder, or create it first.',
  },
  'workspace-not-folder': { message: '{dir} is not a folder.', hint: 'Choose the folder that contains the manifests.' },
  'workspace-unreadable': {
    message: 'The folder {dir} cannot be read: {problem}.',
    hint: 'Check the permissions of the folder and of those above it.',
  },
  'workspace-not-empty': {
    message: 'The folder {dir} exists and is not empty.',
    hint: 'Choose a folder that does not exist yet.',
  },
  'sample-missing': {
    message: 'The sample workspace is not part of this installation.',
    hint: 'Open a folder of your own instead.',
  },
  'sample-failed': {
    message: 'The sample could not be copied to {dir}: {problem}.',
    hint: 'Check that the folder is writable and the disk is not full.',
  },

  'path-invalid': {
    message: '“{path}” is not a path inside the workspace: {problem}.',
    hint: 'Give a path relative to the workspace, with “/” between its parts.',
  },
  'file-missing': {
    message: '{path} does not exist.',
    hint: 'It may have been removed or renamed by another program.',
  },
  'file-exists': { message: '{path} exists already.', hint: 'Choose another name, or open the existing file.' },
  'file-changed': {
    message: '{path} was changed by another program since it was opened.',
    hint: 'Compare the two texts, then overwrite, merge or take theirs.',
  },
  'file-gone': {
    message: '{path} was removed by another program since it was opened.',
    hint: 'Save it as a new file to bring it back.',
  },
  'file-too-large': {
    message: '{path} is {bytes} bytes; at most {limit} can be opened here.',
    hint: 'Edit it in another program.',
  },
  'file-not-text': { message: '{path} is not UTF-8 text.', hint: 'Edit it in another program.' },
  'file-not-file': { message: '{path} is not a regular file.' },
  'file-io': { message: '{path}: {problem}.', hint: 'Check permissions and free space of the disk.' },

  'git-missing': {
    message: 'There is no “git” on this machine’s PATH.',
    hint: 'Install Git and start Adit again; files can be edited and previewed without it.',
  },
  'git-no-repository': {
    message: 'The workspace is not in a Git repository.',
    hint: 'Make one with “Initialise repository”.',
  },
  'git-no-identity': {
    message: 'Git does not know who commits.',
    hint: 'Run: git config --global user.name "Your Name" && git config --global user.email you@example.com',
  },
  'git-nothing-to-commit': {
    message: 'The chosen files have no changes to commit.',
    hint: 'Choose files that differ from the last commit.',
  },
  'git-hook-refused': {
    message: 'A hook of the repository refused the commit.',
    hint: 'Its words are in the details.',
  },
  'git-signing-failed': {
    message: 'The commit could not be signed.',
    hint: 'Check user.signingkey and that the key agent runs; Git’s words are in the details.',
  },
  'git-merge-unfinished': {
    message: 'A merge is in progress: a part of the files cannot be committed on its own.',
    hint: 'Finish the merge with Git, then commit here.',
  },
  'git-conflicts': {
    message: 'Some of the chosen files have unresolved conflicts.',
    hint: 'Resolve the conflict marks in the files first.',
  },
  'git-ignored': {
    message: 'Some of the chosen files are ignored by .gitignore.',
    hint: 'Change .gitignore, or leave them out.',
  },
  'git-locked': {
    message: 'Another Git process works in this repository.',
    hint: 'Wait for it to end; if none runs, remove .git/index.lock.',
  },
  'git-unsafe-owner': {
    message: 'Git refuses the repository because another user owns it.',
    hint: 'Git’s words in the details name the command that allows it.',
  },
  'git-no-remote': { message: 'The repository has no remote to push to.', hint: 'Add one: git remote add origin URL' },
  'git-detached': { message: 'HEAD is detached: there is no branch to push.', hint: 'Check out a branch first.' },
  'git-rejected': {
    message: 'The remote has commits that are not here.',
    hint: 'Pull or rebase with Git, then push again.',
  },
  'git-remote-refused': {
    message: 'The remote refused the push.',
    hint: 'Its words are in the details (a protected branch, or a hook).',
  },
  'git-authentication': {
    message: 'The remote did not accept the credentials.',
    hint: 'Check the credential helper or the SSH agent; Adit never asks for a password itself.',
  },
  'git-unreachable': { message: 'The remote cannot be reached.', hint: 'Check its URL and the network.' },
  'git-not-found': {
    message: 'There is no repository at that address.',
    hint: 'Check the URL, and that you may read it.',
  },
  'git-timeout': {
    message: '“git {verb}” did not end within {seconds} s and was stopped.',
    hint: 'Try it in a terminal: it may wait for an answer.',
  },
  'git-output-too-large': { message: '“git {verb}” answered with more than {limit} bytes.' },
  'git-failed': { message: '“git {verb}” failed with exit code {exit}.', hint: 'Git’s words are in the details.' },

  'preview-no-agent': { message: 'No preview is running.', hint: 'Press Preview to start one.' },
  'preview-agent-unreachable': {
    message: 'The agent does not answer at {address}: {problem}.',
    hint: 'It is restarted automatically; if it does not come back, stop and start the preview.',
  },
  'preview-agent-answer': {
    message: 'The agent answered {method} {path} with {status}.',
    hint: 'The log of the agent has more.',
  },
  'preview-stack-failed': {
    message: 'The processes of the preview ended: {problem}.',
    hint: 'Start the preview again; the last error line names the process.',
  },
  'preview-agent-lost': { message: 'The agent is not reached: {problem}.', hint: 'It is started again by itself.' },
  'traffic-not-found': {
    message: 'The request {id} is not kept any more.',
    hint: 'Only the newest requests are kept.',
  },
} as const satisfies Record<string, { message: string; hint?: string }>;

export type ErrorCode = keyof typeof catalogue;

/** Makes a described failure from the catalogue; `detail` holds the words of another program. */
export function failure(
  code: ErrorCode,
  values: Readonly<Record<string, string | number>> = {},
  detail?: string,
): Failure {
  const entry: { message: string; hint?: string } = catalogue[code];
  const fill = (template: string): string =>
    template.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
  return {
    code,
    message: fill(entry.message),
    ...(entry.hint === undefined ? {} : { hint: fill(entry.hint) }),
    ...(detail === undefined || detail === '' ? {} : { detail }),
  };
}

export function failed(
  code: ErrorCode,
  values: Readonly<Record<string, string | number>> = {},
  detail?: string,
): Result<never> {
  return { ok: false, error: failure(code, values, detail) };
}

/** The words of a thrown value, for `{problem}`. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code (`ENOENT`, …) of a thrown value. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
