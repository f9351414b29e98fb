import type { ExchangeSummary } from '../../../shared/agent/api.ts';

/** New exchanges come at the end, changed ones take the place of what they were; only the newest `keep` stay. */
export function mergeExchanges(
  known: readonly ExchangeSummary[],
  news: readonly ExchangeSummary[],
  keep: number,
): readonly ExchangeSummary[] {
  if (news.length === 0) return known;
  const byId = new Map(known.map((exchange) => [exchange.id, exchange]));
  for (const exchange of news) byId.set(exchange.id, exchange);
  return [...byId.values()].sort((a, b) => a.seq - b.seq).slice(-keep);
}
