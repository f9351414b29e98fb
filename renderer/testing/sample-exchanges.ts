import type { Exchange, ExchangeSummary } from '../../shared/agent/api.ts';

const statuses = [200, 200, 200, 429, 502, 200, 401] as const;

/** Requests as an agent reports them, the last one still running. */
export function sampleExchanges(count: number): ExchangeSummary[] {
  return Array.from({ length: count }, (_, at): ExchangeSummary => {
    const status = statuses[at % statuses.length] ?? 200;
    const verdict = status === 429 ? { verdict: 'rate-limited' } : status === 401 ? { verdict: 'unauthorized' } : {};
    const done = at === count - 1 ? {} : { status, tookMs: 3.4 + ((at * 37) % 180), ...verdict };
    return {
      seq: at + 1,
      id: `x${at}`,
      startedAt: new Date(Date.UTC(2026, 0, 5, 14, 2, 0) + at * 317).toISOString(),
      method: at % 5 === 4 ? 'POST' : 'GET',
      host: 'checkout-7f3a.preview.example',
      target: `/checkout/v${1 + (at % 2)}/carts/${at}`,
      route: `checkout-v${1 + (at % 2)}`,
      api: `checkout-v${1 + (at % 2)}`,
      ...(status === 401 ? {} : { application: 'partners-eu', plan: 'partner-plan' }),
      broker: ['fra', 'iad', 'sin'][at % 3] ?? 'fra',
      attempt: at % 11 === 10 ? 2 : 1,
      requestBytes: 35,
      responseBytes: 120,
      ...done,
    };
  });
}

export function sampleExchange(summary: ExchangeSummary): Exchange {
  const text = '{ "method": "card", "amount": 4200 }';
  return {
    ...summary,
    upstream: 'http://127.0.0.1:3000',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    request: {
      headers: [
        ['Host', summary.host],
        ['Authorization', 'Bearer ••••••••'],
        ['Content-Type', 'application/json'],
      ],
      body: { data: btoa(text), bytes: text.length, truncated: false },
    },
    ...(summary.status === undefined
      ? {}
      : {
          response: {
            headers: [['Content-Type', 'application/json'] as [string, string]],
            body: { data: btoa('{"ok":true,"items":[1,2,3]}'), bytes: 27, truncated: false },
          },
        }),
  };
}
