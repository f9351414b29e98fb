import { lowerName } from '../../shared/http1/field-name.ts';
import type { RequestHead } from '../../shared/http1/message-head.ts';
import { INTERNAL_HEADERS } from '../../shared/tunnel/protocol.ts';
import type { ExchangeRecord } from '../recorder/exchange-record.ts';
import { Mask } from '../recorder/mask.ts';
import type { ExchangeContext } from './exchange-context.ts';
import type { Routed } from './route-request.ts';

const DEFAULT_MASK = new Mask();

/** What the broker says of the request; the name in lower case. */
function internal(head: RequestHead, name: string): string | undefined {
  for (const [other, value] of head.apart ?? []) {
    if (other.length === name.length && (other === name || lowerName(other) === name)) return value;
  }
  return undefined;
}

export function beginRecord(head: RequestHead, routed: Routed, context: ExchangeContext): ExchangeRecord {
  return context.recorder.begin({
    id: internal(head, INTERNAL_HEADERS.requestId) ?? context.newId(),
    method: head.method,
    host: routed.previewHost,
    target: head.target,
    headers: head.headers.pairs,
    broker: internal(head, INTERNAL_HEADERS.broker) ?? context.broker,
    attempt: Number(internal(head, INTERNAL_HEADERS.attempt) ?? '1') || 1,
    mask: context.serving?.mask ?? DEFAULT_MASK,
    route: routed.route?.id,
    api: routed.route?.api,
    application: routed.application,
    plan: routed.plan,
    takenBy: routed.route,
    tls: internal(head, INTERNAL_HEADERS.tls),
    httpVersion: internal(head, INTERNAL_HEADERS.httpVersion),
  });
}
