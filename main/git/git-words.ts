import type { ErrorCode } from '../errors.ts';

/**
 * What Git's words (LC_ALL=C) mean. The first that fits counts, so the particular stand before the general. Sources:
 * the messages of git 2.30–2.50 (`builtin/commit.c`, `ident.c`, `transport.c`, `remote.c`, `lockfile.c`) and of OpenSSH.
 */
const meanings: readonly (readonly [RegExp, ErrorCode])[] = [
  [/detected dubious ownership/i, 'git-unsafe-owner'],
  [/not a git repository/i, 'git-no-repository'],
  [/(index|HEAD|config)\.lock': File exists|Another git process seems to be running/i, 'git-locked'],
  [/Please tell me who you are|unable to auto-detect email address|empty ident name/i, 'git-no-identity'],
  [/cannot do a partial commit during a (merge|cherry-pick|rebase)/i, 'git-merge-unfinished'],
  [/you have unmerged|is not possible because you have unmerged files|unmerged paths/i, 'git-conflicts'],
  [/paths are ignored by one of your \.gitignore/i, 'git-ignored'],
  [
    /failed to sign the data|gpg failed to sign|error: (?:Load key|Couldn't (?:get agent socket|load public key))|user\.signing[kK]ey (?:needs|is)/i,
    'git-signing-failed',
  ],
  [
    /nothing to commit|nothing added to commit|no changes added to commit|did not match any file/i,
    'git-nothing-to-commit',
  ],
  [/\[rejected\].*(fetch first|non-fast-forward)|Updates were rejected because/is, 'git-rejected'],
  [/\[remote rejected\]|pre-receive hook declined|protected branch/i, 'git-remote-refused'],
  [
    /could not read (Username|Password)|Authentication failed|Permission denied \(|Host key verification failed|HTTP 40[13]|terminal prompts disabled/i,
    'git-authentication',
  ],
  [
    /Could not resolve host|Connection (refused|timed out|reset)|Failed to connect|Network is unreachable|unable to access/i,
    'git-unreachable',
  ],
  [
    /repository '.*' (does not exist|not found)|does not appear to be a git repository|Repository not found|not valid: is this a git repository/i,
    'git-not-found',
  ],
  [/No configured push destination|No such remote/i, 'git-no-remote'],
  [/not currently on a branch/i, 'git-detached'],
];

export function codeOf(verb: string, words: string): ErrorCode {
  for (const [pattern, code] of meanings) {
    // A clone tells of a missing source in the words that elsewhere mean a missing repository here.
    if (code === 'git-no-repository' && (verb === 'clone' || verb === 'push')) continue;
    if (pattern.test(words)) return code;
  }
  return 'git-failed';
}
