import type { ModelObject } from '../../../shared/contract/contract.ts';
import { renderedWords } from './rendered-words.ts';

/** Tells an object that a program makes from one that stands in a file so: two sheets, the one made of the other. */
export function RenderedMark({ rendered }: { rendered: NonNullable<ModelObject['rendered']> }) {
  return (
    <span className="rendered-mark" aria-hidden title={`${renderedWords(rendered)}; read-only, edit its source`}>
      <svg width="12" height="12" viewBox="0 0 12 12" fill="none" stroke="currentColor">
        <rect x="1.5" y="1.5" width="6" height="6" strokeDasharray="1.5 1.2" />
        <rect x="4.5" y="4.5" width="6" height="6" fill="var(--a-raised)" />
      </svg>
    </span>
  );
}
