const apple = typeof navigator !== 'undefined' && /Mac|iP(hone|ad)/.test(navigator.userAgent);

/** A shortcut as the keyboard of this system calls it: `mod+K` is ⌘K or Ctrl K. */
export function keyName(keys: string): string {
  return keys
    .split('+')
    .map((key) => (key === 'mod' ? (apple ? '⌘' : 'Ctrl') : key === 'shift' ? (apple ? '⇧' : 'Shift') : key))
    .join(apple ? '' : ' ');
}
