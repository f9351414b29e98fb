import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { DryRunResult, ModelObject } from '../../../shared/contract/contract.ts';
import type { Result } from '../../../shared/result/result.ts';
import { useApp } from '../app-context.tsx';
import { DryRunList } from '../kube/dry-run-list.tsx';
import { FailureNote } from '../notice/failure-note.tsx';
import { useLive } from '../state/live.ts';
import { keyOfRef } from '../state/model-index.ts';

/** What differs from the cluster and who owns it there; whether the API server would accept the file. */
export function ClusterState({ object }: { object: ModelObject }) {
  const context = useLive((state) => (state.kube?.state === 'connected' ? state.kube.context : undefined));
  if (context === undefined) {
    return (
      <div className="block">
        <h3>In the cluster</h3>
        <p className="dim">No context is connected.</p>
      </div>
    );
  }
  return (
    <div className="block">
      <h3>In {context}</h3>
      {object.state === 'same' && <p className="dim">The same as in the file.</p>}
      {object.state === 'file' && <p className="dim">Not in the cluster.</p>}
      {(object.state === 'drifted' || object.state === 'broken') && <Drift object={object} />}
      {object.file !== undefined && <DryRun key={keyOfRef(object.ref)} path={object.file} />}
    </div>
  );
}

function Drift({ object }: { object: ModelObject }) {
  const { bridge } = useApp();
  const revision = useLive((state) => state.model.revision);
  const query = useQuery({
    queryKey: ['drift', object.id, revision],
    queryFn: ({ signal }) => bridge.call('kubeDrift', { id: object.id }, signal),
    placeholderData: (before) => before,
  });
  const answer = query.data;
  if (!answer) return <p className="dim">Comparing…</p>;
  if (!answer.ok) return <FailureNote failure={answer.error} />;
  const { fields } = answer.value;
  if (fields.length === 0)
    return <p className="dim">{answer.value.live === null ? 'Not in the cluster.' : 'No field differs.'}</p>;
  return (
    <ul className="plain-list drift" aria-label="Fields that differ">
      {fields.map((field) => (
        <li key={field.path} className="drift-field mono">
          <div className="dim wrap">{field.path}</div>
          <div className="bad wrap">
            <span title="in the cluster">− </span>
            {field.live ?? 'not set in the cluster'}
          </div>
          <div className="ok wrap">
            <span title="in the file">+ </span>
            {field.file ?? 'not set in the file'}
          </div>
          {field.owner !== undefined && <div className="dim small wrap">owner: {field.owner}</div>}
        </li>
      ))}
    </ul>
  );
}

function DryRun({ path }: { path: string }) {
  const { bridge, buffers } = useApp();
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Result<{ results: DryRunResult[] }> | null>(null);

  async function run(): Promise<void> {
    setBusy(true);
    await buffers.handOver(path);
    setAnswer(await bridge.call('kubeDryRun', { path }));
    setBusy(false);
  }

  return (
    <div className="dry-run">
      <Button
        loading={busy}
        onClick={() => void run()}
        title={`Asks the API server whether it would accept ${path}; nothing is changed`}
      >
        Dry run
      </Button>
      {answer && !answer.ok && <FailureNote failure={answer.error} />}
      {answer?.ok && <DryRunList path={path} results={answer.value.results} />}
    </div>
  );
}
