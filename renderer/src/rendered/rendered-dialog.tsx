import { Button, Loader, Modal } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useApp } from '../app-context.tsx';
import { TextView } from '../editor/text-view.tsx';
import { copyText } from '../notice/copy-text.ts';
import { FailureNote } from '../notice/failure-note.tsx';
import { closeDialog } from '../state/dialogs.ts';
import { useLive } from '../state/live.ts';
import { renderedWords } from './rendered-words.ts';

/** Of the text below it, so that a short one has a small window. */
const LINE_PX = 19;

/** What a program made: one object as the cluster would get it, kept up to date while it is looked at. */
export function RenderedDialog({ id }: { id: string }) {
  const { bridge } = useApp();
  const object = useLive((state) => state.model.objects.find((one) => one.id === id));
  const revision = useLive((state) => state.model.revision);
  const query = useQuery({
    queryKey: ['rendered', id, revision],
    queryFn: ({ signal }) => bridge.call('modelRendered', { id }, signal),
    placeholderData: (before) => before,
  });
  const answer = query.data;
  const text = answer?.ok ? answer.value.text : null;
  return (
    <Modal
      opened
      onClose={closeDialog}
      title={object === undefined ? 'Rendered object' : `${object.ref.kind} ${object.ref.name}`}
      size="min(860px, 94vw)"
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <p className="dim">
        {object?.rendered === undefined
          ? 'It is not rendered any more.'
          : `Read-only: ${renderedWords(object.rendered)}. Change it in its source.`}
      </p>
      {!answer && <Loader size="sm" m="md" aria-label="Loading what was rendered" />}
      {answer && !answer.ok && <FailureNote failure={answer.error} />}
      {text !== null && (
        <>
          <div className="rendered-text" style={{ height: (text.split('\n').length + 1) * LINE_PX }}>
            <TextView text={text} label="What was rendered, read-only" />
          </div>
          <div className="dialog-foot">
            <Button onClick={() => void copyText(text)}>Copy</Button>
            <Button variant="filled" onClick={closeDialog}>
              Close
            </Button>
          </div>
        </>
      )}
    </Modal>
  );
}
