import { Button, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { Group, Panel, Separator, useDefaultLayout } from 'react-resizable-panels';
import { useApp } from '../app-context.tsx';
import { showFailure } from '../notice/show-failure.tsx';
import { useLive } from '../state/live.ts';
import { ExchangeDetail } from './exchange-detail.tsx';
import { trafficFilter } from './filter-traffic.ts';
import { TrafficList } from './traffic-list.tsx';
import { useTraffic } from './traffic-store.ts';

/** The requests that the preview answered, newest first. */
export function TrafficPanel() {
  const { bridge } = useApp();
  const live = useLive((state) => state.exchanges);
  const { filter, paused, selected } = useTraffic();
  const [held, setHeld] = useState(live);
  const exchanges = paused ? held : live;
  const shown = useMemo(() => exchanges.filter(trafficFilter(filter)).reverse(), [exchanges, filter]);
  const layout = useDefaultLayout({ id: 'adit-traffic' });

  async function clear(): Promise<void> {
    const answer = await bridge.call('trafficClear', {});
    if (!answer.ok) {
      showFailure(answer.error);
      return;
    }
    useLive.setState({ exchanges: [] });
    useTraffic.setState({ selected: null, paused: false });
  }

  return (
    <div className="traffic">
      <div className="mini-bar" role="toolbar" aria-label="Traffic">
        <TextInput
          className="traffic-filter"
          aria-label="Filter requests"
          placeholder="status:5xx  method:post  /path  app:name"
          value={filter}
          onChange={(event) => useTraffic.setState({ filter: event.currentTarget.value })}
        />
        {filter !== '' && (
          <span className="dim small">
            {shown.length} of {exchanges.length}
          </span>
        )}
        <span className="grow" />
        <Button
          size="compact-xs"
          aria-pressed={paused}
          onClick={() => {
            setHeld(live);
            useTraffic.setState({ paused: !paused });
          }}
        >
          {paused ? `Go on (${live.length - held.length} new)` : 'Pause'}
        </Button>
        <Button size="compact-xs" disabled={exchanges.length === 0} onClick={() => void clear()}>
          Clear
        </Button>
      </div>
      {shown.length === 0 ? (
        <div className="empty">
          <p>{exchanges.length === 0 ? 'No requests yet.' : 'No request matches the filter.'}</p>
          {exchanges.length === 0 && (
            <p className="dim">Start the preview and call its address; each request appears here as it comes.</p>
          )}
        </div>
      ) : (
        <Group orientation="horizontal" className="traffic-body" {...(selected === null ? {} : layout)}>
          <Panel id="requests" minSize="30%">
            <TrafficList exchanges={shown} />
          </Panel>
          {selected !== null && <Separator className="handle" aria-label="Width of the request" />}
          {selected !== null && (
            <Panel id="request" minSize="240px" defaultSize="38%">
              <ExchangeDetail id={selected} />
            </Panel>
          )}
        </Group>
      )}
    </div>
  );
}
