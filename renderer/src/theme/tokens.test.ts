import { describe, expect, test } from 'vitest';
import { contrast } from './contrast.ts';
import { palettes } from './tokens.ts';

describe.each(Object.entries(palettes))('%s palette', (_name, palette) => {
  const surfaces = [palette.ground, palette.panel, palette.raised, palette.code, palette.hover, palette.selected];

  test.each(['text', 'dim', 'faint', 'ok', 'warn', 'bad', 'info', 'violet'] as const)(
    '%s is readable on every surface',
    (name) => {
      for (const surface of surfaces) expect(contrast(palette[name], surface)).toBeGreaterThanOrEqual(4.5);
    },
  );

  test.each(['key', 'string', 'number', 'comment'] as const)('%s is readable in the editor', (name) => {
    expect(contrast(palette[name], palette.code)).toBeGreaterThanOrEqual(4.5);
  });

  test('text on coloured grounds is readable', () => {
    expect(contrast(palette.accentText, palette.accent)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(palette.bad, palette.badGround)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(palette.warn, palette.warnGround)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(palette.ok, palette.okGround)).toBeGreaterThanOrEqual(4.5);
  });

  test('outlines of controls are seen', () => {
    for (const surface of [palette.ground, palette.panel, palette.raised])
      expect(contrast(palette.outline, surface)).toBeGreaterThanOrEqual(3);
  });
});
