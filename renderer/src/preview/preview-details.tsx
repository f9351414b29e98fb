import { Button } from '@mantine/core';
import { FailureNote } from '../notice/failure-note.tsx';
import { useLive } from '../state/live.ts';
import { LinkMark } from './link-mark.tsx';
import { PreviewAddress } from './preview-address.tsx';
import { useLinks } from './use-links.ts';

/** Each link's state, the addresses, and what to do when something is wrong. */
export function PreviewDetails({ busy, onToggle }: { busy: boolean; onToggle: () => void }) {
  const preview = useLive((state) => state.preview);
  const links = useLinks();
  const off = !preview || preview.state === 'off';

  return (
    <div className="preview-details">
      {preview?.error && <FailureNote failure={preview.error} />}
      {preview?.agent.lastError !== undefined && !preview.agent.running && !off && (
        <FailureNote
          failure={{
            message: 'The agent stopped.',
            hint: 'It is started again; the detail is its last line.',
            detail: preview.agent.lastError,
          }}
        />
      )}
      {preview?.config.refused !== undefined && (
        <div className="note warn">
          <strong>What has errors does not serve.</strong> Its last good version goes on. {preview.config.refused}
        </div>
      )}
      {preview && !off && preview.control.url !== undefined && !preview.control.reachable && (
        <div className="note warn">
          <strong>The control plane is away.</strong> The preview goes on
          {preview.leaseExpiresAt === undefined
            ? ''
            : ` until its lease ends at ${new Date(preview.leaseExpiresAt).toLocaleTimeString()}`}
          .{preview.control.error !== undefined && ` It said last: ${preview.control.error}.`}
        </div>
      )}
      {!off &&
        preview?.hosts.map((host) => (
          <div key={host.host}>
            <PreviewAddress url={host.url} />
            {host.stands !== null && <div className="dim small">stands for {host.stands}</div>}
          </div>
        ))}
      {!off && preview?.hosts.some((host) => byDevelopmentCa(host.url)) && (
        <div className="dim small">
          Signed by the development CA of this machine: <code>adit ca</code> says how a browser comes to trust it.
        </div>
      )}
      {links.length > 0 && (
        <ul className="link-list" aria-label="Links to brokers">
          {links.map((link) => (
            <li key={link.broker}>
              <LinkMark state={link.state} />
              <span className="strong">{link.broker}</span>
              <span className="dim ellipsis">{link.region}</span>
              <span className="mono dim link-rtt">
                {link.rttMs === undefined ? link.state : `${Math.round(link.rttMs)} ms`}
              </span>
              {link.error !== undefined && (
                <span className="link-error small">
                  {link.error}
                  {link.retryAt !== undefined && `; next try at ${new Date(link.retryAt).toLocaleTimeString()}`}
                </span>
              )}
            </li>
          ))}
        </ul>
      )}
      {off && !busy && (
        <p className="dim">
          A public address that answers as these manifests say, served from this machine through several brokers.
        </p>
      )}
      {!off && (
        <div className="dim small">
          {preview.config.routes} routes, revision {preview.config.revision}
        </div>
      )}
      <div className="row-actions">
        <Button onClick={onToggle} loading={busy} {...(off ? { variant: 'filled' } : {})}>
          {off ? 'Start preview' : 'Stop preview'}
        </Button>
      </div>
    </div>
  );
}

/** Only that one signs for names that lead to the visitor's own machine. */
function byDevelopmentCa(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return protocol === 'https:' && hostname.endsWith('.localhost');
}
