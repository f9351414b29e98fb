import { STATUS_CODES } from 'node:http';
import type { IpAllowListConfig } from '../../../shared/gateway/middleware.ts';
import { addressSet } from '../address-set.ts';
import { callerAddress } from './caller-address.ts';
import type { HeadStep } from './head-step.ts';
import { plainAnswer } from './plain-answer.ts';

export function ipAllowList({ ranges, strategy, rejectStatus }: IpAllowListConfig): HeadStep {
  const allowed = addressSet(ranges);
  const addressOf = callerAddress(strategy);
  // Go takes a status below 200 for an interim one, and writes the words with 200.
  const status = rejectStatus < 200 ? 200 : rejectStatus;
  const text = STATUS_CODES[rejectStatus] ?? '';
  return {
    request(request) {
      const address = addressOf(request);
      // X-Forwarded-For may hold ports.
      const bare = /^\[([^\]]*)\]:[^:]*$/.exec(address)?.[1] ?? /^([^:]*):[^:]*$/.exec(address)?.[1] ?? address;
      if (allowed(bare)) return undefined;
      return plainAnswer(status, `The address ${JSON.stringify(address)} is in none of the networks.`, { text });
    },
  };
}
