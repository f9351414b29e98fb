import { keyName } from '../palette/key-name.ts';
import { showBottom, useLayout } from '../state/layout.ts';
import { useWide } from './use-wide.ts';

/** Shows and hides the panels around the centre. */
export function PanelToggles() {
  const { bottomOpen, inspectorOpen } = useLayout();
  const wide = useWide();
  return (
    <span className="panel-toggles">
      <Toggle
        label="Lower panel"
        keys="mod+J"
        on={bottomOpen}
        path="M2 3h12v10H2zM2 9.5h12"
        onClick={() => useLayout.setState({ bottomOpen: !bottomOpen })}
      />
      <Toggle
        label="Inspector"
        keys="mod+I"
        on={inspectorOpen && wide}
        path="M2 3h12v10H2zM10 3v10"
        onClick={() => (wide ? useLayout.setState({ inspectorOpen: !inspectorOpen }) : showBottom('inspector'))}
      />
    </span>
  );
}

function Toggle({
  label,
  keys,
  on,
  path,
  onClick,
}: {
  label: string;
  keys: string;
  on: boolean;
  path: string;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      className="panel-toggle"
      aria-label={label}
      aria-pressed={on}
      title={`${label} (${keyName(keys)})`}
      onClick={onClick}
    >
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden focusable="false">
        <path d={path} fill="none" stroke="currentColor" strokeWidth="1.3" />
      </svg>
    </button>
  );
}
