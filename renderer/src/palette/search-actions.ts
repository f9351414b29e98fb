import type { Action } from './actions.ts';
import { matchScore } from './match.ts';

/** The best fits, best first; commands alone until something is typed. */
export function searchActions(actions: readonly Action[], typed: string, limit = 60): Action[] {
  if (typed.trim() === '') return actions.filter((action) => action.group === 'Commands').slice(0, limit);
  return actions
    .flatMap((action) => {
      const score = matchScore(`${action.name} ${action.detail ?? ''}`, typed);
      return score === null ? [] : [{ action, score }];
    })
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map((found) => found.action);
}
