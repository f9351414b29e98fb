import { Loader, Popover } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useApp } from '../app-context.tsx';
import { FailureNote } from '../notice/failure-note.tsx';
import { useLive } from '../state/live.ts';
import { moveInList } from '../tree/move-in-list.ts';
import { setContext } from './set-context.ts';

const marks = { off: '○', connecting: '◌', connected: '●', failed: '▲' } as const;
const colours = { off: 'dim', connecting: 'info', connected: 'ok', failed: 'bad' } as const;

/** The clusters of the kubeconfig; only a chosen one is ever talked to. */
export function ContextMenu() {
  const { bridge } = useApp();
  const [open, setOpen] = useState(false);
  const kube = useLive((state) => state.kube);
  const state = kube?.state ?? 'off';
  const query = useQuery({
    queryKey: ['contexts'],
    queryFn: ({ signal }) => bridge.call('kubeContexts', {}, signal),
    enabled: open,
    staleTime: 0,
  });
  const answer = query.data;

  return (
    <Popover opened={open} onChange={setOpen} position="bottom-start" width={400} trapFocus returnFocus>
      <Popover.Target>
        <button
          type="button"
          className="pick"
          aria-haspopup="dialog"
          aria-expanded={open}
          title={kube?.context}
          onClick={() => setOpen((was) => !was)}
        >
          <span className="dim">context</span>
          {state !== 'off' && (
            <span aria-hidden className={`state-mark ${colours[state]}`}>
              {marks[state]}
            </span>
          )}
          <span className="ellipsis">{kube?.context ?? 'none'}</span>
          <span className="unseen">{state}</span>
          <span aria-hidden className="dim">
            ▾
          </span>
        </button>
      </Popover.Target>
      <Popover.Dropdown p={0} aria-label="Contexts">
        <div className="menu-panel">
          {kube?.error && (
            <div className="padded">
              <FailureNote failure={kube.error} />
            </div>
          )}
          {kube?.state === 'connected' && (
            <div className="padded dim small">
              {kube.serverVersion !== undefined && `Kubernetes ${kube.serverVersion}; `}
              {kube.liveSchemas ? 'schemas are those of the cluster' : 'schemas are the bundled ones'}
            </div>
          )}
          {kube !== undefined && kube.unreadable.length > 0 && (
            <div className="padded">
              <div className="note warning">
                <strong>Some kinds cannot be read; the rest works.</strong>
                {kube.unreadable.map((one) => (
                  <div key={one.kind} className="wrap">
                    <span className="mono">{one.kind}</span>: {one.reason}
                  </div>
                ))}
              </div>
            </div>
          )}
          {query.isPending && <Loader size="sm" m="sm" aria-label="Reading the kubeconfig" />}
          {answer && !answer.ok && (
            <div className="padded">
              <FailureNote failure={answer.error} />
            </div>
          )}
          {answer?.ok && answer.value.contexts.length === 0 && (
            <div className="empty">
              <p>No contexts found.</p>
              {(answer.value.messages ?? []).length === 0 && (
                <p className="dim wrap">
                  Looked in {answer.value.files.join(', ') || '$KUBECONFIG and ~/.kube/config'}.
                </p>
              )}
            </div>
          )}
          {answer?.ok && (answer.value.messages ?? []).length > 0 && (
            <div className="padded">
              <div className="note warning">
                {answer.value.messages?.map((message) => (
                  <div key={message} className="wrap">
                    {message}
                  </div>
                ))}
              </div>
            </div>
          )}
          {answer?.ok && answer.value.contexts.length === 0 && (
            <p className="padded dim wrap">
              Set KUBECONFIG or write the file, then open this menu again; everything but the cluster's state works
              without one.
            </p>
          )}
          {answer?.ok && answer.value.contexts.length > 0 && (
            <ul className="plain-list scroll context-list" aria-label="Contexts" onKeyDown={moveInList}>
              {answer.value.contexts.map((context) => {
                const chosen = context.name === kube?.context && state !== 'off';
                return (
                  <li key={context.name}>
                    <button
                      type="button"
                      className="list-row tall"
                      aria-pressed={chosen}
                      title={`${context.name}\n${context.server}\nuser ${context.user}`}
                      onClick={() => void setContext(bridge, context.name)}
                    >
                      <span className={`state-mark ${chosen ? colours[state] : 'dim'}`} aria-hidden>
                        {chosen ? marks[state] : '○'}
                      </span>
                      <span className="two-lines">
                        <span className="ellipsis">{context.name}</span>
                        <span className="dim small mono ellipsis">{context.server}</span>
                      </span>
                      {context.name === answer.value.current && (
                        <span className="tree-kind">current in kubeconfig</span>
                      )}
                    </button>
                  </li>
                );
              })}
            </ul>
          )}
          {state !== 'off' && (
            <div className="menu-foot">
              <button type="button" className="list-row" onClick={() => void setContext(bridge, null)}>
                {state === 'connecting' ? 'Cancel' : 'Disconnect'}
              </button>
            </div>
          )}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
