import { InvalidArgumentError } from 'commander';

/** The grace of a broker in seconds, 0 to 600. */
export function graceSeconds(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 600)) throw new InvalidArgumentError('use seconds from 0 to 600.');
  return value;
}
