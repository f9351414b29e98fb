/** A header's name as Go writes it: `x-api-KEY` is `X-Api-Key`. Names that are no tokens stay as they are. */
export function canonicalName(name: string): string {
  if (!/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/.test(name)) return name;
  return name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}
