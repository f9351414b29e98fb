import { Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import type { Failure } from '../../../shared/result/result.ts';
import { copyText } from './copy-text.ts';

/** Says what happened, to what, and what to do next; the words of other programs can be copied. */
export function showFailure(failure: Failure): void {
  const { detail } = failure;
  notifications.show({
    id: `${failure.code}:${failure.message}`,
    color: 'bad',
    title: failure.message,
    autoClose: 12_000,
    withBorder: true,
    closeButtonProps: { 'aria-label': 'Close message' },
    message: (
      <div className="failure">
        {failure.hint !== undefined && <div>{failure.hint}</div>}
        {detail !== undefined && (
          <>
            <pre className="failure-detail">{detail}</pre>
            <Button size="compact-xs" onClick={() => void copyText(detail)}>
              Copy detail
            </Button>
          </>
        )}
      </div>
    ),
  });
}
