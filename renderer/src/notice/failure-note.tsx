import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { copyText } from './copy-text.ts';

interface FailureWords {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly detail?: string | undefined;
}

/** A failure inside a panel or dialog, where it stays until the cause is gone. */
export function FailureNote({ failure, children }: { failure: FailureWords; children?: ReactNode }) {
  const { detail } = failure;
  return (
    <div className="failure-note" role="alert">
      <strong>{failure.message}</strong>
      {failure.hint !== undefined && <div>{failure.hint}</div>}
      {detail !== undefined && (
        // Scrollable content needs the keyboard to reach it.
        <pre className="failure-detail" tabIndex={0}>
          {detail}
        </pre>
      )}
      <div className="row-actions">
        {detail !== undefined && (
          <Button size="compact-xs" onClick={() => void copyText(detail)}>
            Copy detail
          </Button>
        )}
        {children}
      </div>
    </div>
  );
}
