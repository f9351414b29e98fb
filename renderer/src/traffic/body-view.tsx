import { SegmentedControl } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { Exchange } from '../../../shared/agent/api.ts';
import { decodeBytes, decodeText, hexDump, prettyJson } from './decode-body.ts';

type Form = 'json' | 'text' | 'hex';

/** The kept start of a body in the form that fits it best, or another one. */
export function BodyView({
  body,
  contentType,
}: {
  body: Exchange['request']['body'];
  contentType: string | undefined;
}) {
  const forms = useMemo(() => {
    const text = decodeText(body.data);
    const json = text === undefined ? undefined : prettyJson(text);
    return { json, text, hex: hexDump(decodeBytes(body.data)) };
  }, [body.data]);
  const possible = (['json', 'text', 'hex'] as const).filter((form) => forms[form] !== undefined);
  const [chosen, setChosen] = useState<Form | null>(null);
  const form = chosen !== null && possible.includes(chosen) ? chosen : (possible[0] ?? 'hex');

  if (body.bytes === 0) return <div className="dim body-none">no body</div>;
  return (
    <div className="body-view">
      <div className="body-bar">
        <span className="dim small">
          {contentType ?? 'no content type'}, {body.bytes} bytes{body.truncated ? ', only the start was kept' : ''}
        </span>
        <SegmentedControl<Form>
          size="xs"
          aria-label="Form of the body"
          data={possible.map((value) => ({ value, label: value === 'json' ? 'JSON' : value }))}
          value={form}
          onChange={setChosen}
        />
      </div>
      <pre className="body-text">{forms[form]}</pre>
    </div>
  );
}
