import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Bridge } from '../../shared/contract/contract.ts';
import { AppContext, type App } from './app-context.tsx';
import { SignedOut, useSignedOut } from './bridge/signed-out.tsx';
import { createBuffers } from './editor/buffers.ts';
import { PanelBoundary } from './frame/panel-boundary.tsx';
import { Window } from './frame/window.tsx';
import { attachLive } from './state/attach-live.ts';
import { useLive } from './state/live.ts';
import { mantineTheme, tokenVariables } from './theme/mantine-theme.ts';

/** Everything below one bridge, whatever the shell. */
export function Root({ bridge }: { bridge: Bridge }) {
  const [app] = useState<App>(() => ({ bridge, buffers: createBuffers(bridge) }));
  const [queries] = useState(
    () => new QueryClient({ defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false } } }),
  );
  const signedOut = useSignedOut((state) => state.signedOut);

  useEffect(() => {
    const stops = [
      attachLive(bridge),
      bridge.on('fileChanged', ({ path, version }) => void app.buffers.changedOutside(path, version)),
      useLive.subscribe((state, before) => {
        if (before.workspace && state.workspace?.dir !== before.workspace.dir) {
          app.buffers.closeAll();
          queries.clear();
        }
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [bridge, app, queries]);

  return (
    <MantineProvider theme={mantineTheme} cssVariablesResolver={tokenVariables} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <AppContext value={app}>
          <aside aria-label="Messages">
            <Notifications position="bottom-right" limit={4} zIndex={400} withinPortal={false} />
          </aside>
          <PanelBoundary name="The window">{signedOut ? <SignedOut /> : <Window />}</PanelBoundary>
        </AppContext>
      </QueryClientProvider>
    </MantineProvider>
  );
}
