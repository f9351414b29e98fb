import { ActionIcon, Button, Loader } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Exchange } from '../../../shared/agent/api.ts';
import { useApp } from '../app-context.tsx';
import { TabBar } from '../frame/tab-bar.tsx';
import { copyText } from '../notice/copy-text.ts';
import { FailureNote } from '../notice/failure-note.tsx';
import { useLive } from '../state/live.ts';
import { BodyView } from './body-view.tsx';
import { toCurl } from './to-curl.ts';
import { took } from './traffic-list.tsx';
import { useTraffic } from './traffic-store.ts';

type Part = 'request' | 'response' | 'way';

const parts = [
  { id: 'request', label: 'Request' },
  { id: 'response', label: 'Response' },
  { id: 'way', label: 'Way' },
] as const satisfies readonly { id: Part; label: string }[];

/** One exchange: both heads and bodies, and the way it took. */
export function ExchangeDetail({ id }: { id: string }) {
  const { bridge } = useApp();
  const [part, setPart] = useState<Part>('request');
  const summary = useLive((state) => state.exchanges.find((one) => one.id === id));
  const origin = useLive(
    (state) => state.preview?.hosts.find((host) => host.host === summary?.host)?.url ?? state.preview?.hosts[0]?.url,
  );
  const query = useQuery({
    queryKey: ['exchange', id, summary?.seq, summary?.status],
    queryFn: ({ signal }) => bridge.call('trafficGet', { id }, signal),
  });
  const answer = query.data;

  return (
    <section className="pane" aria-label="Request detail">
      <TabBar label="Request detail" tabs={parts} active={part} onChange={setPart}>
        {answer?.ok && (
          <Button
            size="compact-xs"
            onClick={() =>
              void copyText(toCurl(answer.value, origin ?? `http://${answer.value.host}`), 'curl command copied')
            }
          >
            Copy as curl
          </Button>
        )}
        <ActionIcon aria-label="Close the request" onClick={() => useTraffic.setState({ selected: null })}>
          <span aria-hidden>×</span>
        </ActionIcon>
      </TabBar>
      <div className="pane-body scroll" role="tabpanel" aria-label={part} tabIndex={0}>
        {query.isPending && <Loader size="sm" m="md" aria-label="Loading the request" />}
        {answer && !answer.ok && (
          <div className="padded">
            <FailureNote failure={answer.error} />
          </div>
        )}
        {answer?.ok && <PartView part={part} exchange={answer.value} />}
      </div>
    </section>
  );
}

function PartView({ part, exchange }: { part: Part; exchange: Exchange }) {
  if (part === 'way') return <Way exchange={exchange} />;
  const half = part === 'request' ? exchange.request : exchange.response;
  if (!half) {
    return (
      <div className="empty">
        <p>{exchange.status === undefined ? 'No answer yet.' : 'The answer was not kept.'}</p>
        {exchange.error !== undefined && <p className="bad">{exchange.error}</p>}
      </div>
    );
  }
  const type = half.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  return (
    <div className="exchange-half mono">
      <div className="exchange-start">
        {part === 'request'
          ? `${exchange.method} ${exchange.target}`
          : `${exchange.status ?? '…'}${exchange.verdict === undefined ? '' : ` (${exchange.verdict}, answered by the gateway)`}`}
      </div>
      {half.headers.map(([name, value], at) => (
        // Names may come more than once; the order never changes.
        <div key={`${at}${name}`} className="header-line">
          <span className="dim">{name}:</span> {value}
        </div>
      ))}
      <BodyView body={half.body} contentType={type} />
    </div>
  );
}

function Way({ exchange }: { exchange: Exchange }) {
  const fields: [string, string | undefined][] = [
    ['Started', new Date(exchange.startedAt).toLocaleString()],
    ['Took', exchange.tookMs === undefined ? undefined : took(exchange.tookMs)],
    ['Host', exchange.host],
    ['Link', exchange.broker],
    ['Try', String(exchange.attempt)],
    ['Route', exchange.route],
    ['API', exchange.api],
    ['Application', exchange.application],
    ['Plan', exchange.plan],
    ['Verdict', exchange.verdict],
    ['Upstream', exchange.upstream],
    ['Trace', exchange.traceId],
    ['Sent', `${exchange.requestBytes} bytes`],
    ['Received', `${exchange.responseBytes} bytes`],
    ['Error', exchange.error],
  ];
  return (
    <dl className="fields padded">
      {fields.map(
        ([name, value]) =>
          value !== undefined && (
            <div key={name} className="field">
              <dt>{name}</dt>
              <dd className="mono">{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
