/** A scalar that is written as it is, without quotes: how it is read is the reader's to decide. */
export class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A manifest as YAML in flow style, which is JSON but for raw scalars. */
export function manifestText(value: unknown): string {
  if (value instanceof Raw) return value.text;
  if (Array.isArray(value)) return `[${value.map(manifestText).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, child]) => child !== undefined);
    return `{${entries.map(([key, child]) => `${JSON.stringify(key)}: ${manifestText(child)}`).join(', ')}}`;
  }
  return JSON.stringify(value);
}
