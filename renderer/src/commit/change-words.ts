import type { GitChange } from '../../../shared/contract/contract.ts';

export const changeWords: Record<GitChange['status'], { readonly letter: string; readonly word: string }> = {
  added: { letter: 'A', word: 'added' },
  modified: { letter: 'M', word: 'modified' },
  deleted: { letter: 'D', word: 'deleted' },
  renamed: { letter: 'R', word: 'renamed' },
  untracked: { letter: 'N', word: 'new' },
  conflicted: { letter: '!', word: 'in conflict' },
};
