import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef, type KeyboardEvent } from 'react';
import type { ExchangeSummary } from '../../../shared/agent/api.ts';
import { sizes } from '../theme/tokens.ts';
import { useTraffic } from './traffic-store.ts';

const columns = ['Time', 'Method', 'Path', 'Status', 'Took', 'Application', 'Plan', 'Link', 'Try'] as const;

/** A grid of any length; one row has the focus, arrow keys move and select. */
export function TrafficList({ exchanges }: { exchanges: readonly ExchangeSummary[] }) {
  const selected = useTraffic((state) => state.selected);
  const scroller = useRef<HTMLDivElement>(null);
  // The React compiler, which this rule is for, is not used.
  // oxlint-disable-next-line react/incompatible-library
  const virtual = useVirtualizer({
    count: exchanges.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => sizes.rowPx,
    overscan: 16,
    scrollMargin: sizes.rowPx,
    scrollPaddingStart: sizes.rowPx,
    getItemKey: (at) => exchanges[at]?.id ?? at,
  });
  const selectedAt = exchanges.findIndex((exchange) => exchange.id === selected);

  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      useTraffic.setState({ selected: null });
      return;
    }
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const at = Math.max(0, Math.min(exchanges.length - 1, selectedAt + step));
    const next = exchanges[at];
    if (!next) return;
    useTraffic.setState({ selected: next.id });
    virtual.scrollToIndex(at);
  }

  return (
    <div
      ref={scroller}
      role="grid"
      aria-label="Requests"
      aria-rowcount={exchanges.length + 1}
      className="traffic-grid"
      tabIndex={0}
      onKeyDown={onKeyDown}
      {...(selectedAt >= 0 ? { 'aria-activedescendant': `x-${selected}` } : {})}
    >
      <div role="row" className="traffic-row head" aria-rowindex={1}>
        {columns.map((column) => (
          <span key={column} role="columnheader" className="ellipsis">
            {column}
          </span>
        ))}
      </div>
      <div role="rowgroup" className="traffic-rows" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, key, start }) => {
          const exchange = exchanges[index];
          if (!exchange) return null;
          return (
            <div
              key={key}
              id={`x-${exchange.id}`}
              role="row"
              aria-rowindex={index + 2}
              aria-selected={exchange.id === selected}
              className="traffic-row mono"
              style={{ transform: `translateY(${start - sizes.rowPx}px)` }}
              onClick={() => useTraffic.setState({ selected: exchange.id })}
            >
              <Cells exchange={exchange} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Cells({ exchange }: { exchange: ExchangeSummary }) {
  const { status, tookMs } = exchange;
  return (
    <>
      <Cell text={clock(exchange.startedAt)} dim />
      <Cell text={exchange.method} />
      <Cell text={exchange.target} title={`${exchange.host}${exchange.target}`} />
      <span role="gridcell" className={`ellipsis ${statusClass(status)}`} title={exchange.verdict}>
        {status ?? '…'}
        {exchange.verdict !== undefined && <span className="dim small"> {exchange.verdict}</span>}
      </span>
      <Cell text={tookMs === undefined ? '' : took(tookMs)} />
      <Named id={exchange.application} />
      <Named id={exchange.plan} />
      <Cell text={exchange.broker} />
      <Cell text={String(exchange.attempt)} dim={exchange.attempt === 1} />
    </>
  );
}

function Cell({ text, title, dim }: { text: string; title?: string; dim?: boolean }) {
  return (
    <span role="gridcell" className={dim ? 'ellipsis dim' : 'ellipsis'} title={title ?? text}>
      {text}
    </span>
  );
}

/** `NAMESPACE/NAME`: the name tells them apart in nearly every workspace; the title has both. */
function Named({ id = '' }: { id?: string | undefined }) {
  return <Cell text={id.slice(id.lastIndexOf('/') + 1)} title={id} />;
}

export function statusClass(status: number | undefined): string {
  if (status === undefined) return 'dim';
  return status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'ok';
}

export function took(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function clock(iso: string): string {
  const date = new Date(iso);
  const part = (n: number, digits = 2): string => String(n).padStart(digits, '0');
  return `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}.${part(date.getMilliseconds(), 3)}`;
}
