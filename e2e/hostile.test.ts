import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hosts, sizes, slowness, smuggling } from './hostile/http1-probes.ts';
import { floods } from './hostile/http2-floods.ts';
import { http2 } from './hostile/http2-probes.ts';
import { fromTheBroker } from './hostile/broker-probes.ts';
import { dial, exchange, seenIn } from './hostile/probe.ts';
import type { Probe } from './hostile/probe.ts';
import { sessions, tokens, tunnels } from './hostile/tunnel-probes.ts';
import { startHostileStack } from './support/hostile-stack.ts';
import type { HostileStack } from './support/hostile-stack.ts';
import { root } from './support/running-stack.ts';

const DOCUMENT = join(root, 'docs/hostile-probes.md');
const NARROW = [
  '--head-timeout',
  '1',
  '--body-timeout',
  '1',
  '--body-floor',
  '1000',
  '--address-connections',
  '16',
  '--address-requests',
  '1',
  '--address-request-burst',
  '50',
];

const AREAS: readonly (readonly [title: string, probes: readonly Probe[]])[] = [
  ['Smuggling and malformed messages', smuggling],
  ['Hosts', hosts],
  ['Sizes', sizes],
  ['Slowness and floods', slowness],
  ['HTTP/2', http2],
  ['HTTP/2 floods', floods],
  ['Tokens', tokens],
  ['Sessions', sessions],
  ['WebSocket and Yamux', tunnels],
  ['A broker in wrong hands', fromTheBroker],
];

let stack: HostileStack;
/** Rows of the document, by title of their area. */
const rows = new Map<string, string[]>();

beforeAll(async () => {
  stack = await startHostileStack(NARROW);
});
afterAll(() => stack.stop());

/** Both tenants still get their own answer, and no upstream got what it never should. */
async function nothingChanged(): Promise<void> {
  for (const tenant of stack.tenants) {
    const bytes = `GET /after HTTP/1.1\r\nHost: ${tenant.host}\r\nConnection: close\r\n\r\n`;
    expect(seenIn(await exchange(dial(stack.plain.address), [bytes]))).toBe(`200 ${tenant.name}`);
    expect(tenant.wrong).toEqual([]);
  }
  expect(stack.betrayed.tenant.wrong).toEqual([]);
  expect(stack.alive()).toBe(true);
}

describe.each(AREAS)('%s', (title, probes) => {
  test.each(probes.map((probe) => [probe.name, probe] as const))('%s', async (_name, probe) => {
    const seen = await probe.run(stack);
    const area = rows.get(title) ?? [];
    area.push(`| ${[probe.name, probe.sent, probe.expected, seen].map(cell).join(' | ')} |`);
    rows.set(title, area);
    expect(seen).toBe(probe.expected);
    await nothingChanged();
  });
});

test('docs/hostile-probes.md says what was seen', async () => {
  const text = document();
  if (process.env['ADIT_WRITE_DOCS'] === '1') await writeFile(DOCUMENT, text);
  expect(await readFile(DOCUMENT, 'utf8')).toBe(text);
});

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function document(): string {
  const count = [...rows.values()].reduce((sum, area) => sum + area.length, 0);
  const parts = AREAS.map(([title]) =>
    [`## ${title}`, '', '| probe | sent | expected | seen |', '|---|---|---|---|', ...(rows.get(title) ?? [])].join(
      '\n',
    ),
  );
  return `# Hostile probes

What visitors and agents that mean ill send, and what they get: ${count} probes against brokers, agents and upstreams as processes. After
each probe both tenants (\`shop\`, \`bank\`) get their own answer, no upstream has received anything that it should not have, and
every process still runs. Numbers are HTTP statuses, with the code of the problem document where the broker answered or the
tenant that did; \`RST_STREAM\`, \`GOAWAY\` and \`GoAway\` with their codes; \`closed\`: the connection ended without an answer.

\`npx vitest run --config e2e/vitest.config.ts e2e/hostile\` runs them and holds this page to what it saw; with
\`ADIT_WRITE_DOCS=1\` it writes the page.

What is not as RFC 9113 §8.2.1 wants it: a field of HTTP/2 with CR, LF, NUL or a colon in its name or value is dropped, and the
request is served without it instead of being refused. The HTTP/2 of Node.js drops it before anybody else sees it and has no option
for that; nothing of it reaches an agent. A broker that an agent has dialled can claim what it likes about visitors
(\`X-Forwarded-*\`), but not where their requests go.

${parts.join('\n\n')}
`;
}
