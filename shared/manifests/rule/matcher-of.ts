import type { Matcher } from '../../gateway/matcher.ts';
import type { Call, Known } from './call.ts';
import { matchersV2 } from './matchers-v2.ts';
import { matchersV3 } from './matchers-v3.ts';
import type { RuleProblem } from './token.ts';

export type RuleSyntax = 'v3' | 'v2';

const MATCHERS = { v3: matchersV3, v2: matchersV2 } as const;
const SPELLINGS = { v3: spellings(matchersV3), v2: spellings(matchersV2) } as const;

/** Traefik registers each name as written, in lower case, in upper case and capitalised. */
function spellings(matchers: Readonly<Record<string, Known>>): ReadonlyMap<string, Known> {
  const known = new Map<string, Known>();
  for (const [name, matcher] of Object.entries(matchers)) {
    const lower = name.toLowerCase();
    for (const spelling of [name, lower, name.toUpperCase(), lower.charAt(0).toUpperCase() + lower.slice(1)])
      known.set(spelling, matcher);
  }
  return known;
}

/** The matcher that a call of Traefik's rule language stands for, or what Traefik v3 refuses about it. */
export function matcherOf(call: Call, syntax: RuleSyntax): { matcher: Matcher } | { problem: RuleProblem } {
  const { name, args } = call;
  const known = SPELLINGS[syntax].get(name.text);
  if (known === undefined) return { problem: unknown(call, syntax) };
  const { counts } = known;
  const refuse = (message: string, range: { start: number; end: number }, hint?: string): { problem: RuleProblem } => ({
    problem: {
      code: 'rule-syntax',
      message,
      start: range.start,
      end: range.end,
      ...(hint === undefined ? {} : { hint }),
    },
  });
  const whole = { start: name.start, end: (args.at(-1) ?? name).end };
  const empty = args.find(({ text }) => text === '');
  if (args.length === 0 || (counts !== undefined && !counts.includes(args.length))) {
    const wanted = counts === undefined ? 'at least 1' : counts.join(' or ');
    const most = Math.max(...(counts ?? [Infinity]));
    const hint =
      args.length > most
        ? `Since v3 each takes one value: join several by ||, as in ${name.text}(\`a\`) || ${name.text}(\`b\`).`
        : undefined;
    return refuse(
      `unexpected number of parameters for ${name.text}; got ${args.length}, expected ${wanted}`,
      whole,
      hint,
    );
  }
  if (empty !== undefined) return refuse(`empty args for matcher ${name.text}`, empty);
  const made = known.make(args);
  return 'kind' in made ? { matcher: made } : { problem: { code: 'rule-syntax', ...made } };
}

function unknown({ name }: Call, syntax: RuleSyntax): RuleProblem {
  const other = syntax === 'v3' && SPELLINGS.v2.has(name.text) ? ` ${name.text} is of the syntax of v2.` : '';
  return {
    code: 'rule-syntax',
    message: `unsupported function: ${name.text}`,
    start: name.start,
    end: name.end,
    hint: `Traefik ${syntax} knows ${Object.keys(MATCHERS[syntax]).join(', ')}.${other}`,
  };
}
