import { randomBytes } from 'node:crypto';

/** Unlike for each process, so that ids of several edges never meet. */
const PREFIX = randomBytes(9).toString('base64url');
let last = 0;

/** Id of an exchange: unique, without the cost of fresh randomness for each request. Not a secret. */
export function nextRequestId(): string {
  last += 1;
  return `${PREFIX}-${last.toString(36)}`;
}
