import type { HeaderModifierConfig } from '../../../shared/gateway/filter.ts';
import type { HeaderList } from '../../../shared/http1/header-list.ts';
import { NOT_ANSWERED, NOT_SENT } from './custom-headers.ts';
import type { HeadStep } from './head-step.ts';
import { canonicalName } from './header-name.ts';

const FORWARDED_FOR = 'X-Forwarded-For';

interface Changes {
  readonly set: readonly (readonly [string, string])[];
  readonly add: readonly (readonly [string, string])[];
  readonly remove: readonly string[];
}

/** A filter RequestHeaderModifier. `Host` is no header here, as in Go. */
export function requestHeaderModifier(config: HeaderModifierConfig<'request-header-modifier'>): HeadStep {
  const changes = changesOf(config, new Set([...NOT_SENT, 'Host']));
  return {
    request(request) {
      const { headers } = request;
      // The visitor's address is added to what is there once all filters are through.
      const before = request.forwardedFor;
      if (before === '') headers.remove(FORWARDED_FOR);
      else headers.set(FORWARDED_FOR, before);
      apply(changes, headers);
      const list = [...headers.getAll('x-forwarded-for'), request.clientIp];
      headers.set(FORWARDED_FOR, list.filter((part) => part !== '').join(', '));
      return undefined;
    },
  };
}

/** A filter ResponseHeaderModifier. */
export function responseHeaderModifier(config: HeaderModifierConfig<'response-header-modifier'>): HeadStep {
  const changes = changesOf(config, NOT_ANSWERED);
  return { response: (headers) => apply(changes, headers) };
}

function changesOf(config: ChangeSource, without: ReadonlySet<string>): Changes {
  const pairs = (map: Readonly<Record<string, string>>): [string, string][] =>
    Object.entries(map)
      .map(([name, value]): [string, string] => [canonicalName(name), value])
      .filter(([name]) => !without.has(name));
  const remove = config.remove.map(canonicalName).filter((name) => !without.has(name));
  return { set: pairs(config.set), add: pairs(config.add), remove };
}

type ChangeSource = Pick<HeaderModifierConfig<string>, 'set' | 'add' | 'remove'>;

function apply({ set, add, remove }: Changes, headers: HeaderList): void {
  for (const [name, value] of set) headers.set(name, value);
  for (const [name, value] of add) headers.append(name, value);
  for (const name of remove) headers.remove(name);
}
