import { Button } from '@mantine/core';
import { LinkMark } from '../preview/link-mark.tsx';
import { PreviewAddress } from '../preview/preview-address.tsx';
import { useLinks } from '../preview/use-links.ts';
import { showBottom } from '../state/layout.ts';
import { useLive } from '../state/live.ts';
import { PanelToggles } from './panel-toggles.tsx';
import { AppliedTime } from './applied-time.tsx';

export function StatusBar() {
  const preview = useLive((state) => state.preview);
  const diagnostics = useLive((state) => state.model.diagnostics);
  const workspace = useLive((state) => state.workspace);
  const rendering = useLive((state) => state.model.rendering);
  const links = useLinks();
  const errors = diagnostics.filter((one) => one.severity === 'error').length;
  const warnings = diagnostics.filter((one) => one.severity === 'warning').length;
  const url = preview?.hosts[0]?.url;

  return (
    <footer className="status-bar" aria-label="Status">
      {links.map((link) => (
        <span
          key={link.broker}
          className="status-link"
          title={`${link.broker}: ${link.state}${link.error === undefined ? '' : `, ${link.error}`}`}
        >
          <LinkMark state={link.state} />
          <span className="ellipsis">{link.broker}</span>
          {link.rttMs !== undefined && <span className="mono dim">{Math.round(link.rttMs)} ms</span>}
          {link.rttMs === undefined && link.state !== 'up' && <span className="dim">{link.state}</span>}
        </span>
      ))}
      {url !== undefined && preview?.state !== 'off' && <PreviewAddress url={url} />}
      {workspace && links.length === 0 && <span className="dim">No preview runs</span>}
      {preview?.control.url !== undefined && !preview.control.reachable && (
        <span className="warn status-control" title={preview.control.error}>
          △ control plane away<span className="status-more">, the preview goes on</span>
        </span>
      )}
      <span className="grow" />
      {rendering && (
        <span className="dim status-rendering" role="status">
          Rendering overlays and charts…
        </span>
      )}
      {workspace && (
        <Button size="compact-xs" variant="subtle" color="gray" onClick={() => showBottom('problems')}>
          {errors + warnings === 0 ? 'No problems' : `${count(errors, 'error')}, ${count(warnings, 'warning')}`}
        </Button>
      )}
      {preview?.config.refused !== undefined && (
        <span className="bad ellipsis" title={preview.config.refused}>
          ▲ some manifests refused
        </span>
      )}
      {preview?.config.appliedAt !== undefined && preview.state !== 'off' && (
        <span className="status-time">
          <AppliedTime key={preview.config.appliedAt} at={preview.config.appliedAt} />
        </span>
      )}
      {workspace && <PanelToggles />}
    </footer>
  );
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}
