import { Button } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import { FailureNote } from '../notice/failure-note.tsx';

interface Props {
  readonly name: string;
  readonly children: ReactNode;
}

/** A panel that fails shows why and a way back; the others go on. */
export class PanelBoundary extends Component<Props, { readonly error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="padded">
        <FailureNote
          failure={{
            message: `${this.props.name} failed: ${error.message}`,
            hint: 'The other panels go on; your text is safe.',
            detail: error.stack,
          }}
        >
          <Button size="compact-xs" onClick={() => this.setState({ error: null })}>
            Show it again
          </Button>
        </FailureNote>
      </div>
    );
  }
}
