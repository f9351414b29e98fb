import { Button } from '@mantine/core';
import { useState } from 'react';
import { useApp } from '../app-context.tsx';
import { FailureNote } from '../notice/failure-note.tsx';
import { useLive } from '../state/live.ts';
import { LinkMark } from './link-mark.tsx';
import { togglePreview } from './toggle-preview.ts';
import { useLinks } from './use-links.ts';

/** What runs the preview: the agent's process, its links, its configuration. */
export function AgentPanel() {
  const { bridge } = useApp();
  const preview = useLive((state) => state.preview);
  const links = useLinks();
  const [busy, setBusy] = useState(false);

  if (!preview || preview.state === 'off') {
    return (
      <div className="empty">
        <p>The agent does not run.</p>
        <p className="dim">It serves the preview from this machine; start the preview to start it.</p>
        <Button
          loading={busy}
          onClick={() => {
            setBusy(true);
            void togglePreview(bridge).finally(() => setBusy(false));
          }}
        >
          Start preview
        </Button>
      </div>
    );
  }
  return (
    // Scrollable content needs the keyboard to reach it.
    <div className="agent-panel" tabIndex={0} role="group" aria-label="Agent details">
      {preview.agent.lastError !== undefined && (
        <FailureNote failure={{ message: 'Last error of the agent', detail: preview.agent.lastError }} />
      )}
      <dl className="fields">
        <dt>Process</dt>
        <dd>{preview.agent.running ? `runs, process ${preview.agent.pid ?? '?'}` : 'does not run'}</dd>
        <dt>Control plane</dt>
        <dd>
          {preview.control.url ?? 'none'}
          {preview.control.url !== undefined &&
            (preview.control.reachable ? ', answers' : `, away: ${preview.control.error ?? 'no answer'}`)}
        </dd>
        <dt>Configuration</dt>
        <dd>
          revision {preview.config.revision}, {preview.config.routes} routes
          {preview.config.refused !== undefined && <div className="bad">{preview.config.refused}</div>}
        </dd>
        {preview.leaseExpiresAt !== undefined && (
          <>
            <dt>Lease until</dt>
            <dd>{new Date(preview.leaseExpiresAt).toLocaleString()}</dd>
          </>
        )}
      </dl>
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">Link</th>
            <th scope="col">Region</th>
            <th scope="col">State</th>
            <th scope="col">Round trip</th>
            <th scope="col">Public address</th>
            <th scope="col">Tunnel</th>
            <th scope="col">Last error</th>
          </tr>
        </thead>
        <tbody className="mono">
          {links.map((link) => (
            <tr key={link.broker}>
              <td>
                <LinkMark state={link.state} /> {link.broker}
              </td>
              <td>{link.region}</td>
              <td>{link.state}</td>
              <td>{link.rttMs === undefined ? '' : `${link.rttMs.toFixed(1)} ms`}</td>
              <td>{link.address}</td>
              <td>{link.tunnel}</td>
              <td>{link.error ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
