/** The type without its parameters, in lower case; undefined when it is none. */
export function mediaType(value: string): string | undefined {
  const type = (value.split(';', 1)[0] ?? '').trim().toLowerCase();
  return /^[!#$%&'*+\-.^_`|~0-9a-z]+(?:\/[!#$%&'*+\-.^_`|~0-9a-z]+)?$/.test(type) ? type : undefined;
}
