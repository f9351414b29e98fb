import { ActionIcon } from '@mantine/core';
import { ChangesPanel } from '../commit/changes-panel.tsx';
import { Inspector } from '../inspector/inspector.tsx';
import { ProblemsPanel } from '../problems/problems-panel.tsx';
import { AgentPanel } from '../preview/agent-panel.tsx';
import { TrafficPanel } from '../traffic/traffic-panel.tsx';
import { useLayout, type BottomTab } from '../state/layout.ts';
import { useWide } from './use-wide.ts';
import { useLive } from '../state/live.ts';
import { PanelBoundary } from './panel-boundary.tsx';
import { TabBar } from './tab-bar.tsx';

const panels = {
  problems: ProblemsPanel,
  changes: ChangesPanel,
  traffic: TrafficPanel,
  agent: AgentPanel,
  inspector: Inspector,
} as const;
const names = {
  problems: 'Problems',
  changes: 'Changes',
  traffic: 'Traffic',
  agent: 'Agent',
  inspector: 'Inspector',
} as const satisfies Record<BottomTab, string>;

export function BottomPanel() {
  const wide = useWide();
  const chosen = useLayout((state) => state.bottom);
  const tab = wide && chosen === 'inspector' ? 'problems' : chosen;
  const problems = useLive((state) => state.model.diagnostics.length);
  const errors = useLive((state) => state.model.diagnostics.some((one) => one.severity === 'error'));
  const changes = useLive((state) => state.git?.changes.length ?? 0);
  const requests = useLive((state) => state.exchanges.length);
  const Shown = panels[tab];
  return (
    <section className="pane" aria-label="Lower panel">
      <TabBar
        label="Lower panel"
        active={tab}
        onChange={(bottom) => useLayout.setState({ bottom })}
        tabs={[
          {
            id: 'problems',
            label: names.problems,
            ...(problems > 0 ? { count: <span className={errors ? 'bad' : ''}>{problems}</span> } : {}),
          },
          { id: 'changes', label: names.changes, ...(changes > 0 ? { count: changes } : {}) },
          { id: 'traffic', label: names.traffic, ...(requests > 0 ? { count: shortCount(requests) } : {}) },
          { id: 'agent', label: names.agent },
          ...(wide ? [] : [{ id: 'inspector' as const, label: names.inspector }]),
        ]}
      >
        <ActionIcon aria-label="Hide the lower panel" onClick={() => useLayout.setState({ bottomOpen: false })}>
          <span aria-hidden>×</span>
        </ActionIcon>
      </TabBar>
      <div className="pane-body" role="tabpanel" aria-label={names[tab]}>
        <PanelBoundary key={tab} name={names[tab]}>
          <Shown />
        </PanelBoundary>
      </div>
    </section>
  );
}

function shortCount(n: number): string {
  return n < 1000 ? String(n) : `${(n / 1000).toFixed(1)}k`;
}
