import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AgentError } from '../errors.ts';
import { guardedLookup } from './address-guard.ts';
import { UpstreamConnection } from './upstream-connection.ts';
import type { UpstreamTarget } from './upstream-target.ts';

export interface Dial {
  cancel(): void;
}

/** Calls back once, with a connection that is ready, unless cancelled before. */
export function dialUpstream(
  target: UpstreamTarget,
  timeoutMs: number,
  done: (result: UpstreamConnection | AgentError) => void,
): Dial {
  const { hostname: host, port, secure } = target;
  const options = { host, port, lookup: guardedLookup, autoSelectFamily: true, noDelay: true, allowHalfOpen: true };
  const socket: Socket = secure
    ? connectTls({ ...options, ...(isIP(host) === 0 ? { servername: host } : {}), ALPNProtocols: ['http/1.1'] })
    : connect(options);
  const timer = setTimeout(
    () => settle(new AgentError('upstream-timeout', `${target.origin}: no connection within ${timeoutMs} ms.`)),
    timeoutMs,
  );
  const ready = secure ? 'secureConnect' : 'connect';
  let settled = false;

  const onReady = (): void => settle(undefined);
  const onError = (error: Error): void => settle(unreachable(target, error));
  const onClose = (): void =>
    settle(new AgentError('upstream-unreachable', `${target.origin}: the connection was closed at once.`));
  socket.once(ready, onReady);
  socket.on('error', onError);
  socket.once('close', onClose);

  function settle(error: AgentError | undefined): void {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    socket.off(ready, onReady);
    socket.off('close', onClose);
    if (error === undefined) {
      const connection = new UpstreamConnection(socket, target);
      socket.off('error', onError);
      done(connection);
    } else {
      socket.destroy();
      done(error);
    }
  }

  return {
    cancel() {
      if (settled) return;
      settled = true;
      clearTimeout(timer);
      socket.destroy();
    },
  };
}

function unreachable(target: UpstreamTarget, error: Error): AgentError {
  if (error instanceof AgentError) return error;
  const reason =
    error instanceof AggregateError
      ? error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ')
      : error.message;
  return new AgentError('upstream-unreachable', `${target.origin}: ${reason}.`, { cause: error });
}
