import type { PreviewEvent } from '../shared/process/lines.ts';
import { assertNever } from '../shared/result/result.ts';

/** One line for people on standard error. */
export function tellEvent(event: PreviewEvent): void {
  const text = words(event);
  process.stderr.write(`${text}\n`);
}

function words(event: PreviewEvent): string {
  switch (event.event) {
    case 'session-up':
      return `● ${event.broker} up${event.rttMs === undefined ? '' : ` (${event.rttMs.toFixed(1)} ms)`}`;
    case 'session-down':
      return `○ ${event.broker} down: ${event.reason}; next try in ${Math.round(event.retryInMs)} ms`;
    case 'host-removed':
      return `▲ ${event.broker} does not serve ${event.host}: ${event.reason}`;
    case 'config-applied':
      return `✓ revision ${event.revision} serves: ${event.routes} routes, ${event.tookMs.toFixed(0)} ms`;
    case 'config-refused':
      return `▲ what has errors is not taken over, its last good version serves on: ${event.errors} errors; ${event.message}`;
    case 'control-unreachable':
      return `○ control plane unreachable, the preview serves on: ${event.message}`;
    case 'control-reachable':
      return '● control plane reachable again';
    case 'token-expired':
      return `▲ the preview is off: ${event.message}`;
    case 'child-exited':
      return `○ ${event.child} (pid ${event.pid}) ended: ${event.reason}; starting again in ${event.restartInMs} ms`;
    case 'child-restarted':
      return `● ${event.child} runs again (pid ${event.pid})`;
    default:
      return assertNever(event);
  }
}
