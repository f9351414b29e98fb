const LINE_MAX = 1024 * 1024;

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

/**
 * Server-sent events out of text at any cut (HTML standard, "Interpreting an event stream"; `id` and `retry` are not
 * used here). Throws when an event grows beyond 1 MiB.
 */
export class EventStreamParser {
  #line = '';
  #event = '';
  #data: string[] = [];
  #bytes = 0;
  #afterReturn = false;

  push(text: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const char = text[at];
      if (char !== '\n' && char !== '\r') {
        this.#afterReturn = false;
        continue;
      }
      // CR LF is one line end, also when the cut is between both.
      if (char === '\n' && this.#afterReturn) {
        this.#afterReturn = false;
        from = at + 1;
        continue;
      }
      this.#afterReturn = char === '\r';
      const event = this.#takeLine(this.#line + text.slice(from, at));
      if (event !== undefined) events.push(event);
      this.#line = '';
      from = at + 1;
    }
    this.#line += text.slice(from);
    this.#bound(this.#line.length);
    return events;
  }

  #takeLine(line: string): ServerEvent | undefined {
    if (line === '') {
      const event =
        this.#data.length === 0 ? undefined : { event: this.#event || 'message', data: this.#data.join('\n') };
      this.#event = '';
      this.#data = [];
      this.#bytes = 0;
      return event;
    }
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.#event = value;
    if (field === 'data') {
      this.#bound(value.length + 1);
      this.#bytes += value.length + 1;
      this.#data.push(value);
    }
    return undefined;
  }

  #bound(more: number): void {
    if (this.#bytes + more > LINE_MAX)
      throw new RangeError(`an event of the stream has more than ${LINE_MAX} characters`);
  }
}
