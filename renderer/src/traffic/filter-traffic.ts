import type { ExchangeSummary } from '../../../shared/agent/api.ts';

type Test = (exchange: ExchangeSummary) => boolean;

const fields: Record<string, (wanted: string) => Test> = {
  status: (wanted) => (exchange) => matchesStatus(exchange.status, wanted),
  method: (wanted) => (exchange) => exchange.method.toLowerCase() === wanted,
  path: (wanted) => (exchange) => has(exchange.target, wanted),
  host: (wanted) => (exchange) => has(exchange.host, wanted),
  api: (wanted) => (exchange) => has(exchange.api, wanted),
  app: (wanted) => (exchange) => has(exchange.application, wanted),
  application: (wanted) => (exchange) => has(exchange.application, wanted),
  plan: (wanted) => (exchange) => has(exchange.plan, wanted),
  link: (wanted) => (exchange) => has(exchange.broker, wanted),
  verdict: (wanted) => (exchange) => has(exchange.verdict, wanted),
  try: (wanted) => (exchange) => compare(exchange.attempt, wanted),
  took: (wanted) => (exchange) => exchange.tookMs !== undefined && compare(exchange.tookMs, wanted.replace(/ms$/, '')),
};

/**
 * Words that must all hold: `status:5xx`, `status:>=400`, `method:post`, `took:>100`, `app:mobile`; a word without a
 * field is looked for in the path; `-` before a word turns it around.
 */
export function trafficFilter(text: string): Test {
  const tests = text.trim().toLowerCase().split(/\s+/).filter(Boolean).map(testOf);
  return (exchange) => tests.every((test) => test(exchange));
}

function testOf(word: string): Test {
  if (word.startsWith('-') && word.length > 1) {
    const test = testOf(word.slice(1));
    return (exchange) => !test(exchange);
  }
  const colon = word.indexOf(':');
  const field = colon < 0 ? undefined : fields[word.slice(0, colon)];
  const wanted = word.slice(colon + 1);
  if (field) return wanted === '' ? () => true : field(wanted);
  return (exchange) => has(exchange.target, word);
}

function has(value: string | undefined, wanted: string): boolean {
  return value?.toLowerCase().includes(wanted) ?? false;
}

function matchesStatus(status: number | undefined, wanted: string): boolean {
  if (wanted === 'none' || wanted === 'running') return status === undefined;
  if (status === undefined) return false;
  if (/^[1-5]xx$/.test(wanted)) return Math.floor(status / 100) === Number(wanted[0]);
  return /^\d+$/.test(wanted) ? String(status).startsWith(wanted) : compare(status, wanted);
}

function compare(value: number, wanted: string): boolean {
  const parts = /^(>=|<=|>|<|=)?(\d+(?:\.\d+)?)$/.exec(wanted);
  if (!parts) return false;
  const bound = Number(parts[2]);
  switch (parts[1]) {
    case '>':
      return value > bound;
    case '>=':
      return value >= bound;
    case '<':
      return value < bound;
    case '<=':
      return value <= bound;
    default:
      return value === bound;
  }
}
