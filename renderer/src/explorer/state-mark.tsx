import type { ObjectState } from '../../../shared/contract/contract.ts';
import { stateColours } from '../theme/tokens.ts';

const shapes: Record<ObjectState, string> = { file: '◌', cluster: '◇', same: '●', drifted: '◐', broken: '▲' };

export const stateWords: Record<ObjectState, string> = {
  file: 'in files only',
  cluster: 'in the cluster only',
  same: 'same in the cluster',
  drifted: 'differs from the cluster',
  broken: 'has an error',
};

/** Shape and colour of an object's state; the words are in the title and in the name of the row. */
export function StateMark({ state }: { state: ObjectState }) {
  return (
    <span
      className="state-mark"
      title={stateWords[state]}
      style={{ color: `var(--a-${stateColours[state]})` }}
      aria-hidden
    >
      {shapes[state]}
    </span>
  );
}
