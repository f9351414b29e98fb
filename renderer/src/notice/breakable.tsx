import { Fragment } from 'react';

/** Text that breaks after its separators before it breaks anywhere: paths of files and fields. */
export function Breakable({ text, after }: { text: string; after: '/' | '.' }) {
  return text.split(after).map((part, at, all) => (
    <Fragment key={at}>
      {part}
      {at < all.length - 1 && (
        <>
          {after}
          <wbr />
        </>
      )}
    </Fragment>
  ));
}
