/**
 * How well a text fits what was typed; the higher the better, `null` when it does not. Each word must be found: as a
 * whole at the start of a word (best), anywhere, or as letters in order (worst).
 */
export function matchScore(text: string, typed: string): number | null {
  const low = text.toLowerCase();
  let score = 0;
  for (const word of typed.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = low.indexOf(word);
    if (at >= 0) {
      const starts = at === 0 || /[^a-z0-9]/.test(low[at - 1] ?? '');
      score += (starts ? 100 : 60) - Math.min(at, 40) / 2;
      continue;
    }
    let from = 0;
    for (const letter of word) {
      const next = low.indexOf(letter, from);
      if (next < 0) return null;
      from = next + 1;
    }
    score += 10;
  }
  return score - low.length / 100;
}
